"""Intervals on test cover which rows the test rows happen to be."""

import numpy as np
import pytest

from initsweep.core.randomness import numpy_stream
from initsweep.core.records import Interval
from initsweep.statistics.intervals import mean_interval
from initsweep.statistics.over_rows import explained_rows, row_means, widened, with_rows

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


def test_influences_on_r_squared_are_what_leaving_a_row_out_changes():
    stream, rows = numpy_stream("tests", "explained rows"), 200
    targets = stream.normal(size=rows)
    errors = (0.5 * stream.normal(size=(5, rows))) ** 2
    total = ((targets - targets.mean()) ** 2).mean()

    def score(kept):
        spread = (targets[kept] - targets[kept].mean()) ** 2
        return 1 - errors[:, kept].mean() / spread.mean()

    found = explained_rows(errors / 7, targets, 1 - errors.mean() / total)  # in another unit
    everything = np.arange(rows)
    without = np.array([score(everything != row) for row in everything])
    jackknife = (rows - 1) * (without.mean() - without)
    np.testing.assert_allclose(found, jackknife, rtol=0.08, atol=0.06)
    assert found.mean() == pytest.approx(0)


def test_influences_on_r_squared_need_losses_and_targets_that_differ():
    losses = np.array([[0.1, 0.3], [0.2, 0.2]])
    assert explained_rows(losses, None, 0.5) is None
    assert explained_rows(None, np.array([0.0, 1.0]), 0.5) is None
    assert explained_rows(losses, np.ones(2), 0.5) is None
    assert explained_rows(np.where(losses > 0.2, np.nan, losses), np.array([0.0, 1.0]), 0.5) is None


def test_the_interval_of_r_squared_covers_seeds_and_rows():
    stream, seeds, rows, tries = numpy_stream("tests", "r squared"), 10, 60, 300
    covered = np.zeros(2)
    for _ in range(tries):
        targets = stream.normal(size=rows)
        noise = 0.3 * stream.normal(size=rows) + 0.1 * stream.normal(size=(seeds, rows))
        scores = 1 - (noise**2).mean(axis=1) / targets.var()
        alone = mean_interval(scores)
        both = with_rows(alone, explained_rows(noise**2, targets, float(scores.mean())))
        covered += [one.low <= 0.9 <= one.high for one in (alone, both)]
    alone, both = covered / tries
    assert alone < 0.6
    assert 0.9 < both <= 0.99
