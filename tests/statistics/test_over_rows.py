"""Intervals on test cover which rows the test rows happen to be."""

import numpy as np
import pytest

from initsweep.core.randomness import numpy_stream
from initsweep.core.records import Interval
from initsweep.statistics.intervals import mean_interval
from initsweep.statistics.over_rows import row_means, widened, with_rows

OVER_SEEDS = Interval(low=0.7, estimate=1.0, high=1.4)


def test_distances_to_the_ends_are_added_as_squares():
    found = widened(OVER_SEEDS, 0.4, 0.3, (-10.0, 10.0))
    assert (found.low, found.estimate, found.high) == pytest.approx((0.5, 1.0, 1.5))


def test_an_interval_ends_where_the_values_do():
    found = widened(OVER_SEEDS, 0.4, 0.3, (0.6, 1.2))
    assert (found.low, found.high) == (0.6, 1.2)


def test_without_rows_it_is_over_seeds():
    assert with_rows(OVER_SEEDS, None) is OVER_SEEDS
    assert with_rows(OVER_SEEDS, np.array([1.0])) is OVER_SEEDS


def test_rows_are_averaged_over_the_runs_below_the_cap():
    losses = np.array([[0.1, 0.3], [0.3, 0.5], [9.0, 9.0], [np.nan, np.nan]])
    assert row_means(losses, cap=2.0) == pytest.approx([0.2, 0.4])
    assert row_means(losses[2:], cap=2.0) is None
    assert row_means(None, cap=2.0) is None


@pytest.mark.parametrize("rows", [40, 400])
def test_it_covers_the_mean_over_seeds_and_rows_and_one_over_seeds_does_not(rows):
    stream, seeds, tries = numpy_stream("tests", "over rows", rows), 10, 400
    covered = np.zeros(2)
    for _ in range(tries):
        losses = (
            1.0
            + 0.05 * stream.normal(size=(seeds, 1))
            + 0.6 * (stream.gamma(1.0, 1.0, size=rows) - 1.0)
            + 0.2 * stream.normal(size=(seeds, rows))
        )
        alone = mean_interval(losses.mean(axis=1))
        both = with_rows(alone, losses.mean(axis=0))
        covered += [one.low <= 1.0 <= one.high for one in (alone, both)]
    alone, both = covered / tries
    assert alone < 0.85
    assert 0.92 < both <= 0.99
