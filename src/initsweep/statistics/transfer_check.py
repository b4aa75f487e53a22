"""Whether a law can be trusted: the largest size predicted from the others; whether it bends."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from initsweep.core.errors import few
from initsweep.core.numbers import plain
from initsweep.core.randomness import numpy_stream
from initsweep.core.records import rounded
from initsweep.statistics.size_law import Array
from initsweep.statistics.transfer_fit import Outlook, interval, outlooks, steadied
from initsweep.statistics.transfer_rates import FLOOR, Located
from initsweep.statistics.transfer_results import HeldOut, RankingCheck

DIGITS = 6
"""Of predicted numbers; those beyond depend on how a machine takes logarithms."""

FEWEST = 3
"""Sizes of a law that is trusted: two give the law, and a third one checks it."""

BENT = 1.96
"""Standard errors from straight at which a law bends: 5 % of straight ones seem to."""

OFF = 0.05
"""Decades that sizes may lie off a straight law, beside what measuring explains: less than usual,
since a bend that is overlooked costs more than one that is seen in vain."""

MATTERS = 0.1
"""Decades at the target below which it does not matter that a law bends."""

WIDEST = 2.0
"""Decades of a rate's interval beyond which a prediction is of no use."""


def without_largest(points: Sequence[Located]) -> tuple[dict[str, Outlook], list[Located]]:
    """Return what the other sizes say of the largest one, and what was found there.

    Returns:
        Outlooks and points of the schemes that have both.
    """
    largest = max((point.size for point in points), default=0.0)
    names = [point.scheme for point in points if point.size < largest]
    there = [p for p in points if p.size == largest and names.count(p.scheme) > 1]
    schemes = {point.scheme for point in there}
    rest = [p for p in points if p.size < largest and p.scheme in schemes]
    return outlooks(rest, largest), there


def held_out(outlook: Outlook, found: Located, confidence: float) -> HeldOut:
    """Compare what was found at the largest size with what the others say of it.

    Args:
        outlook: By the other sizes.
        found: At the largest.
        confidence: Of what is promised.

    Returns:
        The check.
    """
    response, constant = found.response, found.constant
    noise = numpy_stream("statistics", "held out").normal(size=(2, len(outlook.rates)))
    low, high = interval(outlook.rates + math.sqrt(found.best.variance) * noise[0])
    logs = np.log(outlook.loss + FLOOR) + math.sqrt(found.loss.variance) * noise[1]
    least, most = interval(logs)
    lost = response.losses_at(np.full((1, 1), outlook.rate), np.array([0]))[0, 0]
    lost_share = float(lost - response.lowest[0])
    promised = float(np.quantile(outlook.excess, confidence))
    return HeldOut(
        size=found.size,
        predicted=rounded(10**outlook.rate, DIGITS),
        interval=(rounded(10**low, DIGITS), rounded(10**high, DIGITS)),
        found=rounded(10**found.best.value, DIGITS),
        error=rounded(outlook.rate - found.best.value, DIGITS),
        inside=low <= found.best.value <= high,
        promised_share=rounded(promised, DIGITS),
        lost_share=rounded(lost_share, DIGITS),
        kept=lost_share <= promised + response.margin,
        loss=rounded(constant * float(np.median(outlook.loss)), DIGITS),
        loss_interval=(
            rounded(constant * max(math.exp(least) - FLOOR, 0.0), DIGITS),
            rounded(constant * min(math.exp(most) - FLOOR, 1.0), DIGITS),
        ),
        loss_found=rounded(constant * float(response.lowest[0]), DIGITS),
        loss_inside=least <= found.loss.value <= most,
    )


def ranking_check(
    outlook: Mapping[str, Outlook], there: Sequence[Located], margin: float
) -> RankingCheck | None:
    """Return how the choice for the largest size would have ended; None without a choice.

    Args:
        outlook: Of each scheme at the largest size, by the others.
        there: What was found there.
        margin: Differences below this do not matter, as a share.
    """
    if len(there) < 2:
        return None
    picked = min(there, key=lambda point: float(np.median(outlook[point.scheme].start)))
    best = min(there, key=lambda point: point.loss.value)
    behind = float(picked.response.lowest[0] - best.response.lowest[0])
    return RankingCheck(
        size=best.size,
        picked=picked.scheme,
        best=best.scheme,
        behind=rounded(behind, DIGITS),
        kept=behind <= margin,
    )


def bend_together(points: Sequence[Located], target: float) -> str:
    """Return how the best rates of schemes bend, of those with enough sizes; "" if not.

    Args:
        points: Of all schemes that share a bend.
        target: The size that is predicted.
    """
    names = [point.scheme for point in points]
    several = [point for point in points if names.count(point.scheme) >= FEWEST]
    return bend_of(several, target) if len({point.scheme for point in several}) > 1 else ""


