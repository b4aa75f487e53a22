"""Notes what the weight layers of a network compute while it runs, and what follows them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from initsweep.probes.attention import open_attentions

Pointwise = Callable[[Tensor], Tensor]

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
WEIGHT_LAYERS = (nn.Linear, *CONVOLUTIONS)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)

# Functions and methods of tensors that are activations; in-place ones end on "_".
FUNCTIONS = frozenset({
    "celu", "elu", "gelu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu",
    "logsigmoid", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "softplus", "softshrink",
    "softsign", "tanh", "tanhshrink", "sin", "square",
})  # fmt: skip


@dataclass(slots=True, eq=False)
class Use:
    """One call of a weight layer while the pass is running."""

    name: str
    module: nn.Module
    weight: Tensor
    bias: Tensor | None
    inputs: Tensor
    signal: Tensor  # the very tensor object, to recognise who consumes it
    pre_activations: Tensor  # a copy: an in-place activation overwrites the signal
    gradient: list[Tensor] = field(default_factory=list)
    activation: Pointwise | None = None
    normalized: bool = False

    def follow(self, signal: Tensor) -> None:
        """Take `signal` as the pre-activation from here on."""
        self.signal = signal
        self.pre_activations = signal.detach().clone()
        self.gradient = []
        # A hook and not retain_grad, whose gradient moves on when the signal changes in place.
        signal.register_hook(self.gradient.append)  # type: ignore[no-untyped-call]


@contextmanager
def recorded(model: nn.Module, uses: list[Use]) -> Iterator[None]:
    """Append every use of a weight layer to `uses` while the network, a twin, runs.

    Yields:
        Nothing.
    """
    for name, module in model.named_modules():
        if not any(module.children()):
            module.register_forward_hook(_recorder(name, uses))
    names = {module: name for name, module in model.named_modules()}

    def projection(
        part: str, module: nn.Module, weight: Tensor, bias: Tensor | None, x: Tensor, out: Tensor
    ) -> None:
        uses.append(record_use(f"{names[module]}.{part}".lstrip("."), module, weight, bias, x, out))

    open_attentions(model, projection)
    with _Watch(uses):
        yield


class _Watch(TorchFunctionMode):
    """Sees the activations that a network calls as functions, such as `F.relu(self.fc(x))`."""

    def __init__(self, uses: list[Use]) -> None:
        super().__init__()
        self._uses = uses

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,  # noqa: ANN401 - torch's signature
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        """Return what `func` returns, having noted which layer it follows."""
        settings = kwargs or {}
        result = func(*args, **settings)
        name = getattr(func, "__name__", "").rstrip("_")
        if name in FUNCTIONS and args and isinstance(result, Tensor):
            for use in self._uses:
                if args[0] is use.signal and use.activation is None:
                    use.activation = partial(_applied, func, args[1:], settings)
        return result


def _applied(
    function: Callable[..., Tensor], rest: tuple[Any, ...], settings: dict[str, Any], z: Tensor
) -> Tensor:
    return function(z, *rest, **settings)


def record_use(
    name: str, module: nn.Module, weight: Tensor, bias: Tensor | None, inputs: Tensor, out: Tensor
) -> Use:
    """Return a new record of a layer that has just computed `out` from `inputs`."""
    weight.retain_grad()  # does nothing to a leaf; a part or a parametrization is none
    if bias is not None:
        bias.retain_grad()
    use = Use(name, module, weight, bias, inputs.detach().clone(), out, out)
    use.follow(out)
    return use


def _recorder(
    name: str, uses: list[Use]
) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
    """Return a forward hook that records weight layers and what directly follows them."""

    def record(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(module, WEIGHT_LAYERS):
            uses.append(record_use(name, module, module.weight, module.bias, args[0], output))
            return
        for use in uses:
            if not args or args[0] is not use.signal:
                continue
            if isinstance(module, NORMS):
                use.normalized = True
                use.follow(output)
            elif is_pointwise(module) and output.shape == args[0].shape:
                use.activation = module

    return record


def is_pointwise(module: nn.Module) -> bool:
    """Return whether the module can be an activation: no parameters, nothing between units."""
    kind = type(module).__name__
    excluded = kind == "Identity" or "Dropout" in kind or "Softm" in kind
    return not excluded and not any(True for _ in module.parameters())
