"""Resampling of a few seeds: every way to draw them anew, with its probability.

With few seeds the bootstrap needs no random numbers: 5 seeds can be drawn in 126 different ways.
"""

import math
from functools import lru_cache
from itertools import combinations_with_replacement
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from initsweep.core.randomness import numpy_stream
from initsweep.statistics.student import student_quantile

Array = NDArray[np.float64]

LEVEL = 0.95
EXACT_UP_TO = 7
RANDOM_RESAMPLES = 4_000
_NORMAL = NormalDist()


@lru_cache(maxsize=16)
def seed_draws(seeds: int) -> tuple[Array, Array]:
    """Return the ways to draw `seeds` seeds from as many, with replacement.

    All of them up to 7 seeds (1 716 ways), 4 000 random ones of a named stream above.

    Returns:
        The share of each seed in each draw, shape (draws, seeds), and the probability of each
        draw, shape (draws,).
    """
    if seeds <= EXACT_UP_TO:
        drawn = np.array(list(combinations_with_replacement(range(seeds), seeds)))
        counts = np.stack([np.bincount(row, minlength=seeds) for row in drawn]).astype(float)
        ways = [math.factorial(seeds) / math.prod(map(math.factorial, row)) for row in
                counts.astype(int).tolist()]  # fmt: skip
        probability = np.array(ways) / seeds**seeds
    else:
        stream = numpy_stream("statistics", "seed draws", seeds)
        counts = stream.multinomial(seeds, [1 / seeds] * seeds, RANDOM_RESAMPLES).astype(float)
        probability = np.full(RANDOM_RESAMPLES, 1 / RANDOM_RESAMPLES)
    shares = counts / seeds
    shares.flags.writeable = probability.flags.writeable = False
    return shares, probability


def means_over(shares: Array, losses: Array) -> Array:
    """Return the mean of each row of losses for every draw of seeds, shape (draws, rows).

    Added up seed by seed, without a matrix product, whose last bits depend on the machine: rates
    with equal losses stay tied.
    """
    total = np.zeros((len(shares), len(losses)))
    for seed in range(losses.shape[1]):
        total += shares[:, seed, np.newaxis] * losses[:, seed]
    return total


def tidy(value: float) -> float:
    """Return a number of 12 digits; those beyond depend on how a machine adds numbers up."""
    return float(f"{value:.12g}")


def expanded_levels(seeds: int) -> tuple[float, float]:
    """Return the two levels at which the distribution over draws is read for a 95 % interval.

    The spread over draws is too small by sqrt((seeds - 1) / seeds), and a normal quantile too
    small for few seeds; levels further out make up for both.

    Source: Hesterberg, T. (2015), What teachers should know about the bootstrap, The American
    Statistician 69(4), section 5.3: the expanded percentile interval.
    """
    spread = math.sqrt(seeds / (seeds - 1)) * student_quantile((1 + LEVEL) / 2, seeds - 1)
    tail = _NORMAL.cdf(-spread)
    return tail, 1 - tail


def bounds(values: Array, seeds: int) -> tuple[Array, Array]:
    """Return the ends of the 95 % interval of quantities computed for every draw of seeds.

    Args:
        values: One row per draw of `seed_draws(seeds)`, shape (draws, quantities).
        seeds: At least 2.

    Returns:
        Lower and upper ends, each of shape (quantities,): values that occur among the draws.
    """
    _, probability = seed_draws(seeds)
    low, high = expanded_levels(seeds)
    order = np.argsort(values, axis=0, kind="stable")
    ranked = np.take_along_axis(values, order, axis=0)
    reached = np.cumsum(probability[order], axis=0)
    columns = np.arange(values.shape[1])
    first = np.argmax(reached >= low, axis=0)
    # The last sum may fall short of 1 by rounding.
    last = np.argmax(np.maximum(reached, reached >= reached[-1]) >= high, axis=0)
    return ranked[first, columns], ranked[last, columns]


def student_bounds(values: Array, estimate: Array, seeds: int) -> tuple[Array, Array]:
    """Return an interval from the spread of a quantity over draws, with Student's t for few seeds.

    For a mean it is exactly Student's interval. It suits quantities that are close to means of
    losses, and not those that move in steps.

    Args:
        values: One row per draw of `seed_draws(seeds)`, shape (draws, quantities).
        estimate: The quantities without redrawing, shape (quantities,).
        seeds: At least 2.

    Returns:
        The lower of the lower ends, and the higher of the higher ends, of this interval and of
        `bounds`, each of shape (quantities,).
    """
    half = student_half_widths(values, seeds)
    low, high = bounds(values, seeds)
    return np.minimum(low, estimate - half), np.maximum(high, estimate + half)


def student_half_widths(values: Array, seeds: int) -> Array:
    """Return half the widths of Student's 95 % intervals from the spread over draws.

    Args:
        values: One row per draw of `seed_draws(seeds)`, shape (draws, quantities).
        seeds: At least 2.

    Returns:
        Shape (quantities,).
    """
    _, probability = seed_draws(seeds)
    weights = probability[:, np.newaxis]
    centred = values - (weights * values).sum(axis=0)
    spread = np.sqrt((weights * centred**2).sum(axis=0) * seeds / (seeds - 1))
    return np.asarray(student_quantile((1 + LEVEL) / 2, seeds - 1) * spread)
