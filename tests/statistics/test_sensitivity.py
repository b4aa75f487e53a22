import dataclasses
import math

import numpy as np
import pytest

from initsweep.core.randomness import numpy_stream
from initsweep.statistics.grid import grid_runs
from initsweep.statistics.quantities import response_rows
from initsweep.statistics.sensitivity import (
    basin_around,
    evenly_spaced,
    lowest_mean,
    measure,
    own_best,
    points_of,
    wortsman_sensitivity,
)
from initsweep.statistics.thresholds import Thresholds
from tests.statistics.study_builder import DECIDE, SCHEMA, THRESHOLDS, curve_runs, flat, run_row

RATES = (0.001, 0.01, 0.1, 1.0)


def measured(
    grid, *, chosen=0.1, best_of_all=None, lowest_of_all=None, extension=None, refinement=None
):
    runs = curve_runs(grid)
    runs += curve_runs(extension or {}, kind="extension")
    runs += curve_runs(refinement or {}, kind="refinement")
    points = points_of(runs, THRESHOLDS)
    best = own_best(points).mean_loss if best_of_all is None else best_of_all
    lowest = min(best, lowest_mean(points)) if lowest_of_all is None else lowest_of_all
    return measure(points, runs, chosen, best, lowest, THRESHOLDS)


def ends(basin):
    """Return the ends of a basin in decades."""
    return math.log10(basin.low), math.log10(basin.high)


def test_a_worked_example():
    result = measured(flat([0.9, 0.22, 0.2, 1.0]), best_of_all=0.1)
    # Up to 0.25: 0.03 of the 0.68 from 0.22 to 0.9 below 0.01, 0.05 of the 0.8 above 0.1.
    low, high = -2 - 0.03 / 0.68, -1 + 0.05 / 0.8
    assert ends(result.basin) == pytest.approx((low, high), abs=1e-5)
    assert (result.basin.low, result.basin.high) == (0.00903405, 0.115478)  # six digits
    assert result.basin.censored == "no"
    assert result.basin.width == pytest.approx(high - low, abs=1e-5)
    assert result.global_basin is None  # 0.2 is not within 0.05 of 0.1
    assert result.regret == pytest.approx(2.32 / 4 - 0.1)
    assert result.tuned_gap == pytest.approx(0.1)
    assert result.sensitivity == pytest.approx(2.32 / 4 - 0.2)
    assert (result.largest_stable_rate, result.first_unstable_rate) == (0.1, 1.0)
    assert result.safety_margin == pytest.approx(1.0)
    assert result.divergence_rate == 0.0


def test_regret_is_tuned_gap_plus_sensitivity():
    stream = numpy_stream("test", "identity")
    for _ in range(50):
        grid = {rate: stream.uniform(0, 1.5, 3).tolist() for rate in RATES}
        extension = {10.0: stream.uniform(0, 1.5, 3).tolist()}
        result = measured(grid, extension=extension, best_of_all=float(stream.uniform(-1, 0)))
        assert result.regret == pytest.approx(result.tuned_gap + result.sensitivity, rel=1e-12)
        assert min(result.regret, result.tuned_gap, result.sensitivity, result.wortsman) >= 0


def test_the_basin_is_contiguous_around_the_best():
    # 0.001 is within the tolerance too, but 0.01 lies between.
    result = measured(flat([0.21, 0.9, 0.2, 0.24]))
    assert ends(result.basin) == pytest.approx((-1 - 0.05 / 0.7, 0), abs=1e-5)
    assert result.basin.censored == "high"


@pytest.mark.parametrize(
    ("losses", "censored", "width"),
    [
        ([0.2, 0.2, 0.2, 0.2], "both", 3),
        ([0.2, 0.2, 0.9, 0.9], "low", 1 + 0.05 / 0.7),
        ([0.9, 0.9, 0.9, 0.2], "high", 0.05 / 0.7),
        ([0.9, 0.2, 0.9, 0.9], "no", 0.1 / 0.7),
        ([0.26, 0.2, 0.26, 0.9], "no", 2 * 5 / 6),  # nearly to the neighbours on both sides
        ([0.2, 0.24, 0.24, 0.24], "both", 3),
    ],
)
def test_censoring(losses, censored, width):
    basin = measured(flat(losses)).basin
    assert basin.censored == censored
    assert basin.width == pytest.approx(width, abs=1e-5)


