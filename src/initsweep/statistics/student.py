"""Quantiles of Student's t distribution, without SciPy."""

import math
from functools import lru_cache


@lru_cache(maxsize=64)
def student_quantile(probability: float, degrees: int) -> float:
    """Return the value that a t-distributed number stays below with the given probability.

    Exact distribution function for whole degrees of freedom, inverted by bisection to the last
    bits.

    Args:
        probability: Between 0.5 and 1, both excluded.
        degrees: Degrees of freedom, at least 1.

    Source: Abramowitz, M. and Stegun, I. A. (1964), Handbook of Mathematical Functions, 26.7.3
    and 26.7.4.
    """
    low, high = 0.0, 1.0
    while _below(high, degrees) < probability:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if middle in {low, high}:
            break
        low, high = (middle, high) if _below(middle, degrees) < probability else (low, middle)
    return high


def _below(value: float, degrees: int) -> float:
    """Return the probability of staying below a value that is not negative."""
    angle = math.atan2(value, math.sqrt(degrees))
    cosine = math.cos(angle)
    odd = degrees % 2
    term, total = (cosine if odd else 1.0), 0.0
    for index in range(1 + odd, degrees, 2):
        total += term
        term *= cosine**2 * index / (index + 1)
    outwards = math.sin(angle) * total
    return (1 + (2 / math.pi * (angle + outwards) if odd else outwards)) / 2