def bend_of(points: Sequence[Located], target: float) -> str:
    """Return how the best rate of one scheme, or of several together, bends; "" if it does not.

    Each scheme has a level and a slope of its own, and all have one bend: one that is too weak to
    be seen in a single scheme is seen where all have it.

    Args:
        points: Of schemes with three sizes or more.
        target: The size that is predicted: what hardly moves the rate there is no bend.
    """
    sizes = np.array([point.size for point in points])
    middle = float(np.log2(np.unique(sizes)).mean())
    x = np.log2(sizes) - middle
    slope, bend, error = _quadratic(points, x)
    at = float(np.log2(target)) - middle
    # What the bend does at the target to the straight line through the same sizes.
    line = np.polyfit(np.unique(x), np.unique(x) ** 2, 1)
    ahead = at**2 - float(np.polyval(line, at))
    if abs(bend) <= BENT * error or abs(bend * ahead) <= MATTERS:
        return ""
    first, last = ((slope + 2 * bend * end) / math.log10(2) for end in (x.min(), x.max()))
    return (
        f"goes with the size to the power {plain(first, 2)} at {plain(sizes.min())} and "
        f"{plain(last, 2)} at {plain(sizes.max())}"
    )


def _quadratic(points: Sequence[Located], x: Array) -> tuple[float, float, float]:
    """Return mean slope, bend and its standard error, by weighted least squares."""
    schemes = list(dict.fromkeys(point.scheme for point in points))
    own = np.array([[float(point.scheme == scheme) for scheme in schemes] for point in points])
    terms = np.concatenate([own, own * x[:, np.newaxis], x[:, np.newaxis] ** 2], axis=1)
    spread = np.sqrt(steadied([point.best for point in points]) + OFF**2)
    inverse = np.linalg.pinv(terms / spread[:, np.newaxis])
    found = inverse @ (np.array([point.best.value for point in points]) / spread)
    error = float(np.sqrt((inverse[-1] ** 2).sum()))
    return float(found[len(schemes) : -1].mean()), float(found[-1]), error


def reason_against(
    points: Sequence[Located], outlook: Outlook, check: HeldOut | None, target: float, together: str
) -> str:
    """Return why a scheme's law is not to be trusted, in words; "" if nothing speaks against it.

    Args:
        points: All of the scheme, ascending.
        outlook: Of the scheme at the target.
        check: Its largest size predicted from the others.
        target: The size that is predicted.
        together: How the best rates of the schemes that share a bend do, "" if they do not.
    """
    usable = [point for point in points if not point.edge]
    if check is None:
        return _unchecked(points)
    if min(point.response.seeds for point in usable) == 1:
        return "a single seed does not say how far the best rate varies: tune on more seeds"
    if alone := bend_of(usable, target) if len(usable) > FEWEST else "":
        return f"the law bends: the best rate {alone}"
    if together:
        return f"the law bends: taken together, the best rate of the schemes {together}"
    if failed := _failed(check):
        return failed
    known = ((target, interval(outlook.rates)), (check.size, np.log10(check.interval)))
    for size, (low, high) in known:
        if high - low > WIDEST:
            factor = plain(float(f"{10 ** (high - low):.2g}"))
            return (
                f"the best rate at {plain(size)} is known to a factor of {factor} only: tune on "
                "more seeds"
            )
    return ""


def _failed(check: HeldOut) -> str:
    """Return what the smaller sizes got wrong at the largest."""
    at = plain(check.size)
    if not check.inside:
        low, high = map(plain, check.interval)
        return (
            f"the smaller sizes predict {plain(check.predicted)} ({low} to {high}) at {at}, where "
            f"{plain(check.found)} was found"
        )
    if not check.kept:
        return (
            f"the rate that the smaller sizes predict at {at} loses {check.lost_share:.1%} of the "
            f"constant predictor's loss there, where {check.promised_share:.1%} was promised"
        )
    if not check.loss_inside:
        low, high = map(plain, check.loss_interval)
        return (
            f"the smaller sizes predict a loss of {plain(check.loss)} ({low} to {high}) at {at}, "
            f"where {plain(check.loss_found)} was found"
        )
    return ""


def _unchecked(points: Sequence[Located]) -> str:
    """Return why the largest size could not be predicted from the others."""
    if edges := [f"the {point.edge} one tried at {plain(point.size)}" for point in points
                 if point.edge]:  # fmt: skip
        return f"its best rate is {few(edges, between=' and ')}, so nothing checks the law"
    sizes = few([plain(point.size) for point in points], between=" and ")
    return f"it was run at {sizes} only, so nothing checks the law: run it at one more size"


def reason_for(check: HeldOut | None) -> str:
    """Return what speaks for a law that was checked."""
    if check is None:
        return ""
    return (
        f"the smaller sizes predict {plain(check.predicted)} at {plain(check.size)}, where "
        f"{plain(check.found)} was found: {abs(check.error):.2f} decades off, and in the interval"
    )
