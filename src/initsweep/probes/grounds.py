"""What the verdict on one scheme is based on."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

Measurements = Mapping[str, float]
"""One layer's probe values by probe name, averaged over seeds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A place on the trunk of a network, hidden layer or sum, with its scales.

    Attributes:
        name: What to call it in a sentence.
        layer: The hidden layer that it is, or that comes before it.
        segment: How many normalizations have set the scale anew before it.
        forward_std: Standard deviation of the signal.
        backward_std: That of the loss gradient with respect to it.
    """

    name: str
    layer: str
    segment: int
    forward_std: float
    backward_std: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What was measured of one scheme, under one seed or averaged over seeds.

    Attributes:
        names: Every weight layer's name, in the order of use, as tables and sentences hold it.
        layers: Their measurements, in the same order.
        input_scale: Root mean square of the network's input.
        input_rank: Effective rank of the network's input.
        gradient_norm: Norm of the loss gradient with respect to all parameters.
        sharpness: Largest eigenvalue of the loss's Hessian; None where it overflows or was not
            asked for.
        trunk: The places that all signals pass, from the first hidden layer to the last.
        asleep: Parameters whose gradient is zero, and stays so; in most draws.
        detached: Parameters that the loss does not depend on, and layers that torch does not find.
        attentions: What to call each attention, and the share of queries that attend to one key.
    """

    names: Sequence[str]
    layers: Sequence[Measurements]
    input_scale: float
    input_rank: float
    gradient_norm: float
    sharpness: float | None
    trunk: Sequence[Point]
    asleep: Sequence[str] = ()
    detached: Sequence[str] = ()
    attentions: Sequence[tuple[str, float]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence(Signals):
    """What the verdict is based on: averages over seeds.

    Attributes:
        initial_loss: Loss of the untrained network.
        constant_loss: Loss of the best constant prediction; None where it is not known.
        not_finite: Where the first number is that is none, a layer or "the loss"; None if there is
            no such place.
    """

    initial_loss: float
    constant_loss: float | None
    not_finite: str | None = None

    @property
    def hidden(self) -> list[tuple[str, Measurements]]:
        """All layers but the head."""
        return list(zip(self.names, self.layers, strict=True))[:-1]

    @property
    def segments(self) -> list[list[Point]]:
        """The trunk, cut where a normalization sets the scale anew."""
        return [list(part) for _, part in groupby(self.trunk, key=lambda point: point.segment)]

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
    """Return how the forward std changes along the trunk; 0 without a signal.

    1 for a network without hidden layers. What normalizations do is left out.
    """
    return math.prod(ratio(part[-1].forward_std, part[0].forward_std) for part in evidence.segments)


def backward_ratio(evidence: Evidence) -> float:
    """Return how the backward std changes down the trunk; 0 where there is none.

    1 for a network without hidden layers. What normalizations do is left out.
    """
    return math.prod(
        ratio(part[0].backward_std, part[-1].backward_std) for part in evidence.segments
    )


def ratio(value: float, reference: float) -> float:
    """Return value / reference, 0 where there is nothing to divide by."""
    return value / reference if reference > 0 else 0.0
