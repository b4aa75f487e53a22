"""Basins: interpolated by hand, and the vectorized function against a slow, plain one."""

import math

import numpy as np
import pytest

from initsweep.core.randomness import numpy_stream
from initsweep.statistics.grid import basins
from initsweep.statistics.sensitivity import basin_around, points_of
from tests.statistics.study_builder import THRESHOLDS, curve_runs

RATES = np.array([0.001, 0.01, 0.1, 1.0])


def plain(losses, rates, threshold):
    """Walk from the best rate outwards; return the ends in decades and which of them are open."""
    best = min(range(len(rates)), key=lambda place: (losses[place], place))
    if losses[best] > threshold:
        return None
    found = []
    for step, last in ((-1, 0), (1, len(rates) - 1)):
        place = best
        while place != last and losses[place + step] <= threshold:
            place += step
        end = math.log10(rates[place])
        if place != last:
            here, there = losses[place], losses[place + step]
            part = (threshold - here) / (there - here)
            end += part * (math.log10(rates[place + step]) - end)
        found.append((end, place == last))
    return found


def basin_of(losses, threshold):
    found = basins(np.array([losses]), RATES, np.array([threshold]))
    return tuple(float(one[0]) for one in (found.low, found.high, found.widths))


def test_an_end_lies_where_the_line_to_the_next_rate_crosses_the_threshold():
    # From 0.2 at 0.1 half of the way to 0.3 at 1, and a tenth of the way to 0.7 at 0.01.
    assert basin_of([0.9, 0.7, 0.2, 0.3], 0.25) == pytest.approx((-1.1, -0.5, 0.6))
    # A rate exactly at the threshold is the end; so is a rate beside a step up from it.
    assert basin_of([0.9, 0.25, 0.2, 0.25], 0.25) == pytest.approx((-2, 0, 2))
    # The threshold at the best loss itself: a basin without width.
    assert basin_of([0.9, 0.25, 0.2, 0.25], 0.2) == pytest.approx((-1, -1, 0))


def test_a_second_valley_beyond_a_ridge_is_not_reached():
    assert basin_of([0.2, 0.6, 0.1, 0.9], 0.25) == pytest.approx((-1.3, -0.8125, 0.4875))


def test_of_equal_losses_the_lowest_rate_is_the_best():
    # 0.001 and 0.1 are equally good and a ridge lies between them.
    assert basin_of([0.2, 0.4, 0.2, 0.9], 0.25) == pytest.approx((-3, -2.75, 0.25))


def test_without_a_basin_there_is_no_width_and_no_open_end():
    found = basins(np.array([[0.9, 0.8, 0.7, 0.6]]), RATES, np.array([0.5]))
    assert np.isnan(found.low[0])
    assert np.isnan(found.high[0])
    assert found.widths.tolist() == [0.0]
    assert not found.open_ended.any()


def test_all_draws_agree_with_a_slow_plain_implementation():
    stream = numpy_stream("test", "basins")
    for size in (1, 2, 4, 9):
        rates = np.sort(10 ** stream.uniform(-5, 1, size))
        means = np.round(stream.random((300, size)), 1)  # many ties
        thresholds = means.min(axis=1) + np.round(0.4 * stream.random(300) - 0.1, 2)
        found = basins(means, rates, thresholds)
        missing = 0
        for place, (losses, threshold) in enumerate(zip(means, thresholds, strict=True)):
            expected = plain(losses.tolist(), rates.tolist(), float(threshold))
            if expected is None:
                missing += 1
                assert math.isnan(found.low[place])
                assert found.widths[place] == 0
                assert not found.open_ended[place]
                continue
            (low, open_below), (high, open_above) = expected
            assert (found.low[place], found.high[place]) == pytest.approx((low, high), abs=1e-12)
            assert (found.open_below[place], found.open_above[place]) == (open_below, open_above)
            assert found.widths[place] == pytest.approx(high - low, abs=1e-12)
        assert 0 < missing < 150


def test_the_basin_of_one_study_is_that_of_its_only_draw():
    stream = numpy_stream("test", "one basin")
    for _ in range(100):
        losses = np.round(stream.random(4), 1)
        threshold = float(losses.min() + np.round(0.4 * stream.random() - 0.1, 2))
        runs = curve_runs({r: [m] for r, m in zip(RATES.tolist(), losses, strict=True)})
        basin = basin_around(points_of(runs, THRESHOLDS), threshold)
        found = basins(losses[np.newaxis], RATES, np.array([threshold]))
        if basin is None:
            assert np.isnan(found.low[0])
            continue
        assert math.log10(basin.low) == pytest.approx(found.low[0], abs=1e-5)  # six digits of it
        assert math.log10(basin.high) == pytest.approx(found.high[0], abs=1e-5)
        sides = {"no": (0, 0), "low": (1, 0), "high": (0, 1), "both": (1, 1)}[basin.censored]
        assert (found.open_below[0], found.open_above[0]) == sides


def test_a_lower_loss_anywhere_never_narrows_the_basin_of_a_fixed_threshold():
    stream = numpy_stream("test", "monotone basins")
    means = stream.random((500, 6))
    rates, place = np.logspace(-4, 1, 6), means.argmin(axis=1)
    threshold = means.min(axis=1) + 0.2
    lower = means - 0.1 * stream.random(means.shape)
    lower[np.arange(500), place] = means.min(axis=1) - 0.1  # the best stays the best
    before, after = (basins(one, rates, threshold).widths for one in (means, lower))
    assert (after >= before - 1e-12).all()
