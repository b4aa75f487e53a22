"""One word on a scheme before any training, with the number and the layer behind it.

A verdict is a hint at what to look for in the learning-rate response, never a reason to skip it.
How often it is wrong is measured on trained networks, see `docs/diagnosis.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from initsweep.core.errors import few
from initsweep.core.numbers import plain
from initsweep.probes.alarm_levels import (
    ALIKE,
    CAUSES,
    LATE_SIGNS,
    MILD_RATIO,
    ONE_DIRECTION,
    SIGNS,
    alarms_for,
)
from initsweep.probes.grounds import Evidence, backward_ratio, forward_ratio, ratio, spoken
from initsweep.probes.questions import CHECKS, RICH_RANK, Values, along

HEALTHY = "healthy"
MILD = "mildly"
SYMMETRIC = "symmetric"
DEAD = "dead"
DETACHED = "detached"
NOT_FINITE = "not finite"
NOT_JUDGED = "not judged"
"""Too little of the network was looked at to call it healthy."""

VERDICTS = tuple(dict.fromkeys([NOT_FINITE, DETACHED, *(check.verdict for check in CHECKS)]))
"""All that can be said of a network on which there is an alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict, the sentence that gives its number, and the first layer it holds for."""

    verdict: str
    reason: str
    first_bad_layer: str | None


def is_alarming(verdict: str) -> bool:
    """Return whether a network with this verdict is expected not to train, in part or at all."""
    return verdict not in {HEALTHY, NOT_JUDGED} and not verdict.startswith(MILD)


def judge(evidence: Evidence, alarms: Mapping[str, float] = alarms_for("sgd")) -> Judgement:
    """Return what is wrong with a network, or "healthy".

    The alarms decide whether it is expected to train at all. If it is not, the verdict is the
    gravest cause: copies of a unit first, because no learning rate heals them, and scales after
    saturation and dead units, which they follow from. If it is, what stands out is called mild.

    Args:
        evidence: What was measured.
        alarms: The value at which each check raises the alarm, by its name.

    Returns:
        One of not finite, detached, symmetric, dead, saturated, exploding, vanishing, the same and
        "collapsed rank" with "mildly" in front, and healthy.
    """
    if evidence.not_finite is not None:
        reason = f"{spoken(evidence.not_finite)}: not every number is finite"
        place = evidence.not_finite if evidence.not_finite in evidence.names else None
        return Judgement(verdict=NOT_FINITE, reason=reason, first_bad_layer=place)
    if evidence.detached:
        return _with_loss(_detached(evidence), evidence)
    alarm = _first(evidence, alarms) or _sleepers(evidence)
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


def _detached(evidence: Evidence) -> Judgement:
    reason = (
        f"no training changes {few(evidence.detached, most=4)}: the loss does not depend on it, or "
        "it is held where no optimizer finds it, such as in a plain list"
    )
    return Judgement(verdict=DETACHED, reason=reason, first_bad_layer=None)


def _sleepers(evidence: Evidence) -> Judgement | None:
    """Return what training does not reach, by name."""
    if not evidence.asleep:
        return None
    return Judgement(
        verdict=DEAD,
        reason=(
            f"training does not reach {few(evidence.asleep, most=4)}: the gradient is exactly "
            "zero, and still is after two steps"
        ),
        first_bad_layer=next(
            (name for name in evidence.names if evidence.asleep[0].startswith(f"{name}.")), None
        ),
    )


def _first(evidence: Evidence, thresholds: Mapping[str, float]) -> Judgement | None:
    """Return the first check that fires, at the first layer that it fires for."""
    for check in CHECKS:
        if check.name not in thresholds:
            continue
        for name, value in check.values(evidence):
            if value >= thresholds[check.name]:
                reason = check.told(evidence, name, value)
                place = evidence.layer_at(name)
                return Judgement(verdict=check.verdict, reason=reason, first_bad_layer=place)
    return None


def _collapse(evidence: Evidence, found: Judgement) -> str:
    """Return where examples become alike, as the end of a sentence; copies are alike anyway."""
    if evidence.input_rank <= RICH_RANK or found.verdict == SYMMETRIC:
        return ""
    for name, layer in evidence.hidden:
        rank, cosine = layer["effective_rank"], layer["cosine"]
        # A layer without any signal has neither.
        if layer["forward_std"] > 0 and (0 < rank <= ONE_DIRECTION or cosine >= ALIKE):
            return (
                f"; examples become alike: {spoken(name)} has an effective rank of {plain(rank)} "
                f"(the input {plain(evidence.input_rank)}) and a mean cosine of {plain(cosine)}"
            )
    return ""


def _drift(evidence: Evidence) -> Judgement | None:
    """Return the first layer whose signal or gradient has drifted by half a decade."""
    for probe, what in (
        ("forward_std", "signal"),
        ("backward_std", "gradient"),
    ):
        for order in along(evidence, probe):
            finding = _drifted(evidence, order, what)
            if finding is not None:
                return finding
    return None


def _drifted(evidence: Evidence, order: Values, what: str) -> Judgement | None:
    for name, scale in order:
        origin, origin_scale = order[0]
        change = ratio(scale, origin_scale)
        # Without any gradient (a zero head) nothing can be said about its way down.
        if origin_scale > 0 and not 1 / MILD_RATIO <= change <= MILD_RATIO:
            word = "exploding" if change > 1 else "vanishing"
            end = ratio(order[-1][1], origin_scale)
            reason = f"{spoken(name)}: the {what} is {plain(change)} times that of {spoken(origin)}"
            if name != order[-1][0]:
                reason += f", at {spoken(order[-1][0])} {plain(end)} times"
            return Judgement(
                verdict=f"{MILD} {word}", reason=reason, first_bad_layer=evidence.layer_at(name)
            )
    return None


def _healthy(evidence: Evidence) -> Judgement:
    if not evidence.hidden:
        reason = "there is no hidden layer that could be looked at"
        return Judgement(verdict=HEALTHY, reason=reason, first_bad_layer=None)
    reason = (
        f"over the hidden layers the signal changes by a factor {plain(forward_ratio(evidence))} "
    )
    if evidence.trunk and evidence.trunk[-1].backward_std == 0:
        reason += "and the gradient waits for the first step, behind a zero"
    else:
        reason += f"and the gradient, on its way down, by {plain(backward_ratio(evidence))}"
    return Judgement(verdict=HEALTHY, reason=reason, first_bad_layer=None)


def _with_loss(finding: Judgement, evidence: Evidence) -> Judgement:
    loss = f"initial loss {plain(evidence.initial_loss, 4)}"
    if evidence.constant_loss is not None:
        loss += f" against {plain(evidence.constant_loss, 4)} of the constant predictor"
    return replace(finding, reason=f"{finding.reason}; {loss}")
