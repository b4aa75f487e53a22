import itertools

import numpy as np
import pytest
from scipy import stats

from initsweep.core.randomness import numpy_stream
from initsweep.statistics.resamples import bounds, expanded_levels, seed_draws, student_bounds
from initsweep.statistics.student import student_quantile


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 9, 10, 39, 200])
@pytest.mark.parametrize("probability", [0.6, 0.9, 0.975, 0.9995])
def test_student_quantile_agrees_with_scipy(degrees, probability):
    expected = stats.t.ppf(probability, degrees)
    assert student_quantile(probability, degrees) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seeds", [1, 2, 3, 5])
def test_every_draw_of_few_seeds_is_there_with_its_probability(seeds):
    shares, probability = seed_draws(seeds)
    counted = {}
    for drawn in itertools.product(range(seeds), repeat=seeds):
        key = tuple(np.bincount(drawn, minlength=seeds))
        counted[key] = counted.get(key, 0) + seeds**-seeds
    ours = dict(zip(map(tuple, np.rint(shares * seeds).astype(int)), probability, strict=True))
    assert ours == pytest.approx(counted)


def test_many_seeds_are_drawn_from_a_stream_and_always_alike():
    shares, probability = seed_draws(12)
    assert shares.sum(axis=1) == pytest.approx(1)
    assert probability.sum() == pytest.approx(1)
    assert shares.mean(axis=0) == pytest.approx(1 / 12, abs=0.01)
    seed_draws.cache_clear()
    assert np.array_equal(seed_draws(12)[0], shares)


def test_the_expansion_vanishes_with_many_seeds():
    low, high = expanded_levels(5)
    assert low == pytest.approx(stats.norm.cdf(-stats.t.ppf(0.975, 4) * np.sqrt(5 / 4)))
    assert high == pytest.approx(1 - low)
    assert expanded_levels(2000)[0] == pytest.approx(0.025, rel=0.01)


def test_bounds_are_quantiles_of_the_weighted_draws():
    seeds = 4
    shares, probability = seed_draws(seeds)
    values = numpy_stream("test", "bounds").normal(size=seeds)
    means = np.stack([shares @ values, -(shares @ values)], axis=1)
    low, high = bounds(means, seeds)
    repeated = np.repeat(means[:, 0], np.rint(probability * seeds**seeds).astype(int))
    expected = np.quantile(repeated, expanded_levels(seeds), method="inverted_cdf")
    assert [low[0], high[0]] == pytest.approx(list(expected))
    assert [low[1], high[1]] == pytest.approx([-high[0], -low[0]])


def test_bounds_may_be_infinite():
    shares, _ = seed_draws(3)
    values = np.where(shares[:, :1] > 0.9, np.inf, shares[:, :1])
    assert bounds(values, 3)[1].tolist() == [np.inf]


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_of_a_mean_the_spread_over_draws_gives_student_s_interval(seeds):
    values = numpy_stream("test", "student", seeds).normal(size=seeds)
    shares, _ = seed_draws(seeds)
    low, high = student_bounds((shares @ values)[:, np.newaxis], values.mean(keepdims=True), seeds)
    student = stats.t.interval(0.95, seeds - 1, values.mean(), stats.sem(values))
    drawn = bounds((shares @ values)[:, np.newaxis], seeds)
    assert low[0] == pytest.approx(min(student[0], drawn[0][0]))
    assert high[0] == pytest.approx(max(student[1], drawn[1][0]))
    assert low[0] == pytest.approx(student[0]) or high[0] == pytest.approx(student[1])
