import math

import numpy as np
import pytest
from scipy import stats

from initsweep.core.randomness import numpy_stream
from initsweep.statistics.intervals import (
    RESAMPLES,
    _every_resample,
    _reached,
    bca_interval,
    mean_interval,
    mean_of,
    student_half_width,
)
from initsweep.statistics.resamples import expanded_levels


@pytest.mark.parametrize("size", [11, 40])
@pytest.mark.parametrize("skewed", [False, True])
def test_agrees_with_scipy_on_the_same_resamples(size, skewed):
    values = numpy_stream("test", size).normal(3.0, 2.0, size)
    # Sums of multiples of 1/1024 are exact, so both sides see the same ties.
    values = np.sort(np.round(1024 * (np.exp(values / 4) if skewed else values)) / 1024)
    low, high = bca_interval(values)
    theirs = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=RESAMPLES,
        method="BCa",
        vectorized=True,
        rng=numpy_stream("statistics", "bootstrap", size),
    ).confidence_interval
    assert mean_of(values) == pytest.approx(values.mean(), rel=1e-14)
    assert low == pytest.approx(theirs.low, rel=1e-12)
    assert high == pytest.approx(theirs.high, rel=1e-12)


@pytest.mark.parametrize("size", [3, 5, 10])
def test_few_values_give_what_ever_more_resamples_approach(size):
    values = np.sort(np.exp(numpy_stream("test", "exact", size).normal(size=size)))
    low, high = bca_interval(values)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=400_000, method="BCa", vectorized=True, rng=3
    ).confidence_interval
    width = theirs.high - theirs.low
    # With 3 values means move in steps; with 10 they lie close together.
    near = {3: 1e-9, 5: 0.02, 10: 0.01}[size]
    assert low == pytest.approx(theirs.low, abs=near * width)
    assert high == pytest.approx(theirs.high, abs=near * width)


def test_every_resample_is_there_and_all_of_them_are_certain():
    for size in (2, 5, 10):
        drawn, ways = _every_resample(size)
        assert drawn.shape == (size, math.comb(2 * size - 1, size))
        assert ways.sum() == size**size


@pytest.mark.parametrize("level", [0.0, 1e-12, 0.013, 0.5, 0.98, 1.0])
@pytest.mark.parametrize("values", [range(10), [0.0] * 9 + [1.0], [1.0, 1.0, 2.0, 2.0, 9.0]])
def test_a_share_of_all_resamples_is_found_as_by_sorting_them(values, level):
    drawn, ways = _every_resample(len(values))
    resampled = np.array(values, float)[drawn].sum(axis=0)
    order = np.argsort(resampled)
    place = np.searchsorted(np.cumsum(ways[order]), level * ways.sum())
    assert _reached(level, resampled, ways) == resampled[order[place]]


@pytest.mark.parametrize("size", [2, 3, 5, 10, 40])
def test_reaches_from_the_lower_to_the_higher_of_bca_and_student(size):
    values = np.sort(np.exp(numpy_stream("test", "hull", size).normal(size=size)))
    student = stats.t.interval(0.95, size - 1, values.mean(), stats.sem(values))
    half = student_half_width(values)
    assert student == pytest.approx((values.mean() - half, values.mean() + half))
    low, high = bca_interval(values, expanded_levels(size))
    interval = mean_interval(values)
    assert interval.low == pytest.approx(min(low, student[0]))
    assert interval.high == pytest.approx(max(high, student[1]))


def test_ends_where_values_end():
    interval = mean_interval([0.0] * 9 + [1.0], (0.0, 0.4))
    assert (interval.low, interval.high) == (0.0, 0.4)
    assert mean_interval([2.0, 2.5], (0.0, 1.0)).high == 2.25


def test_skew_moves_the_interval_towards_the_long_tail():
    interval = mean_interval([0.0] * 9 + [1.0])
    assert interval.high - interval.estimate > interval.estimate - interval.low > 0


def test_order_of_values_and_repetition_do_not_matter():
    values = numpy_stream("test").normal(size=12)
    assert mean_interval(values) == mean_interval(values[::-1]) == mean_interval(values)


def test_shift_and_scale_carry_over():
    values = numpy_stream("test").normal(size=10)
    one, other = mean_interval(values), mean_interval(5 + 3 * values)
    for name in ("low", "estimate", "high"):
        assert getattr(other, name) == pytest.approx(5 + 3 * getattr(one, name), rel=1e-12)


@pytest.mark.parametrize("values", [[0.1], [0.1] * 10, [1e300] * 3])
def test_equal_values_have_no_width_and_keep_their_bits(values):
    interval = mean_interval(values)
    assert interval.low == interval.estimate == interval.high == values[0]
    assert mean_of(values) == values[0]


@pytest.mark.parametrize("scale", [1e-180, 1e-17, 1e150])
def test_extreme_scales_stay_finite_and_ordered(scale):
    interval = mean_interval(scale * np.array([1.0, 2.0, 2.0, 7.0]))
    assert np.isfinite([interval.low, interval.high]).all()
    assert interval.low < interval.estimate < interval.high


def test_contains_its_estimate_for_many_awkward_samples():
    stream = numpy_stream("test", "awkward")
    for _ in range(200):
        size = int(stream.integers(2, 12))
        values = np.minimum(stream.choice([0.1, 0.2, 1.0, 5.0], size) ** 3, 1.0)
        interval = mean_interval(values)
        assert interval.low <= interval.estimate <= interval.high
