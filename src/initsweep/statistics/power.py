"""How many fresh seeds would settle what these leave open."""

from bisect import bisect_left
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from initsweep.statistics.comparison import FEWEST_SEEDS, Losses

POWER = 0.8
MOST_SEEDS = 10_000  # beyond, "more" says enough
_NORMAL = NormalDist()


def seeds_to_settle(
    differences: Losses, margin: float, alpha: float, comparisons: int
) -> tuple[int | None, str]:
    """Estimate with how many seeds a pair would be settled, if mean and spread stay as they are.

    Normal theory: the smallest number that decides in 80 of 100 studies, as different with
    Bonferroni's bound for Holm's correction, or as equivalent with an interval of 95 % inside the
    margin. The smaller counts. It is more than the seeds at hand, with which the pair is open: the
    intervals of few seeds are wider than normal theory's.

    Args:
        differences: Loss of one scheme minus loss of the other, shape (seeds,), at least one.
        margin: The smallest difference of practical interest.
        alpha: Significance level of the family.
        comparisons: How many pairs the family has.

    Returns:
        The number of seeds, at least one more than there are, None above 10 000 or with a single
        seed, whose spread is not known; and "equivalent", "worse" or "better", "" where there is
        no number.

    Source: Chow, S.-C., Shao, J. and Wang, H. (2008), Sample Size Calculations in Clinical
        Research, section 3.1, with the powers behind its formulas in place of their bounds.
    """
    if len(differences) < 2:
        return None, ""
    mean, spread = abs(float(np.mean(differences))), float(np.std(differences, ddof=1))
    strict, wide = _NORMAL.inv_cdf(1 - alpha / (2 * comparisons)), _NORMAL.inv_cdf(0.975)

    def differs(seeds: int) -> float:
        return _below(mean, spread / seeds**0.5, strict)

    def equals(seeds: int) -> float:
        error = spread / seeds**0.5
        return _below(margin - mean, error, wide) + _below(margin + mean, error, wide) - 1

    side = "worse" if np.mean(differences) > 0 else "better"
    fewest = max(FEWEST_SEEDS, len(differences) + 1)
    # Of two that take as many, equivalence is what the rule looks at first.
    ways = ((_enough(equals, fewest), "equivalent"), (_enough(differs, fewest), side))
    seeds, settles = min(ways, key=lambda way: way[0])
    return (None, "") if seeds > MOST_SEEDS else (seeds, settles)


def _below(distance: float, error: float, bound: float) -> float:
    """Return the probability of an estimate more than `bound` errors inside a distance."""
    if error == 0:
        return float(distance > 0)
    return _NORMAL.cdf(distance / error - bound)


def _enough(power: Callable[[int], float], fewest: int) -> int:
    """Return the smallest number of seeds with the wanted power, one beyond the most if none."""
    return fewest + bisect_left(range(fewest, MOST_SEEDS + 1), POWER, key=power)
