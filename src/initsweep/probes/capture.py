"""One forward and one backward pass of an untrained network, with every signal kept.

All probes read the same `Snapshot`, so a scheme costs one pass per seed however many probes
there are.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from initsweep.graph.forms import Inputs
from initsweep.graph.strays import strays
from initsweep.graph.twins import apart
from initsweep.graph.vocabulary import NORMS
from initsweep.probes.passing import Loss, grave, passed
from initsweep.probes.pointwise import is_pointwise
from initsweep.probes.recording import Noted, Use, channel_axis
from initsweep.probes.trunk import Node, Sum
from initsweep.probes.written import Pointwise, activations_of, seen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layer:
    """The signals of one weight layer on one batch, all as float64 and detached.

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
        place: Where it comes on the trunk; None for a layer of a branch.
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
    place: int | None = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Snapshot:
    """Everything one pass showed.

    Attributes:
        layers: One per use of a weight layer, in the order of use.
        joints: The sums on the trunk, each behind its place.
        restarts: Where on the trunk a normalization sets the scale anew.
        decided: For each attention, the number of uses of weight layers before it, and the share of
            queries that attend to a single key.
        loss: The batch's mean loss.
        gradient_norm: Euclidean norm of the loss gradient with respect to all parameters that are
            trained.
        unseen: Parameters that no layer and no normalization above belongs to.
        lowered: Why the numbers are less precise than float64, in a sentence; "" if they are not.
        asleep: Parameters whose gradient is zero, and stays so.
        detached: Parameters that the loss does not depend on, and layers that torch does not find.
    """

    layers: tuple[Layer, ...]
    joints: tuple[tuple[int, Sum], ...]
    restarts: tuple[int, ...]
    decided: tuple[tuple[int, float], ...]
    loss: float
    gradient_norm: float
    unseen: tuple[str, ...]
    lowered: str
    asleep: tuple[str, ...]
    detached: tuple[str, ...]


def capture(
    model: nn.Module,
    parameters: Mapping[str, Tensor],
    features: Inputs,
    targets: Inputs,
    loss: Loss,
    activation_after: Mapping[str, Pointwise],
) -> Snapshot:
    """Run `model` with `parameters` on one batch, forward and backward, and keep its signals.

    Computes in float64: at depth 30 under N(0, 1) weights, squares of the signals overflow
    float32. A network that works only in its own precision is run in that. Batch normalization
    uses the batch's statistics, as in training. A twin of the model is run, so that nothing in the
    model changes.

    Args:
        model: The network; its own parameter values are ignored.
        parameters: All parameters by name.
        features: Shape (batch, *features), or several such.
        targets: Shape (batch, ...), as the loss takes them.
        loss: The batch's mean loss from outputs and targets.
        activation_after: Activation function by name of the weight layer it follows. Where a
            layer is missing here, an activation applied as a module of its own is found.

    Returns:
        One `Layer` per use of a linear or convolution layer, in the order of use.
    """
    done = passed(model, parameters, features, targets, loss)
    return Snapshot(
        layers=tuple(_layer(use, activation_after, done.trunk) for use in done.noted.uses),
        joints=tuple(
            (done.trunk[one.node], one) for one in done.noted.sums if one.node in done.trunk
        ),
        restarts=tuple(sorted(done.trunk[one] for one in done.noted.norms if one in done.trunk)),
        decided=tuple(done.noted.decided),
        loss=done.loss,
        gradient_norm=_norm(list(done.trained.values())),
        unseen=_unseen(done.twin, list(done.trained.values()), done.noted),
        lowered=done.lowered and f"computed in {done.numbers}: in float64, {done.lowered}",
        asleep=done.asleep,
        detached=(
            *grave(_unused(model, done.trained), done.trained),
            *(f"{where} (a {type(held).__name__})" for where, held, _ in strays(model)),
        ),
    )


def _unused(model: nn.Module, trained: Mapping[str, Tensor]) -> list[str]:
    """Return the names of parameters that the loss does not depend on.

    Those of a list of which other members were used are left out: another batch or draw may use
    them, as with experts and layers that are dropped at random.
    """
    used = {name for name, one in trained.items() if one.grad is not None}
    lists = [
        f"{path}."
        for path, module in model.named_modules()
        if isinstance(module, nn.ModuleList | nn.ModuleDict)
    ]
    partly = tuple(path for path in lists if any(name.startswith(path) for name in used))
    return [name for name in trained if name not in used and not name.startswith(partly)]


def _layer(use: Use, activation_after: Mapping[str, Pointwise], trunk: Mapping[Node, int]) -> Layer:
    declared = activation_after.get(use.name)
    activation = _observed(use) if declared is None else apart(declared)
    pre_activations = _rows(use.pre_activations, use.weight)
    with torch.no_grad():
        # A copy, because an activation may work in place.
        activations = activation(pre_activations.clone()) if activation else pre_activations
    gradient = use.gradient[0] if use.gradient else torch.zeros_like(use.pre_activations)
    return Layer(
        name=use.name,
        weight=_upright(use, use.weight.detach().double()),
        bias=None if use.bias is None else use.bias.detach().double(),
        inputs=_rows(use.inputs, use.weight),
        pre_activations=pre_activations,
        activations=activations,
        gradients=_rows(gradient.detach(), use.weight),
        weight_gradient=_upright(use, _gradient_of(use.weight)),
        bias_gradient=None if use.bias is None else _gradient_of(use.bias),
        activation=activation,
        normalized=use.normalized,
        place=None if use.node is None else trunk.get(use.node),
    )


def _upright(use: Use, weight: Tensor) -> Tensor:
    """Return a weight, or its gradient, as (units, *fan_in)."""
    return weight.mT if use.transposed else weight


def _observed(use: Use) -> Pointwise | None:
    """Return the activation that was seen to follow a layer."""
    given = seen(use.pre_activations).double()
    dtype = use.pre_activations.dtype
    written = activations_of(use.written) if use.written else ()
    for consumer, gave in (*written, *use.consumers):
        exact = dtype is torch.float64
        function = consumer if exact else partial(_lowered, consumer, dtype)
        if is_pointwise(function, given, gave):
            return function
    return None


def _lowered(function: Pointwise, dtype: torch.dtype, values: Tensor) -> Tensor:
    """Return what a function that is of less than float64 makes of numbers of float64."""
    return function(values.to(dtype)).to(values.dtype)


def _unseen(model: nn.Module, trained: list[Tensor], noted: Noted) -> tuple[str, ...]:
    """Return the names of the trained parameters that nothing was recorded of."""
    # A tied weight is one parameter of several modules: seen in one of them, it is seen.
    # Below a layer are the parts from which its weight is made.
    known = noted.gains | {id(one) for use in noted.uses for one in use.module.parameters()}
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
    gradients = [leaf.grad.detach().abs() for leaf in leaves if leaf.grad is not None]
    gradients = [one.double() for one in gradients if one.numel()]
    largest = max((float(gradient.max()) for gradient in gradients), default=0.0)
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * math.sqrt(sum(float((g / largest).square().sum()) for g in gradients))


def _gradient_of(parameter: Tensor) -> Tensor:
    found = parameter.grad
    return (torch.zeros_like(parameter) if found is None else found).detach().double()


def _rows(signal: Tensor, weight: Tensor) -> Tensor:
    """Return the signal of a layer of this weight as (rows, channels)."""
    signal = signal.movedim(channel_axis(weight), -1).double()
    return signal.reshape(-1, signal.shape[-1])
