"""One forward and one backward pass of an untrained network, with every signal kept.

All probes read the same `Snapshot`, so a scheme costs one pass per seed however many probes
there are.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from initsweep.graph.draws import private_draws
from initsweep.graph.twins import apart, twin_with
from initsweep.probes.recording import CONVOLUTIONS, NORMS, Pointwise, Use, recorded


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layer:
    """The signals of one weight layer on one batch, all float64 and detached.

    A convolution's positions count as examples: `rows` is batch times positions.

    Attributes:
        name: The module's name.
        weight: Shape (units, *fan_in).
        bias: Shape (units,), or None.
        inputs: What the layer multiplies, shape (rows, channels).
        pre_activations: What the activation function sees, shape (rows, units): after the
            normalization where one follows the layer, else the layer's output.
        activations: What the activation function returns, shape (rows, units); the
            pre-activations themselves where no activation follows (the head).
        gradients: Loss gradient with respect to the pre-activations, shape (rows, units).
        weight_gradient: Loss gradient with respect to `weight`, of its shape.
        bias_gradient: Loss gradient with respect to `bias`, of its shape, or None.
        activation: The activation function, or None.
        normalized: Whether a normalization stands between layer and activation.
    """

    name: str
    weight: Tensor
    bias: Tensor | None
    inputs: Tensor
    pre_activations: Tensor
    activations: Tensor
    gradients: Tensor
    weight_gradient: Tensor
    bias_gradient: Tensor | None
    activation: Pointwise | None
    normalized: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Snapshot:
    """Everything one pass showed.

    Attributes:
        layers: One per use of a weight layer, in the order of use.
        loss: The batch's mean loss.
        gradient_norm: Euclidean norm of the loss gradient with respect to all parameters that are
            trained.
        unseen: Parameters that no layer and no normalization above belongs to.
    """

    layers: tuple[Layer, ...]
    loss: float
    gradient_norm: float
    unseen: tuple[str, ...]


def capture(
    model: nn.Module,
    parameters: Mapping[str, Tensor],
    features: Tensor,
    targets: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor],
    activation_after: Mapping[str, Pointwise],
) -> Snapshot:
    """Run `model` with `parameters` on one batch, forward and backward, and keep its signals.

    Computes in float64: at depth 30 under N(0, 1) weights, squares of the signals overflow
    float32. Batch normalization uses the batch's statistics, as in training. A twin of the model
    is run, so that nothing in the model changes.

    Args:
        model: The network; its own parameter values are ignored.
        parameters: All parameters by name.
        features: Shape (batch, *features).
        targets: Shape (batch,).
        loss: The batch's mean loss from outputs and targets.
        activation_after: Activation function by name of the weight layer it follows. Where a
            layer is missing here, an activation applied as a module of its own is found.

    Returns:
        One `Layer` per use of a linear or convolution layer, in the order of use.
    """
    leaves = {
        name: value.detach().double().clone().requires_grad_()  # backward() writes .grad to it
        for name, value in parameters.items()
    }
    twin = twin_with(model, leaves, torch.float64).train()
    uses: list[Use] = []
    # Dropout would otherwise draw from a stream that depends on what ran before.
    with recorded(twin, uses), private_draws(0):
        value = loss(twin(_doubled(features)), _doubled(targets))
        value.backward()  # type: ignore[no-untyped-call]
    trained = [leaves[name] for name in trained_names(model, leaves)]
    return Snapshot(
        layers=tuple(_layer(use, activation_after) for use in uses),
        loss=float(value.detach()),
        gradient_norm=_norm(trained),
        unseen=_unseen(twin, trained, uses),
    )


def trained_names(model: nn.Module, names: Iterable[str]) -> list[str]:
    """Return those of some parameters' names whose parameters are not frozen."""
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    return [name for name in names if name not in frozen]


def _layer(use: Use, activation_after: Mapping[str, Pointwise]) -> Layer:
    declared = activation_after.get(use.name)
    activation = use.activation if declared is None else apart(declared)
    pre_activations = _rows(use.pre_activations, use.module)
    with torch.no_grad():
        # A copy, because an activation may work in place.
        activations = activation(pre_activations.clone()) if activation else pre_activations
    gradient = use.gradient[0] if use.gradient else torch.zeros_like(use.pre_activations)
    return Layer(
        name=use.name,
        weight=use.weight.detach(),
        bias=None if use.bias is None else use.bias.detach(),
        inputs=_rows(use.inputs, use.module),
        pre_activations=pre_activations,
        activations=activations,
        gradients=_rows(gradient.detach(), use.module),
        weight_gradient=_gradient_of(use.weight),
        bias_gradient=None if use.bias is None else _gradient_of(use.bias),
        activation=activation,
        normalized=use.normalized,
    )


def _unseen(model: nn.Module, trained: list[Tensor], uses: list[Use]) -> tuple[str, ...]:
    """Return the names of the trained parameters that nothing was recorded of."""
    # A tied weight is one parameter of several modules: seen in one of them, it is seen.
    known = {id(one) for use in uses for one in use.module.parameters(recurse=False)}
    unknown = {id(one) for one in trained} - known
    return tuple(
        f"{path}.{name}".lstrip(".")
        for path, module in model.named_modules()
        if not isinstance(module, NORMS)
        for name, parameter in module.named_parameters(recurse=False)
        if id(parameter) in unknown
    )


def _norm(leaves: list[Tensor]) -> float:
    """Return the norm of all gradients together, scaled so that squares stay in range."""
    gradients = [leaf.grad.detach() for leaf in leaves if leaf.grad is not None and leaf.numel()]
    largest = max((float(gradient.abs().max()) for gradient in gradients), default=0.0)
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * math.sqrt(sum(float((g / largest).square().sum()) for g in gradients))


def _gradient_of(parameter: Tensor) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.detach()


def _rows(signal: Tensor, module: nn.Module) -> Tensor:
    """Return the signal as (rows, channels); a convolution has its channels on axis 1."""
    if isinstance(module, CONVOLUTIONS):
        signal = signal.movedim(1, -1)
    return signal.reshape(-1, signal.shape[-1])


def _doubled(tensor: Tensor) -> Tensor:
    return tensor.double() if tensor.is_floating_point() else tensor