def test_extension_widens_the_basin_but_not_the_averages():
    result = measured(flat([0.9, 0.6, 0.4, 0.19]), extension={3.0: [0.15] * 2, 10.0: [1.0] * 2})
    high = math.log10(3) + 0.05 / 0.85 * math.log10(10 / 3)
    assert ends(result.basin) == pytest.approx((-0.01 / 0.21, high), abs=1e-5)
    assert result.basin.censored == "no"
    assert (result.largest_stable_rate, result.first_unstable_rate) == (3.0, 10.0)
    assert result.sensitivity == pytest.approx(2.09 / 4 - 0.15)
    assert result.tuned_gap == 0.0


def test_refinement_changes_basins_and_nothing_else():
    grid = flat([0.9, 0.22, 0.2, 1.0])
    refined = {0.05: [0.01] * 2, 0.5: [None] * 2}
    result, without = measured(grid, refinement=refined), measured(grid)
    # Up to 0.06, around the refined rate: to 0.01 below it, and to 0.1 above.
    low = math.log10(0.05) - 0.05 / 0.21 * math.log10(5)
    high = math.log10(0.05) + 0.05 / 0.19 * math.log10(2)
    assert ends(result.basin) == pytest.approx((low, high), abs=1e-5)
    assert dataclasses.replace(
        result, basin=without.basin, global_basin=without.global_basin
    ) == without  # fmt: skip


def test_a_refined_rate_that_fails_between_two_good_ones_ends_the_basin():
    grid = flat([0.9, 0.2, 0.21, 1.0])
    basin = measured(grid, refinement={0.03: [1.0] * 2}).basin
    assert math.log10(basin.high) == pytest.approx(-2 + 0.05 / 0.8 * math.log10(3), abs=1e-5)


def test_rates_that_do_not_train_are_in_no_basin():
    # 0.93 trains and 0.96 does not, though it is within the tolerance of 0.93.
    result = measured(flat([0.96, 0.93, 0.94, 0.97]))
    # So both ends lie where the loss crosses 0.95, not 0.98.
    assert ends(result.basin) == pytest.approx((-2 - 2 / 3, -1 + 1 / 3), abs=1e-5)
    assert measured(flat([1.0, 1.0, 1.0, 1.0])).basin is None


def test_global_basin_uses_the_best_of_all_schemes():
    result = measured(flat([0.9, 0.24, 0.2, 0.26]), best_of_all=0.19, lowest_of_all=0.16)
    assert result.basin.width == pytest.approx(1 + 0.01 / 0.66 + 5 / 6, abs=1e-5)  # up to 0.25
    assert result.global_basin.width == pytest.approx(1 / 4 + 1 / 6, abs=1e-5)  # up to 0.21
    assert result.tuned_gap == pytest.approx(0.01)  # against the best of the evenly spaced


def test_one_failed_seed_ends_stability():
    grid = {0.001: [0.9, 0.9], 0.01: [0.2, 0.2], 0.1: [0.2, 0.25], 1.0: [0.2, None]}
    result = measured(grid, chosen=0.2)
    assert (result.largest_stable_rate, result.first_unstable_rate) == (0.1, 1.0)
    assert result.safety_margin == pytest.approx(math.log10(5))
    assert result.divergence_rate == 1 / 8


def test_a_seed_that_ends_near_the_constant_predictor_failed_too():
    grid = {0.01: [0.2, 0.2], 0.1: [0.2, 0.951], 1.0: [0.2, 0.2]}
    result = measured(grid, chosen=0.01)
    assert (result.largest_stable_rate, result.first_unstable_rate) == (0.01, 0.1)


def test_stability_starts_at_the_best_rate():
    never = measured(flat([0.9, 0.5, 0.3, 0.2]))
    assert (never.largest_stable_rate, never.first_unstable_rate) == (1.0, None)
    assert never.safety_margin is None
    shaky = measured({0.01: [0.9, 0.9], 0.1: [0.0, None], 1.0: [None, None]}, chosen=0.2)
    assert (shaky.largest_stable_rate, shaky.first_unstable_rate) == (None, 0.1)
    assert shaky.safety_margin == pytest.approx(math.log10(0.5))  # beyond the edge already


