"""Intervals of shares and probabilities, which must not vanish at 0 and 1."""

import math
from statistics import NormalDist

from initsweep.statistics.resamples import LEVEL

_Z = NormalDist().inv_cdf((1 + LEVEL) / 2)


def share_interval(count: int, trials: int) -> tuple[float, float]:
    """Return the 95 % interval of the probability behind a count.

    Source: Wilson, E. B. (1927), Probable inference, the law of succession, and statistical
    inference, J. Amer. Statist. Assoc. 22, 209-212.
    """
    share = count / trials
    centre, half = _centre(share, trials), half_width(share, trials)
    return (
        0.0 if count == 0 else max(0.0, centre - half),
        1.0 if count == trials else min(1.0, centre + half),
    )


def half_width(share: float, trials: int, z: float = _Z) -> float:
    """Return half the width of that interval, which does not vanish for a share of 0 or 1."""
    spread = math.sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2)
    return z * spread / (1 + z**2 / trials)


def upper_share(count: int, trials: int, level: float) -> float:
    """Return the upper bound of the probability behind a count, at a one-sided level above 0.5."""
    z = NormalDist().inv_cdf(level)
    return min(1.0, _centre(count / trials, trials, z) + half_width(count / trials, trials, z))


def _centre(share: float, trials: int, z: float = _Z) -> float:
    return (share + z**2 / (2 * trials)) / (1 + z**2 / trials)


def superiority_interval(probability: float, first: int, second: int) -> tuple[float, float]:
    """Return the 95 % interval of P(A > B) estimated as U / (n m) from two samples.

    All probabilities whose distance from the estimate is below 1.96 of the standard errors that
    they themselves imply. Unlike a bootstrap it has width where one sample beats the other in
    every pair. It takes the samples as independent; runs paired by seed and alike in sign make it
    wider than needed.

    Source: Newcombe, R. G. (2006), Confidence intervals for an effect size measure based on the
    Mann-Whitney statistic, part 2, Statistics in Medicine 25, 559-573, method 5; variance after
    Hanley, J. A. and McNeil, B. J. (1982), Radiology 143, 29-36.
    """

    def within(candidate: float) -> bool:
        tails = (1 - candidate) / (2 - candidate) + candidate / (1 + candidate)
        spread = 1 + ((first + second) / 2 - 1) * tails
        variance = candidate * (1 - candidate) * spread / (first * second)
        return abs(candidate - probability) <= _Z * math.sqrt(variance)

    def edge(outside: float) -> float:
        inside = probability
        if within(outside):  # only where the estimate is that end itself
            return outside
        for _ in range(60):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if within(middle) else (inside, middle)
        return inside

    return edge(0.0), edge(1.0)
