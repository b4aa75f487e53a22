"""One word on a scheme before any training, with the number and the layer behind it.

A verdict is a hint at what to look for in the learning-rate response, never a reason to skip it.
How often it is wrong is measured on trained networks, see `docs/diagnosis.md`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from initsweep.probes.checks import CHECKS, RICH_RANK
from initsweep.probes.evidence import Evidence, backward_ratio, forward_ratio, ratio, spoken
from initsweep.probes.thresholds import (
    ALARMS,
    ALIKE,
    CAUSES,
    LATE_SIGNS,
    MILD_RATIO,
    ONE_DIRECTION,
    SIGNS,
)

HEALTHY = "healthy"
MILD = "mildly"
SYMMETRIC = "symmetric"
NOT_FINITE = "not finite"
NOT_JUDGED = "not judged"
"""Too little of the network was looked at to call it healthy."""

VERDICTS = tuple(dict.fromkeys([NOT_FINITE, NOT_JUDGED, *(check.verdict for check in CHECKS)]))
"""All that can be said of a network on which there is an alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The verdict, the sentence that gives its number, and the first layer it holds for."""

    verdict: str
    reason: str
    first_bad_layer: str | None


def is_alarming(verdict: str) -> bool:
    """Return whether a network with this verdict is expected not to train; a mild one is not."""
    return verdict != HEALTHY and not verdict.startswith(MILD)


def judge(evidence: Evidence, alarms: Mapping[str, float] = ALARMS["sgd"]) -> Finding:
    """Return what is wrong with a network, or "healthy".

    The alarms decide whether it is expected to train at all. If it is not, the verdict is the
    gravest cause: copies of a unit first, because no learning rate heals them, and scales after
    saturation and dead units, which they follow from. If it is, what stands out is called mild.

    Args:
        evidence: What was measured.
        alarms: The value at which each check raises the alarm, by its name.

    Returns:
        One of not finite, symmetric, dead, saturated, exploding, vanishing, the same and
        "collapsed rank" with "mildly" in front, and healthy.
    """
    if evidence.not_finite is not None:
        reason = f"{spoken(evidence.not_finite)}: not every number is finite"
        place = evidence.not_finite if evidence.not_finite in evidence.names else None
        return Finding(verdict=NOT_FINITE, reason=reason, first_bad_layer=place)
    alarm = _first(evidence, alarms)
    if alarm is not None:
        found = _first(evidence, CAUSES) or alarm
        reason = f"{found.reason}{_collapse(evidence, found)}"
        return _with_loss(replace(found, reason=reason), evidence)
    mild = _first(evidence, SIGNS)
    if mild is not None:
        mild = replace(mild, verdict=f"{MILD} {mild.verdict}")
    mild = mild or _drift(evidence)
    if mild is None:
        mild = _first(evidence, LATE_SIGNS)
        mild = mild and replace(mild, verdict=f"{MILD} {mild.verdict}")
    return _with_loss(mild or _healthy(evidence), evidence)


def _first(evidence: Evidence, thresholds: Mapping[str, float]) -> Finding | None:
    """Return the first check that fires, at the first layer that it fires for."""
    for check in CHECKS:
        if check.name not in thresholds:
            continue
        for name, value in check.values(evidence):
            if value >= thresholds[check.name]:
                reason = check.told(evidence, name, value)
                return Finding(verdict=check.verdict, reason=reason, first_bad_layer=name)
    return None


def _collapse(evidence: Evidence, found: Finding) -> str:
    """Return where examples become alike, as the end of a sentence; copies are alike anyway."""
    if evidence.input_rank <= RICH_RANK or found.verdict == SYMMETRIC:
        return ""
    for name, layer in evidence.hidden:
        rank, cosine = layer["effective_rank"], layer["cosine"]
        # A layer without any signal has neither.
        if layer["forward_std"] > 0 and (0 < rank <= ONE_DIRECTION or cosine >= ALIKE):
            return (
                f"; examples become alike: {spoken(name)} has an effective rank of {rank:.3g} "
                f"(the input {evidence.input_rank:.3g}) and a mean cosine of {cosine:.3g}"
            )
    return ""


def _drift(evidence: Evidence) -> Finding | None:
    """Return the first layer whose signal or gradient has drifted by half a decade."""
    for probe, order, what in (
        ("forward_std", evidence.hidden, "signal"),
        ("backward_std", evidence.hidden[::-1], "gradient"),
    ):
        finding = _drifted(order, probe, what)
        if finding is not None:
            return finding
    return None


def _drifted(
    order: Sequence[tuple[str, Mapping[str, float]]], probe: str, what: str
) -> Finding | None:
    for name, layer in order:
        origin, origin_scale = order[0][0], order[0][1][probe]
        change = ratio(layer[probe], origin_scale)
        # Without any gradient (a zero head) nothing can be said about its way down.
        if origin_scale > 0 and not 1 / MILD_RATIO <= change <= MILD_RATIO:
            word = "exploding" if change > 1 else "vanishing"
            end = ratio(order[-1][1][probe], origin_scale)
            reason = f"{spoken(name)}: the {what} is {change:.3g} times that of {spoken(origin)}"
            if name != order[-1][0]:
                reason += f", at {spoken(order[-1][0])} {end:.3g} times"
            return Finding(verdict=f"{MILD} {word}", reason=reason, first_bad_layer=name)
    return None


def _healthy(evidence: Evidence) -> Finding:
    if not evidence.hidden:
        reason = "there is no hidden layer that could be looked at"
        return Finding(verdict=HEALTHY, reason=reason, first_bad_layer=None)
    reason = (
        f"over the hidden layers the signal changes by a factor {forward_ratio(evidence):.3g} "
        f"and the gradient, on its way down, by {backward_ratio(evidence):.3g}"
    )
    return Finding(verdict=HEALTHY, reason=reason, first_bad_layer=None)


def _with_loss(finding: Finding, evidence: Evidence) -> Finding:
    loss = f"initial loss {evidence.initial_loss:.4g}"
    if evidence.constant_loss is not None:
        loss += f" against {evidence.constant_loss:.4g} of the constant predictor"
    return replace(finding, reason=f"{finding.reason}; {loss}")
