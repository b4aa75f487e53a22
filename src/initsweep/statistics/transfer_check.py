"""Whether a law can be trusted: the largest size predicted from the others, and whether it bends."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from initsweep.core.numbers import plain
from initsweep.core.randomness import numpy_stream
from initsweep.core.records import rounded
from initsweep.statistics.transfer_fit import RATES, Outlook, interval, outlooks
from initsweep.statistics.transfer_rates import Ends, Located


DIGITS = 6
"""Of predicted numbers; those beyond depend on how a machine takes logarithms."""

FEWEST = 3
"""Sizes of a law that is trusted: two give the law, and a third one checks it."""

BENT = 2.576
"""Standard errors from straight at which a law bends: 1 % of straight ones seem to."""

MATTERS = 0.1
"""Decades at the target below which it does not matter that a law bends."""

WIDEST = 2.0
"""Decades of a rate's interval beyond which a prediction is of no use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """The largest size predicted from the others: the check that a law has to pass.

    Attributes:
        size: The largest size.
        predicted: The best rate that the other sizes predict there.
        interval: Of what would be found there, 95 %.
        found: The best rate found there.
        error: Decades from the rate found up to the predicted one.
        inside: Whether the rate found lies in the interval.
        promised_share: What the predicted rate was to lose there at most, as a share of the
            constant predictor's loss.
        lost_share: What it loses, by the responses measured there.
    """

    size: float
    predicted: float
    interval: Ends
    found: float
    error: float
    inside: bool
    promised_share: float
    lost_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingCheck:
    """Whether the choice of a scheme carries over: that for the largest size, from the others.

    Attributes:
        size: The largest size.
        picked: The scheme that the other sizes recommend for it.
        best: The scheme with the lowest loss found there.
        behind: How much more `picked` loses there at the best rate of each, as a share of the
            constant predictor's loss.
        kept: Whether that is within the margin, so that the choice carries over.
    """

    size: float
    picked: str
    best: str
    behind: float
    kept: bool


def without_largest(points: Sequence[Located]) -> tuple[dict[str, Outlook], list[Located]]:
    """Return what the other sizes say of the largest one, and what was found there.

    Returns:
        Outlooks and points of the schemes that have both.
    """
    largest = max(point.size for point in points)
    names = [point.scheme for point in points if point.size < largest]
    there = [p for p in points if p.size == largest and names.count(p.scheme) > 1]
    schemes = {point.scheme for point in there}
    rest = [p for p in points if p.size < largest and p.scheme in schemes]
    return (outlooks(rest, largest) if rest else {}), there


def held_out(outlook: Outlook, found: Located, confidence: float) -> HeldOut:
    """Compare what was found at the largest size with what the others say of it.

    Args:
        outlook: By the other sizes.
        found: At the largest.
        confidence: Of what is promised.
    """
    noise = numpy_stream("statistics", "held out").normal(size=len(outlook.rates))
    low, high = interval(outlook.rates + math.sqrt(found.best.variance) * noise)
    response = found.response
    lost = response.losses_at(np.full((1, 1), outlook.rate), np.array([0]))[0, 0]
    return HeldOut(
        size=found.size,
        predicted=rounded(10**outlook.rate, DIGITS),
        interval=(rounded(10**low, DIGITS), rounded(10**high, DIGITS)),
        found=rounded(10**found.best.value, DIGITS),
        error=rounded(outlook.rate - found.best.value, DIGITS),
        inside=low <= found.best.value <= high,
        promised_share=rounded(float(np.quantile(outlook.excess, confidence)), DIGITS),
        lost_share=rounded(float(lost - response.lowest[0]), DIGITS),
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


def bend_of(points: Sequence[Located], target: float) -> str:
    """Return how the best rate of one scheme, or of several together, bends; "" if it does not.

    Several are taken together after each one's own level and slope, with the same weights of sizes
    for all, so that a bend too weak to be seen in one is seen if all have it.

    Args:
        points: Of schemes with three sizes or more.
        target: The size that is predicted: what does not matter there is no bend.
    """
    schemes = list(dict.fromkeys(point.scheme for point in points))
    doublings = np.log2([point.size for point in points])
    middle = float(np.unique(doublings).mean())
    own = np.array([[point.scheme == scheme for scheme in schemes] for point in points], float)
    x = doublings - middle
    design = np.concatenate([own, own * x[:, np.newaxis], x[:, np.newaxis] ** 2], axis=1)
    variance = np.array([point.best.variance for point in points])
    weights = 1 / np.sqrt((variance + variance.mean()) / 2 + RATES.scatter**2)
    value = np.array([point.best.value for point in points])
    inverse = np.linalg.pinv(design * weights[:, np.newaxis])
    found = inverse @ (value * weights)
    bend, slope = float(found[-1]), float(found[len(schemes) : -1].mean())
    error = float(np.sqrt((inverse[-1] ** 2).sum()))
    at = float(np.log2(target)) - middle
    # What the bend adds at the target to the straight line through the same sizes.
    ahead = abs(at) ** 2 - np.polyval(np.polyfit(np.unique(x), np.unique(x) ** 2, 1), at)
    if abs(bend) <= BENT * error or abs(bend * ahead) <= MATTERS:
        return ""
    ends = [(slope + 2 * bend * end) / math.log10(2) for end in (x.min(), x.max())]
    sizes = [plain(size(point.size for point in points)) for size in (min, max)]
    return (
        f"goes with the size to the power {ends[0]:.2f} at {sizes[0]} and {ends[1]:.2f} "
        f"at {sizes[1]}"
    )


def reason_against(
    points: Sequence[Located], outlook: Outlook, check: HeldOut | None, target: float, together: str
) -> str:
    """Return why a scheme's law is not to be trusted, in words; "" if nothing speaks against it.

    Args:
        points: Those of the scheme that its law is made from.
        outlook: Of the scheme at the target.
        check: Its largest size predicted from the others.
        target: The size that is predicted.
        together: How the best rates of all schemes taken together bend, "" if they do not.
    """
    if len(points) < FEWEST or check is None:
        sizes = " and ".join(plain(point.size) for point in points)
        return f"only sizes {sizes} say something, so nothing checks the law: measure a third one"
    if min(point.response.seeds for point in points) == 1:
        return "a single seed does not say how far the best rate varies: tune on more seeds"
    if alone := bend_of(points, target) if len(points) > FEWEST else "":
        return f"the law bends: the best rate {alone}"
    if together:
        return f"the law bends: taken together, the best rate of the schemes {together}"
    if not check.inside:
        return (
            f"the other sizes predict {plain(check.predicted)} ({plain(check.interval[0])} to "
            f"{plain(check.interval[1])}) at {plain(check.size)}, where {plain(check.found)} was "
            "found"
        )
    low, high = interval(outlook.rates)
    if high - low > WIDEST:
        factor = plain(10 ** (high - low), 2)
        return f"the measured sizes leave a factor of {factor} for the best rate: measure more"
    return ""
