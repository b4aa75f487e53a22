"""Intervals on test data that cover which rows the test rows happen to be."""

import math

import numpy as np
from numpy.typing import NDArray

from initsweep.core.records import Interval, Schema
from initsweep.statistics.intervals import ANY, Range, mean_interval, mean_of, student_half_width

Array = NDArray[np.float64]

SKEWED_UP_TO = 1_000
"""Rows up to which the bootstrap looks at the shape of their losses; beyond, Student's t does."""


def with_rows(over_seeds: Interval, rows: Array | None, possible: Range = ANY) -> Interval:
    """Return an interval over seeds widened by what other test rows would change.

    Args:
        over_seeds: The interval of a mean over seeds.
        rows: What each test row adds to that mean, averaged over seeds, shape (rows,); None where
            it is not known.
        possible: What the mean can be at least and at most.
    """
    if rows is None or len(rows) < 2:
        return over_seeds
    if len(rows) > SKEWED_UP_TO:
        half = student_half_width(rows)
        return widened(over_seeds, half, half, possible)
    found = mean_interval(rows)
    below, above = found.estimate - found.low, found.high - found.estimate
    return widened(over_seeds, below, above, possible)


def widened(over_seeds: Interval, below: float, above: float, possible: Range) -> Interval:
    """Return an interval over seeds and rows.

    Seeds and rows are crossed: a mean over both has the sum of their variances, so the distances
    from the mean to the ends of the two intervals are added as squares. What is between a seed and
    a row is counted with the rows, which makes the interval a little too wide.

    Args:
        over_seeds: The interval of a mean over seeds.
        below: How far the interval over rows reaches below the mean.
        above: How far above.
        possible: What the mean can be at least and at most.

    Source: Zou, G. and Donner, A. (2008), Construction of confidence limits about effect measures,
    Statistics in Medicine 27, 1693-1702, eq. 4 and 5; for crossed samples Owen, A. (2007), The
    pigeonhole bootstrap, Ann. Appl. Stat. 1, 386-411.
    """
    mean = over_seeds.estimate
    return Interval(
        low=min(mean, max(possible[0], mean - math.hypot(mean - over_seeds.low, below))),
        estimate=mean,
        high=max(mean, min(possible[1], mean + math.hypot(over_seeds.high - mean, above))),
    )


def row_means(losses: Array | None, cap: float) -> Array | None:
    """Return the mean loss of each test row over the runs that count with their own loss.

    Args:
        losses: Shape (seeds, rows), NaN where a run diverged; None where they are not known.
        cap: The constant predictor's loss, which stands for a run that is not below it.

    Returns:
        Shape (rows,); None if no run is below the cap, or nothing is known.
    """
    if losses is None:
        return None
    below = np.array([mean_of(row) < cap if np.isfinite(row).all() else False for row in losses])
    return losses[below].mean(axis=0) if below.any() else None


def rows_explain(schema: Schema) -> bool:
    """Return whether losses and targets of rows make up the score: r squared of squared errors."""
    squared = schema.loss_name == "mean_squared_error"
    return squared and schema.score_name == "r_squared"


def explained_rows(losses: Array | None, targets: Array | None, score: float) -> Array | None:
    """Return what each test row adds to a mean r squared, about zero: its influence.

    R squared is a ratio of two sums over rows, and a row far from the others adds to both. To first
    order the row i moves 1 - r squared, as a share of it, by its share of the squared errors minus
    its share of the squared distances from the mean. The units of the two may differ.

    Args:
        losses: Squared errors, shape (seeds, rows), finite.
        targets: Shape (rows,).
        score: The mean r squared over the seeds.

    Returns:
        Shape (rows,); None where something is not known, or all errors or all targets are equal
        to their mean.

    Source: Cochran, W. G. (1977), Sampling Techniques, 3rd edition, chapter 6, on ratios.
    """
    if losses is None or targets is None or not np.isfinite(losses).all():
        return None
    errors, distances = losses.mean(axis=0), (targets - targets.mean()) ** 2
    if not errors.any() or not distances.any():
        return None
    return np.asarray((1 - score) * (distances / distances.mean() - errors / errors.mean()))
