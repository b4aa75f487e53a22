"""What an initializer needs to know about a layer, and which activation follows it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from initsweep.errors import InitsweepError
from initsweep.registry import did_you_mean

Activation = Callable[[Tensor], Tensor]

NORMS_WITH_STATISTICS = (
    nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm,
    nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d,
)  # fmt: skip
NORMS = (*NORMS_WITH_STATISTICS, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
_TRANSPARENT = (*NORMS, nn.Dropout, nn.AlphaDropout, nn.Flatten, nn.Identity)
_ELEMENTWISE: tuple[type[nn.Module], ...] = (
    nn.CELU, nn.ELU, nn.GELU, nn.Hardshrink, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh,
    nn.LeakyReLU, nn.LogSigmoid, nn.Mish, nn.ReLU, nn.SELU, nn.Sigmoid, nn.SiLU, nn.Softplus,
    nn.Softshrink, nn.Softsign, nn.Tanh, nn.Tanhshrink, nn.Threshold,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer to initialize.

    Attributes:
        name: Path of the module in the network ("hidden.0.linear").
        weight_shape: Shape of the weight as torch keeps it; (out, in) for a linear layer.
        bias_shape: Shape of the bias, None for a layer without one.
        fan_in: Inputs of one output unit, averaged over positions; see `fans.compute_fans`.
        fan_out: Outputs that one input unit reaches, averaged over positions.
        activation: The activation applied to the layer's output, None for a linear output.
    """

    name: str
    weight_shape: tuple[int, ...]
    bias_shape: tuple[int, ...] | None
    fan_in: float
    fan_out: float
    activation: Activation | None


def activations_after(model: nn.Module) -> Mapping[str, Activation]:
    """Return the activation that follows each layer, by the layer's module path.

    A network says so itself through an attribute `activation_after`. Without it, the activations
    inside every `nn.Sequential` are found by reading on from each layer, past normalization and
    dropout. A layer that is not listed counts as having a linear output.

    Raises:
        InitsweepError: If the network's `activation_after` names a module it does not have.
    """
    declared: Mapping[str, Activation] | None = getattr(model, "activation_after", None)
    if declared is None:
        return _activations_in_sequentials(model)
    paths = [path for path, _ in model.named_modules()]
    for name in declared:
        if name not in paths:
            raise InitsweepError(
                f"{type(model).__name__}.activation_after names '{name}', which is not a module "
                f"of the network.{did_you_mean(name, paths)}"
            )
    return declared


def _activations_in_sequentials(model: nn.Module) -> dict[str, Activation]:
    found: dict[str, Activation] = {}
    for path, module in model.named_modules():
        if isinstance(module, nn.Sequential):
            found |= _activations_in(_steps(module, f"{path}." if path else ""))
    return found


def _steps(container: nn.Sequential, prefix: str) -> Iterator[tuple[str, nn.Module]]:
    # One activation module may stand at several places, so duplicates have to be kept.
    for name, child in container.named_modules(remove_duplicate=False):
        if name and "." not in name:
            if isinstance(child, nn.Sequential):
                yield from _steps(child, f"{prefix}{name}.")
            else:
                yield prefix + name, child


def _activations_in(steps: Iterator[tuple[str, nn.Module]]) -> dict[str, Activation]:
    found: dict[str, Activation] = {}
    waiting: str | None = None
    for path, module in steps:
        if isinstance(module, _ELEMENTWISE):
            if waiting is not None:
                found[waiting] = module
            waiting = None
        elif not isinstance(module, _TRANSPARENT):
            waiting = path
    return found
