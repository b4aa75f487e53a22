"""What the verdict on one scheme is based on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Measurements = Mapping[str, float]
"""One layer's probe values by probe name, averaged over seeds."""


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
    not_finite: str | None = None

    @property
    def hidden(self) -> list[tuple[str, Measurements]]:
        """All layers but the head."""
        return list(zip(self.names, self.layers, strict=True))[:-1]

    def hidden_values(self, probe: str) -> list[float]:
        """Return one probe's value for every hidden layer."""
        return [layer[probe] for _, layer in self.hidden]


def spoken(name: str) -> str:
    """Return a layer's name for a sentence; those of a `Sequential` are mere numbers."""
    return f"module {name}" if name.replace(".", "").isdigit() else name


def forward_ratio(evidence: Evidence) -> float:
    """Return the last hidden layer's forward std over the first's; 0 where there is no signal.

    1 for a network without hidden layers.
    """
    stds = evidence.hidden_values("forward_std")
    return ratio(stds[-1], stds[0]) if stds else 1.0


def backward_ratio(evidence: Evidence) -> float:
    """Return the first hidden layer's backward std over the last's; 0 where there is none.

    1 for a network without hidden layers.
    """
    stds = evidence.hidden_values("backward_std")
    return ratio(stds[0], stds[-1]) if stds else 1.0


def ratio(value: float, reference: float) -> float:
    """Return value / reference, 0 where there is nothing to divide by."""
    return value / reference if reference > 0 else 0.0
