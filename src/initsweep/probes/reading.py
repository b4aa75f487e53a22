"""What one untrained network shows on one batch: numbers only, the signals are gone."""

from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from initsweep.core.spelling import embedded
from initsweep.graph.forms import Inputs
from initsweep.probes import measure
from initsweep.probes.capture import Layer, Snapshot, capture
from initsweep.probes.depth_scale import DepthScale, depth_scale
from initsweep.probes.deviation import root_mean_square
from initsweep.probes.grounds import Point, Signals, spoken
from initsweep.probes.mean_field import Prediction, is_centred, predict
from initsweep.probes.measures.rank import effective_rank
from initsweep.probes.passing import Loss
from initsweep.probes.propagation import propagate
from initsweep.probes.sharpness import sharpness
from initsweep.probes.written import Pointwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Signals):
    """One scheme under one seed.

    Attributes:
        predictions: What theory says of each layer; None where it has nothing to say.
        loss: The batch's mean loss.
        depth_scale: χ₁ and ξ; None where the network is not a plain chain.
        unseen: Parameters that nothing above says anything about.
        lowered: Why the numbers are less precise than float64, in a sentence; "" if they are not.
    """

    predictions: tuple[Prediction | None, ...] | None
    loss: float
    depth_scale: DepthScale | None
    unseen: tuple[str, ...]
    lowered: str = ""


def look(
    model: nn.Module,
    parameters: Mapping[str, Tensor],
    features: Inputs,
    targets: Inputs,
    loss: Loss,
) -> Snapshot:
    """Run one network, as for `read`.

    Returns:
        What it showed. Whatever the network or the loss raises is raised.
    """
    declared = getattr(model, "activation_after", None)
    after: Mapping[str, Pointwise] = declared if isinstance(declared, Mapping) else {}
    return capture(model, parameters, features, targets, loss, after)


def read(
    model: nn.Module,
    parameters: Mapping[str, Tensor],
    features: Inputs,
    targets: Inputs,
    loss: Loss,
    *,
    with_sharpness: bool = True,
    snapshot: Snapshot | None = None,
) -> Reading | None:
    """Look at one network.

    Args:
        model: The network; its own parameter values are ignored, and nothing in it changes.
        parameters: All parameters by name.
        features: Shape (batch, *features), or several such.
        targets: Shape (batch, ...), as the loss takes them.
        loss: The batch's mean loss from outputs and targets.
        with_sharpness: Whether to compute the curvature, the dearest of the numbers.
        snapshot: What `look` returned, if it has been called.

    Returns:
        The numbers; None if the network has no layer that can be looked at.
    """
    snapshot = snapshot or look(model, parameters, features, targets, loss)
    if not snapshot.layers:
        return None
    inputs = snapshot.layers[0].inputs
    curvature = None
    if with_sharpness:
        curvature = sharpness(model, parameters, features, targets, loss)
    measured = [{**measure(layer), "closed": _closed(layer, snapshot)} for layer in snapshot.layers]
    return Reading(
        names=[embedded(layer.name) for layer in snapshot.layers],
        layers=measured,
        predictions=_predictions(model, parameters, features, snapshot),
        input_scale=root_mean_square(inputs),
        input_rank=effective_rank(inputs),
        loss=snapshot.loss,
        gradient_norm=snapshot.gradient_norm,
        sharpness=curvature,
        depth_scale=depth_scale(snapshot.layers),
        unseen=tuple(map(embedded, snapshot.unseen)),
        lowered=snapshot.lowered,
        trunk=tuple(_trunk(snapshot, measured)),
        asleep=tuple(map(embedded, snapshot.asleep)),
        detached=tuple(map(embedded, snapshot.detached)),
        attentions=tuple(_attentions(snapshot)),
    )


def _attentions(snapshot: Snapshot) -> Iterator[tuple[str, float]]:
    for after, share in snapshot.decided:
        before = snapshot.layers[max(after, 1) - 1].name
        yield f"the attention after {spoken(embedded(before))}", share


def _trunk(snapshot: Snapshot, measured: Sequence[Mapping[str, float]]) -> list[Point]:
    """Return the places of the trunk but for the head, in the order of the signal."""
    hidden = snapshot.layers[:-1]
    names = [embedded(layer.name) for layer in hidden]
    found = [
        (layer.place, name, name, values["forward_std"], values["backward_std"])
        for layer, name, values in zip(hidden, names, measured, strict=False)
        if layer.place is not None
    ]
    for place, joint in snapshot.joints:
        if 0 < joint.after <= len(hidden):
            name = names[joint.after - 1]
            sum_after = f"the sum after {spoken(name)}"
            found.append((place, sum_after, name, joint.forward_std, joint.backward_std))
    return [
        Point(
            name=name,
            layer=layer,
            segment=bisect(snapshot.restarts, place),
            forward_std=forward_std,
            backward_std=backward_std,
        )
        for place, name, layer, forward_std, backward_std in sorted(found, key=lambda one: one[0])
    ]


def _closed(layer: Layer, snapshot: Snapshot) -> float:
    """Return 1 for a layer before or behind a zero that a step of training takes away, else 0."""
    quiet = not (bool(layer.weight_gradient.any()) and bool(layer.pre_activations.any()))
    return float(quiet and not any(name.startswith(f"{layer.name}.") for name in snapshot.asleep))


def _predictions(
    model: nn.Module, parameters: Mapping[str, Tensor], features: Inputs, snapshot: Snapshot
) -> tuple[Prediction | None, ...] | None:
    """Return what theory says: the recursion for plain chains, else along the traced graph."""
    if not any(map(is_centred, snapshot.layers)):
        return None
    return predict(snapshot.layers) or propagate(model, parameters, features, snapshot)
