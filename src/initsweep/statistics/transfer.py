"""From studies at a few sizes to a larger network: best rates, basins and losses that follow a law.

A *size* is the width, the depth, the rows of data or the steps: one number, of which all else is
kept. `docs/transfer.md` says how the prediction is made and how far it can be trusted.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from initsweep.core.errors import ParamsError, few
from initsweep.core.numbers import plain
from initsweep.core.records import rounded
from initsweep.statistics.resamples import LEVEL
from initsweep.statistics.size_law import Array
from initsweep.statistics.student import student_quantile
from initsweep.statistics.transfer_check import (
    DIGITS,
    FEWEST,
    HeldOut,
    RankingCheck,
    bend_of,
    held_out,
    ranking_check,
    reason_against,
    without_largest,
)
from initsweep.statistics.transfer_fit import Outlook, interval, outlooks
from initsweep.statistics.transfer_rates import Ends, Located, SizeRuns, locate

__all__ = [
    "HeldOut", "LawPoint", "Omitted", "RankingCheck", "SchemeTransfer", "SizeRuns", "Transfer",
    "predict",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LawPoint:
    """What one size says of a scheme.

    Attributes:
        size: The size.
        rate: The best rate, between those tried.
        interval: Of the best rate, 95 %, over seeds and what lies between the rates.
        basin: The ends of the basin.
        loss: At the best rate, mean over the seeds.
        edge: Where the best rate is the lowest or highest one tried, which; else "". Such a size
            says nothing to the law.
    """

    size: float
    rate: float
    interval: Ends
    basin: Ends
    loss: float
    edge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeTransfer:
    """What is predicted of one scheme at the target.

    Attributes:
        scheme: The scheme.
        exponent: The best rate goes with the size to this power.
        exponent_interval: 95 %.
        rate: The predicted best rate.
        rate_interval: Of the best rate that a sweep with endless seeds would find there, 95 %.
        basin: The predicted ends of the basin; None where it reaches the end of the rates tried
            at too many sizes.
        loss: The predicted mean loss at the best rate.
        loss_interval: 95 %.
        promised_loss: With `rate`, at most so much more than at the best rate, in the unit of the
            loss, with the stated confidence.
        promised_share: The same as a share of the constant predictor's loss.
        trusted: Whether the law passed its checks.
        reason: Why not, or what speaks for it, in a sentence.
        check: The largest size predicted from the others; None where too few are left.
        points: What was found at each size, ascending.
    """

    scheme: str
    exponent: float
    exponent_interval: Ends
    rate: float
    rate_interval: Ends
    basin: Ends | None
    loss: float
    loss_interval: Ends
    promised_loss: float
    promised_share: float
    trusted: bool
    reason: str
    check: HeldOut | None
    points: tuple[LawPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Omitted:
    """A scheme about which nothing is predicted, and why."""

    scheme: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """The answer for the target.

    Attributes:
        target: The size that is predicted.
        sizes: Those that were measured, ascending.
        confidence: Of the promised losses.
        schemes: Those of which something is predicted, by name in the order given.
        omitted: The others.
        recommended: The trusted scheme to start from: the lowest predicted loss at its predicted
            rate. None if no law is trusted.
        tied: The trusted schemes that are not shown to lose more than the margin against it,
            itself included.
        ranking: How the choice for the largest size would have ended; None if nothing is left to
            choose from.
    """

    target: float
    sizes: tuple[float, ...]
    confidence: float
    schemes: tuple[SchemeTransfer, ...]
    omitted: tuple[Omitted, ...]
    recommended: str | None
    tied: tuple[str, ...]
    ranking: RankingCheck | None


def predict(
    runs: Sequence[SizeRuns],
    target: float,
    *,
    tolerance: float,
    margin: float,
    skill: float,
    confidence: float = 0.9,
) -> Transfer:
    """Predict each scheme's best rate, basin and loss at a size that was not trained.

    Args:
        runs: Tuning runs, one entry per scheme and size; at least two sizes. With two, nothing is
            trusted, because nothing checks the law.
        target: The size to predict, usually larger than all.
        tolerance: How far above the best a rate may be and belong to the basin, as a share of the
            constant predictor's loss (`decide.basin_tolerance`).
        margin: Differences below this do not matter, as such a share (`decide.margin`).
        skill: A scheme that removes less of that loss is untrainable (`decide.trainable_skill`).
        confidence: With which the promised losses are kept.

    Raises:
        ParamsError: If there are fewer than two sizes, or a scheme is there twice at one; if a
            size is not positive, or if runs are at one rate only.
    """
    _refuse_bad(runs, target)
    points = [locate(one, tolerance, margin, skill) for one in sorted(runs, key=lambda r: r.size)]
    schemes = list(dict.fromkeys(one.scheme for one in runs))
    omitted = {scheme: why for scheme in schemes if (why := _unusable(scheme, points))}
    points = [point for point in points if point.scheme not in omitted]
    usable = [point for point in points if not point.edge]
    found = outlooks(usable, target) if usable else {}
    held, there = without_largest(usable) if usable else ({}, [])
    checks = {p.scheme: held_out(held[p.scheme], p, confidence) for p in there}
    together = _bend_together(usable, target)
    constants = {one.scheme: one.constant_loss for one in sorted(runs, key=lambda r: r.size)}
    predicted = tuple(
        _scheme(
            [point for point in points if point.scheme == scheme],
            found[scheme],
            checks.get(scheme),
            target=target,
            together=together,
            confidence=confidence,
            constant=constants[scheme],
        )
        for scheme in schemes
        if scheme in found
    )
    trusted = {one.scheme: found[one.scheme] for one in predicted if one.trusted}
    recommended, tied = _choice(trusted, margin)
    return Transfer(
        target=target,
        sizes=tuple(sorted({one.size for one in runs})),
        confidence=confidence,
        schemes=predicted,
        omitted=tuple(Omitted(scheme=name, reason=why) for name, why in omitted.items()),
        recommended=recommended,
        tied=tied,
        ranking=ranking_check(held, there, margin),
    )


def _refuse_bad(runs: Sequence[SizeRuns], target: float) -> None:
    sizes = sorted({one.size for one in runs})
    if len(sizes) < 2:
        raise ParamsError(
            f"sizes: received {plain(sizes[0]) if sizes else 'none'}. A law needs runs at two "
            "sizes at least, and three to be checked."
        )
    if bad := [size for size in (*sizes, target) if not size > 0]:
        raise ParamsError(f"size: received {bad[0]}. Use a number above 0.")
    keys = [(one.scheme, one.size) for one in runs]
    if twice := [f"{scheme} at {plain(size)}" for scheme, size in keys
                 if keys.count((scheme, size)) > 1]:  # fmt: skip
        raise ParamsError(f"runs: received {few(twice)} twice. Put all runs of both in one entry.")
    if lonely := [f"{one.scheme} at {plain(one.size)}" for one in runs
                  if len(np.unique(one.learning_rates)) < 2]:  # fmt: skip
        raise ParamsError(f"runs: received a single rate of {few(lonely)}. Run a grid of rates.")


def _unusable(scheme: str, points: Sequence[Located]) -> str:
    """Return why nothing can be predicted of a scheme; "" if something can."""
    own = [point for point in points if point.scheme == scheme]
    if idle := [plain(point.size) for point in own if not point.trains]:
        return f"at {few(idle)} it does not train at any rate that was tried"
    if sum(not point.edge for point in own) > 1:
        return ""
    edges = [f"the {point.edge} one tried at {plain(point.size)}" for point in own if point.edge]
    if not edges:
        return "it was run at one size only"
    return f"its best rate is {few(edges, between=' and ')}: widen the grid of rates"


def _bend_together(usable: Sequence[Located], target: float) -> str:
    """Return how the best rates of the schemes with enough sizes bend, if several have."""
    names = [point.scheme for point in usable]
    several = [point for point in usable if names.count(point.scheme) >= FEWEST]
    return bend_of(several, target) if len({point.scheme for point in several}) > 1 else ""


def _scheme(
    points: Sequence[Located],
    outlook: Outlook,
    check: HeldOut | None,
    *,
    target: float,
    together: str,
    confidence: float,
    constant: float,
) -> SchemeTransfer:
    usable = [point for point in points if not point.edge]
    against = reason_against(usable, outlook, check, target, together)
    share = float(np.quantile(outlook.excess, confidence))
    exponents = outlook.slope / math.log10(2)
    basin = None
    if outlook.below is not None and outlook.above is not None:
        reach = [float(np.median(side)) for side in (outlook.below, outlook.above)]
        basin = _rates(outlook.rate - max(reach[0], 0.0), outlook.rate + max(reach[1], 0.0))
    return SchemeTransfer(
        scheme=points[0].scheme,
        exponent=rounded(float(np.median(exponents)), DIGITS),
        exponent_interval=_ends(exponents),
        rate=rounded(10**outlook.rate, DIGITS),
        rate_interval=_rates(*interval(outlook.rates)),
        basin=basin,
        loss=rounded(constant * float(np.median(outlook.loss)), DIGITS),
        loss_interval=_ends(constant * outlook.loss),
        promised_loss=rounded(constant * share, DIGITS),
        promised_share=rounded(share, DIGITS),
        trusted=not against,
        reason=against or _reason_for(check),
        check=check,
        points=tuple(_point(point, constant) for point in points),
    )


def _reason_for(check: HeldOut | None) -> str:
    if check is None:
        return ""
    return (
        f"the other sizes predict {plain(check.predicted)} at {plain(check.size)}, where "
        f"{plain(check.found)} was found: {abs(check.error):.2f} decades off, and inside the "
        "interval"
    )


def _point(point: Located, constant: float) -> LawPoint:
    degrees = max(point.response.seeds - 1, 1)
    half = student_quantile((1 + LEVEL) / 2, degrees) * math.sqrt(point.best.variance)
    return LawPoint(
        size=point.size,
        rate=rounded(10**point.best.value, DIGITS),
        interval=_rates(point.best.value - half, point.best.value + half),
        basin=_rates(*point.basin),
        loss=rounded(constant * float(point.response.lowest[0]), DIGITS),
        edge=point.edge,
    )


def _rates(low: float, high: float) -> Ends:
    return rounded(10**low, DIGITS), rounded(10**high, DIGITS)


def _ends(values: Array) -> Ends:
    low, high = interval(values)
    return rounded(low, DIGITS), rounded(high, DIGITS)


def _choice(trusted: Mapping[str, Outlook], margin: float) -> tuple[str | None, tuple[str, ...]]:
    """Return the scheme to start from, and those not shown to lose more than a margin against it.

    The laws of schemes are drawn together, so what they have in common cancels.
    """
    if not trusted:
        return None, ()
    best = min(trusted, key=lambda name: float(np.median(trusted[name].start)))
    start = trusted[best].start
    behind = {name: interval(one.start - start)[0] for name, one in trusted.items()}
    return best, tuple(name for name, low in behind.items() if low <= margin)
