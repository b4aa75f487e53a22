"""From studies at a few sizes to a larger network: rates, basins and losses that follow a law.

A *size* is the width, the depth, the rows of data or the steps: one number, of which all else is
kept. `docs/transfer.md` says how the prediction is made and how far it can be trusted.
"""

import math
from collections import Counter
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
    bend_together,
    held_out,
    ranking_check,
    reason_against,
    reason_for,
    without_largest,
)
from initsweep.statistics.transfer_fit import Outlook, interval, outlooks
from initsweep.statistics.transfer_rates import Located, SizeRuns, locate
from initsweep.statistics.transfer_results import (
    Ends,
    HeldOut,
    LawPoint,
    Omitted,
    RankingCheck,
    SchemeTransfer,
    Transfer,
)

__all__ = [
    "HeldOut", "LawPoint", "Omitted", "RankingCheck", "SchemeTransfer", "SizeRuns", "Transfer",
    "predict",
]  # fmt: skip


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

    Returns:
        What is predicted of each scheme, and which one to start from.

    Raises:
        ParamsError: If there are fewer than two sizes, or a scheme is there twice at one; if a
            size is not positive, or if runs are at one rate only.
    """
    _refuse_bad(runs, target)
    ordered = sorted(runs, key=lambda one: one.size)
    points = [locate(one, tolerance, margin, skill) for one in ordered]
    schemes = list(dict.fromkeys(one.scheme for one in runs))
    omitted = {scheme: why for scheme in schemes if (why := _unusable(scheme, points))}
    laws = _Laws.of([point for point in points if point.scheme not in omitted], target, confidence)
    predicted = tuple(_predicted(scheme, laws) for scheme in schemes if scheme not in omitted)
    recommended, tied = _choice(
        {one.scheme: laws.outlooks[one.scheme] for one in predicted if one.trusted}, margin
    )
    return Transfer(
        target=target,
        sizes=tuple(sorted({one.size for one in runs})),
        confidence=confidence,
        schemes=predicted,
        omitted=tuple(Omitted(scheme=name, reason=why) for name, why in omitted.items()),
        recommended=recommended,
        tied=tied,
        ranking=ranking_check(laws.held, laws.there, margin),
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
    counts = Counter(f"{one.scheme} at {plain(one.size)}" for one in runs)
    if twice := [name for name, count in counts.items() if count > 1]:
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Laws:
    """The laws of all schemes, and what speaks for and against them.

    Attributes:
        points: Of all sizes, ascending.
        target: The size that is predicted.
        confidence: Of what is promised.
        outlooks: Of each scheme at the target.
        held: Outlooks at the largest size, by the others.
        there: What was found at the largest.
        together: How the best rates of all schemes bend, of those with factors on rates and of
            the others; "" if they do not.
    """

    points: Sequence[Located]
    target: float
    confidence: float
    outlooks: Mapping[str, Outlook]
    held: Mapping[str, Outlook]
    there: Sequence[Located]
    together: Mapping[bool, str]

    @classmethod
    def of(cls, points: Sequence[Located], target: float, confidence: float) -> "_Laws":
        """Return the laws of sizes whose best rate is not at the edge of those tried."""
        usable = [point for point in points if not point.edge]
        held, there = without_largest(usable)
        return cls(
            points=points,
            target=target,
            confidence=confidence,
            outlooks=outlooks(usable, target),
            held=held,
            there=there,
            together={
                kind: bend_together([one for one in usable if one.scales_rates == kind], target)
                for kind in (False, True)
            },
        )

    def check(self, scheme: str) -> HeldOut | None:
        """Return how a scheme's law did at the largest size."""
        found = [point for point in self.there if point.scheme == scheme]
        return held_out(self.held[scheme], found[0], self.confidence) if found else None


def _predicted(scheme: str, laws: _Laws) -> SchemeTransfer:
    points = [point for point in laws.points if point.scheme == scheme]
    outlook, check, constant = laws.outlooks[scheme], laws.check(scheme), points[-1].constant
    together = laws.together[points[0].scales_rates]
    against = reason_against(points, outlook, check, laws.target, together)
    share = float(np.quantile(outlook.excess, laws.confidence))
    exponents = outlook.slope / math.log10(2)
    return SchemeTransfer(
        scheme=scheme,
        exponent=rounded(float(np.median(exponents)), DIGITS),
        exponent_interval=_ends(exponents),
        rate=rounded(10**outlook.rate, DIGITS),
        rate_interval=_rates(*interval(outlook.rates)),
        basin=outlook.basin and _rates(*outlook.basin),
        loss=rounded(constant * float(np.median(outlook.loss)), DIGITS),
        loss_interval=_ends(constant * outlook.loss),
        promised_loss=rounded(constant * share, DIGITS),
        promised_share=rounded(share, DIGITS),
        trusted=not against,
        reason=against or reason_for(check),
        check=check,
        points=tuple(_point(point) for point in points),
    )


def _point(point: Located) -> LawPoint:
    degrees = max(point.response.seeds - 1, 1)
    half = student_quantile((1 + LEVEL) / 2, degrees) * math.sqrt(point.best.variance)
    return LawPoint(
        size=point.size,
        rate=rounded(10**point.best.value, DIGITS),
        interval=_rates(point.best.value - half, point.best.value + half),
        basin=_rates(*point.basin),
        loss=rounded(point.constant * float(point.response.lowest[0]), DIGITS),
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
