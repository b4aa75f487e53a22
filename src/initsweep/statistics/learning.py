"""How fast schemes learn at their chosen rates: epochs to a target, area under the curve."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from initsweep.core.records import CurveRow
from initsweep.statistics.resamples import LEVEL

Array = NDArray[np.float64]


def loss_curves(curves: Sequence[CurveRow], seeds: Sequence[int], epochs: int, cap: float) -> Array:
    """Arrange the epoch curves of one scheme's fresh runs.

    Returns:
        Capped validation losses, shape (seeds, epochs + 1), epoch 0 untrained; the cap from the
        epoch on in which a run diverged.
    """
    position = {seed: index for index, seed in enumerate(seeds)}
    losses = np.full((len(seeds), epochs + 1), cap)
    for row in curves:
        if row.validation_loss is not None:
            losses[position[row.seed], row.epoch] = min(row.validation_loss, cap)
    return losses


def areas(losses: Array) -> Array:
    """Return the area under each learning curve, divided by the number of epochs.

    By the trapezoidal rule from epoch 0, so it is the mean loss over the course of training and
    has the unit of the loss. Shape (seeds,).
    """
    middle: Array = (losses[:, 1:] + losses[:, :-1]) / 2
    return np.asarray(middle.mean(axis=1))


def epochs_to(losses: Array, target: float) -> Array:
    """Return the first epoch at which each run's loss is at most `target`; infinite if never."""
    reached = losses <= target
    return np.where(reached.any(axis=1), reached.argmax(axis=1), np.inf)


def median_of(values: Array) -> float:
    """Return the median where values may be infinite: the upper of the two middle ones if even.

    The mean of the middle ones has no meaning if one of them is infinite.
    """
    return float(np.sort(values)[len(values) // 2])


def median_interval(values: Array) -> tuple[float, float]:
    """Return the 95 % interval of the median between two of the values themselves.

    It covers the median of any distribution, infinite values included, with at least 95 %; below
    6 values no such pair exists and the lowest and highest value are returned, which cover it
    with 1 - 2**(1 - n): 94 % at 5.

    Source: David, H. A. and Nagaraja, H. N. (2003), Order Statistics, section 7.1.
    """
    ranked = np.sort(values)
    size = len(ranked)
    outside, skip = 2.0 ** (1 - size), 0
    # Moving both ends in by one value adds twice the chance that exactly `skip` + 1 lie below.
    while skip + 1 < size / 2:
        more = outside + 2 * math.comb(size, skip + 1) / 2.0**size
        if more > 1 - LEVEL:
            break
        outside, skip = more, skip + 1
    return float(ranked[skip]), float(ranked[size - 1 - skip])