def test_wortsman_by_hand_with_a_cap_at_the_initial_loss():
    runs = curve_runs({0.1: [0.2, 0.4], 1.0: [5.0, None]}, initial=1.5)
    assert wortsman_sensitivity(runs, THRESHOLDS) == pytest.approx((0.3 + 1.5) / 2 - 0.3)
    no_start = [run_row(rate=0.1, loss=0.2), run_row(rate=1.0, loss=None, initial=None)]
    assert wortsman_sensitivity(no_start, THRESHOLDS) == pytest.approx((0.2 + 1.0) / 2 - 0.2)


def test_wortsman_calls_a_stalled_scheme_robust_and_regret_does_not():
    stalled = measured(flat([1.0, 1.0, 1.0, 1.0]), best_of_all=0.1)
    working = measured(flat([0.9, 0.3, 0.1, 1.0]), best_of_all=0.1)
    assert stalled.wortsman == 0.0 < working.wortsman
    assert stalled.regret > working.regret


def test_points_group_by_rate_and_kind_in_ascending_order():
    refined = curve_runs({0.5: [0.6, 0.4]}, kind="refinement")
    points = points_of([*curve_runs({1.0: [0.1, 0.1], 0.1: [0.3, 0.5]}), *refined], THRESHOLDS)
    assert [point.learning_rate for point in points] == [0.1, 0.5, 1.0]
    assert [point.mean_loss for point in points] == pytest.approx([0.4, 0.5, 0.1])
    assert [point.learning_rate for point in evenly_spaced(points)] == [0.1, 1.0]


def test_equal_losses_choose_the_lower_rate():
    points = points_of(curve_runs(flat([0.5, 0.2, 0.2, 0.5])), THRESHOLDS)
    assert own_best(points).learning_rate == 0.01


def test_response_rows_list_every_point_with_its_spread():
    grid = {0.01: [0.2, 0.3, None, 0.3], 0.1: [0.2, 0.2, 0.2, 0.2], 1.0: [None] * 4}
    runs = curve_runs(grid)
    runs += curve_runs({0.03: [0.9] * 4, 0.05: [0.21] * 4, 0.5: [0.2] * 4}, kind="refinement")
    points = points_of(runs, THRESHOLDS)
    basin = basin_around(points[2:], 0.5)  # as if 0.05 were the lowest rate tried
    assert (basin.low, basin.censored) == (0.05, "low")
    basin = basin_around(points, 0.5)
    rows = response_rows("a", points, basin, 0.5, 1.0)
    assert [row.learning_rate for row in rows] == [0.01, 0.03, 0.05, 0.1, 0.5, 1.0]
    first = rows[0]
    assert first.mean_loss == pytest.approx(0.45)
    assert first.low < first.mean_loss < first.high
    assert (first.best_loss, first.worst_loss) == (0.2, 1.0)
    assert (first.failure_rate, first.divergence_rate) == (0.25, 0.25)
    # 0.03 is above the threshold and ends the basin.
    assert [row.in_basin for row in rows] == [False, False, True, True, True, False]
    assert rows[-1].low == rows[-1].high == 1.0
    assert all(np.isfinite([row.low, row.mean_loss, row.high]).all() for row in rows)


def test_without_a_basin_nothing_is_in_it():
    points = points_of(curve_runs(flat([1.0] * 4)), THRESHOLDS)
    assert not any(row.in_basin for row in response_rows("a", points, None, 0.95, 1.0))


def test_a_loss_at_initialization_that_is_not_finite_counts_in_the_unit_of_the_loss():
    by_score = dataclasses.replace(SCHEMA, select_by="score", constant_validation_loss=2.3)
    thresholds = Thresholds.of(by_score, DECIDE)
    assert thresholds.validation_constant == pytest.approx(0.9)
    runs = curve_runs({0.01: [5.0], 0.1: [0.5]}, initial=None)
    assert grid_runs(runs, thresholds).published.tolist() == [[2.3], [0.5]]
