"""One word on a scheme before any training, with the number and the layer behind it.

The thresholds below are conventions with a reason, not calibrated against trained networks: a
verdict is a hint at what to look for in the learning-rate response, never a reason to skip it.
In particular variance checks do not separate the schemes that pass them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

# A hidden layer whose units are copies of each other, at least half of them, even after a step.
TIED_SHARE = 0.5
# ReLU units split into always-on and always-off, about half each, when examples become alike
# with depth; only clearly more dead units than that are a fault of the scheme.
DEAD_SHARE = 0.9
# At least half of all (example, unit) pairs on the flat part. A unit-variance tanh layer has 3 %.
SATURATED_SHARE = 0.5
# The output already costs ten times what ignoring the input costs.
HOT_LOSS = 10.0
# A factor 10, over the whole depth or within one layer, moves the usable learning rates by
# about a decade.
SEVERE_RATIO = 10.0
# Pilot runs found ratios within [0.5, 2] healthy in shallow networks; half a decade leaves room
# for the noise of narrow layers and for 1/√2 per layer over three layers.
MILD_RATIO = 10**0.5
# Practically one direction is left, of an input that has clearly more.
COLLAPSED_RANK = 1.5
RICH_RANK = 3.0

Measurements = Mapping[str, float]
"""One layer's probe values by probe name, averaged over seeds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the verdict on one scheme is based on, averaged over seeds.

    Attributes:
        names: Every weight layer's name, from input to head.
        layers: Their measurements, in the same order.
        input_scale: Root mean square of the network's input.
        input_rank: Effective rank of the network's input.
        initial_loss: Loss of the untrained network.
        constant_loss: Loss of the best constant prediction.
    """

    names: Sequence[str]
    layers: Sequence[Measurements]
    input_scale: float
    input_rank: float
    initial_loss: float
    constant_loss: float

    @property
    def hidden(self) -> list[tuple[str, Measurements]]:
        """All layers but the head."""
        return list(zip(self.names, self.layers, strict=True))[:-1]

    def hidden_values(self, probe: str) -> list[float]:
        """Return one probe's value for every hidden layer."""
        return [layer[probe] for _, layer in self.hidden]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The verdict, the sentence that gives its number, and the first layer it holds for."""

    verdict: str
    reason: str
    first_bad_layer: str | None


def judge(evidence: Evidence) -> Finding:
    """Return the first fault that applies, gravest first, or "healthy".

    Copies of a unit come first because no learning rate heals them; scales come after
    saturation and dead units, which they follow from.

    Returns:
        One of symmetric, dead, saturated, exploding, vanishing, collapsed rank,
        mildly exploding, mildly vanishing, healthy.
    """
    for check in CHECKS:
        finding = check(evidence)
        if finding is not None:
            return _with_loss(finding, evidence)
    reason = (
        f"over the hidden layers the signal changes by a factor {forward_ratio(evidence):.3g} "
        f"and the gradient, on its way down, by {backward_ratio(evidence):.3g}"
    )
    return _with_loss(Finding(verdict="healthy", reason=reason, first_bad_layer=None), evidence)


def forward_ratio(evidence: Evidence) -> float:
    """Return the last hidden layer's forward std over the first's; 0 where there is no signal.

    1 for a network without hidden layers.
    """
    stds = evidence.hidden_values("forward_std")
    return _ratio(stds[-1], stds[0]) if stds else 1.0


def backward_ratio(evidence: Evidence) -> float:
    """Return the first hidden layer's backward std over the last's; 0 where there is none.

    1 for a network without hidden layers.
    """
    stds = evidence.hidden_values("backward_std")
    return _ratio(stds[0], stds[-1]) if stds else 1.0


def _symmetric(evidence: Evidence) -> Finding | None:
    return _first(
        evidence,
        lambda layer: layer["distinct_after_step"] <= TIED_SHARE,
        "symmetric",
        lambda layer: (
            f"only {layer['distinct_after_step']:.2%} of the units are different from each other, "
            "and one gradient step does not tell the others apart"
        ),
    )


def _dead(evidence: Evidence) -> Finding | None:
    return _first(
        evidence,
        lambda layer: layer["dead"] >= DEAD_SHARE,
        "dead",
        lambda layer: f"{layer['dead']:.0%} of the units are the same on every example",
    )


def _saturated(evidence: Evidence) -> Finding | None:
    return _first(
        evidence,
        lambda layer: layer["saturated"] >= SATURATED_SHARE,
        "saturated",
        lambda layer: f"{layer['saturated']:.0%} of the activations are on the flat part",
    )


def _step(evidence: Evidence) -> Finding | None:
    """Return a jump of the signal from one layer to the next, or from the input to the first."""
    below = evidence.input_scale
    for name, layer in evidence.hidden:
        ratio = _ratio(layer["forward_std"], below)
        word = _word(ratio, SEVERE_RATIO)
        if word and below > 0:
            source = "the input's" if name == evidence.names[0] else "the layer's below"
            reason = f"{name}: the signal is {ratio:.3g} times {source}"
            return Finding(verdict=word, reason=reason, first_bad_layer=name)
        below = layer["forward_std"]
    return None


def _hot(evidence: Evidence) -> Finding | None:
    """Return whether the outputs are far too large for the loss, however level the layers."""
    if 0 < evidence.constant_loss * HOT_LOSS < evidence.initial_loss and evidence.names:
        times = evidence.initial_loss / evidence.constant_loss
        reason = f"{evidence.names[-1]}: the outputs cost {times:.3g} times the constant predictor"
        return Finding(verdict="exploding", reason=reason, first_bad_layer=evidence.names[-1])
    return None


def _severe(evidence: Evidence) -> Finding | None:
    return _over_depth(evidence, SEVERE_RATIO)


def _collapsed(evidence: Evidence) -> Finding | None:
    return _first(
        evidence,
        lambda layer: layer["effective_rank"] < COLLAPSED_RANK and evidence.input_rank > RICH_RANK,
        "collapsed rank",
        lambda layer: (
            f"the activations have an effective rank of {layer['effective_rank']:.3g}, the input "
            f"{evidence.input_rank:.3g}"
        ),
    )


def _mild(evidence: Evidence) -> Finding | None:
    finding = _over_depth(evidence, MILD_RATIO)
    if finding is None:
        return None
    return replace(finding, verdict=f"mildly {finding.verdict}")


CHECKS: tuple[Callable[[Evidence], Finding | None], ...] = (
    _symmetric,
    _dead,
    _saturated,
    _severe,
    _step,
    _hot,
    _collapsed,
    _mild,
)


def _over_depth(evidence: Evidence, limit: float) -> Finding | None:
    """Return the first layer whose signal has left the band around where the signal started.

    Forward it starts at the first hidden layer; backward at the last one.
    """
    hidden = evidence.hidden
    for probe, order, what in (
        ("forward_std", hidden, "signal"),
        ("backward_std", hidden[::-1], "gradient"),
    ):
        for name, layer in order:
            origin_name, origin = order[0]
            ratio = _ratio(layer[probe], origin[probe])
            word = _word(ratio, limit)
            # Without any gradient (a zero head) nothing can be said about its way down.
            if word and origin[probe] > 0:
                reason = f"{name}: the {what} is {ratio:.3g} times that of {origin_name}"
                return Finding(verdict=word, reason=reason, first_bad_layer=name)
    return None


def _first(
    evidence: Evidence,
    is_bad: Callable[[Measurements], bool],
    verdict: str,
    explain: Callable[[Measurements], str],
) -> Finding | None:
    """Return the finding for the first hidden layer that is bad."""
    for name, layer in evidence.hidden:
        if is_bad(layer):
            reason = f"{name}: {explain(layer)}"
            return Finding(verdict=verdict, reason=reason, first_bad_layer=name)
    return None


def _word(ratio: float, limit: float) -> str | None:
    if ratio > limit:
        return "exploding"
    return "vanishing" if ratio < 1 / limit else None


def _ratio(value: float, reference: float) -> float:
    return value / reference if reference > 0 else 0.0


def _with_loss(finding: Finding, evidence: Evidence) -> Finding:
    loss = (
        f"initial loss {evidence.initial_loss:.4g} "
        f"against {evidence.constant_loss:.4g} of the constant predictor"
    )
    return replace(finding, reason=f"{finding.reason}; {loss}")
