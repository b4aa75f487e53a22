"""What the verdict on one scheme is based on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Measurements = Mapping[str, float]
"""One layer's probe values by probe name, averaged over seeds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A place on the trunk of a network, hidden layer or sum, with its scales.

    Attributes:
        name: What to call it in a sentence.
        layer: The hidden layer that it is, or that comes before it.
        forward_std: Standard deviation of the signal.
        backward_std: That of the loss gradient with respect to it.
    """

    name: str
    layer: str
    forward_std: float
    backward_std: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was measured of one scheme, averaged over seeds.

    Attributes:
        names: Every weight layer's name, from input to head.
        layers: Their measurements, in the same order.
        input_scale: Root mean square of the network's input.
        input_rank: Effective rank of the network's input.
        initial_loss: Loss of the untrained network.
        constant_loss: Loss of the best constant prediction; None where it is not known.
        gradient_norm: Norm of the loss gradient with respect to all parameters.
        sharpness: Largest eigenvalue of the loss's Hessian; None where it is not known.
        trunk: The places that all signals pass, from the first hidden layer to the last.
        asleep: Parameters whose gradient is zero, and stays so, in most draws.
        detached: Parameters that the loss does not depend on, and layers that torch does not find.
        attentions: What to call each attention, and the share of queries that attend to one key.
        family: Which of `thresholds.FAMILIES` the network is of.
        not_finite: Where the first number is that is none, a layer or "the loss"; None if there is
            no such place.
    """

    names: Sequence[str]
    layers: Sequence[Measurements]
    input_scale: float
    input_rank: float
    initial_loss: float
    constant_loss: float | None
    gradient_norm: float
    sharpness: float | None
    trunk: Sequence[Point]
    asleep: Sequence[str] = ()
    detached: Sequence[str] = ()
    attentions: Sequence[tuple[str, float]] = ()
    family: str = "perceptron"
    not_finite: str | None = None

    @property
    def hidden(self) -> list[tuple[str, Measurements]]:
        """All layers but the head."""
        return list(zip(self.names, self.layers, strict=True))[:-1]

    def layer_at(self, name: str) -> str | None:
        """Return the hidden layer at, or before, a place of the trunk; None for an attention."""
        places = {point.name: point.layer for point in self.trunk}
        return places.get(name, name if name in self.names else None)

    @property
    def open(self) -> list[tuple[str, Measurements]]:
        """The hidden layers but those behind a zero, from which nothing has come yet."""
        return [(name, layer) for name, layer in self.hidden if layer["closed"] < 0.5]


def spoken(name: str) -> str:
    """Return a layer's name for a sentence; those of a `Sequential` are mere numbers."""
    return f"module {name}" if name.replace(".", "").isdigit() else name


def forward_ratio(evidence: Evidence) -> float:
    """Return the forward std at the end of the trunk over that at its start; 0 without a signal.

    1 for a network without hidden layers.
    """
    stds = [point.forward_std for point in evidence.trunk]
    return ratio(stds[-1], stds[0]) if stds else 1.0


def backward_ratio(evidence: Evidence) -> float:
    """Return the backward std at the start of the trunk over that at its end; 0 where it is none.

    1 for a network without hidden layers.
    """
    stds = [point.backward_std for point in evidence.trunk]
    return ratio(stds[0], stds[-1]) if stds else 1.0


def ratio(value: float, reference: float) -> float:
    """Return value / reference, 0 where there is nothing to divide by."""
    return value / reference if reference > 0 else 0.0
