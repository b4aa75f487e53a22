import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from initsweep.core.randomness import numpy_stream
from initsweep.statistics.budget_curve import budget_rows, expected_best
from initsweep.statistics.grid import grid_runs
from initsweep.statistics.learning import areas, epochs_to, median_interval, median_of
from initsweep.statistics.proportions import half_width, share_interval, superiority_interval
from initsweep.statistics.resamples import seed_draws
from initsweep.statistics.sensitivity import basin_around, lowest_mean, measure, own_best, points_of
from initsweep.statistics.verdict import compare
from tests.statistics.study_builder import (
    DECIDE,
    PROVENANCE,
    SCHEMA,
    THRESHOLDS,
    curve_runs,
    evidence,
)

RATES = (0.001, 0.01, 0.1, 1.0)


def grid(seeds=3, *, lift=0.0, name="a"):
    stream = numpy_stream("test", "grid", name, seeds)
    means = (0.8, 0.35, 0.3, 0.9)
    return {
        rate: list(np.minimum(mean + lift + 0.05 * stream.normal(size=seeds), 1.0))
        for rate, mean in zip(RATES, means, strict=True)
    }


def table(*studies):
    found = compare(list(studies), SCHEMA, DECIDE, PROVENANCE).quantities
    return {(row.scheme, row.quantity): row for row in found}


def confirm(name, level=0.3):
    return list(level + 0.02 * numpy_stream("test", "confirm", name).normal(size=10))


def test_expected_best_is_the_average_over_all_choices_of_rates():
    from itertools import combinations

    losses = np.array([0.9, 0.1, 0.4, 0.4, 0.7])
    every = [np.mean([min(c) for c in combinations(losses, n)]) for n in range(1, 6)]
    assert expected_best(losses) == pytest.approx(every)
    assert expected_best(losses)[0] == pytest.approx(losses.mean())
    assert expected_best(losses)[-1] == pytest.approx(0.1)
    assert expected_best(np.full(4, 0.1)).tolist() == [0.1] * 4


def test_the_budget_curve_falls_to_the_tuned_loss_and_lies_within_its_band():
    runs = grid_runs(curve_runs(grid(5)), THRESHOLDS)
    rows = budget_rows("a", runs, 1.0)
    assert [row.n for row in rows] == [1, 2, 3, 4]
    best = [row.expected_best for row in rows]
    assert best == sorted(best, reverse=True)
    assert best[-1] == pytest.approx(own_best(points_of(curve_runs(grid(5)), THRESHOLDS)).mean_loss)
    assert all(row.low < row.expected_best < row.high for row in rows)
    one = budget_rows("a", grid_runs(curve_runs(grid(1)), THRESHOLDS), 1.0)
    assert all(row.low == row.expected_best == row.high for row in one)


def test_extensions_do_not_enter_the_budget():
    runs = curve_runs(grid()) + curve_runs({10.0: [0.01] * 3}, kind="extension")
    rows = budget_rows("a", grid_runs(runs, THRESHOLDS), 1.0)
    assert len(rows) == 4
    assert rows[-1].expected_best > 0.2


def test_every_interval_holds_its_estimate_and_the_estimates_are_those_of_the_verdict_table():
    studies = [
        evidence("a", confirm("a"), grid(5)),
        evidence("b", confirm("b"), grid(5, lift=0.05, name="b")),
    ]
    comparison = compare(studies, SCHEMA, DECIDE, PROVENANCE)
    for row in comparison.quantities:
        assert row.low is None or row.low <= row.estimate
        assert row.high is None or row.high >= row.estimate
    found = {(row.scheme, row.quantity): row.estimate for row in comparison.quantities}
    for scheme in comparison.schemes:
        for name in (
            "basin_width", "global_basin_width", "largest_stable_rate", "first_unstable_rate",
            "safety_margin", "regret", "tuned_gap", "sensitivity", "wortsman_sensitivity",
            "divergence_rate",
        ):  # fmt: skip
            value = getattr(scheme, name)
            if value is not None:
                assert found[scheme.scheme, name] == pytest.approx(value), name


def test_what_is_measured_on_a_draw_is_what_a_study_of_those_seeds_gives():
    """Redo the study with one seed three times, which is one of the draws."""
    curves = {"a": grid(3), "b": grid(3, lift=-0.02, name="b")}
    shares, _ = seed_draws(3)
    draw = int(np.flatnonzero(shares[:, 1] > 0.9)[0])
    from initsweep.statistics.scheme_summary import summarize
    from initsweep.statistics.seed_resamples import means_of

    studies = [evidence(name, confirm(name), curve) for name, curve in curves.items()]
    drawn = [means_of(s, shares)[draw] for s in summarize(studies, THRESHOLDS)]
    again = [points_of(curve_runs({r: [v[1]] * 3 for r, v in c.items()}), THRESHOLDS)
             for c in curves.values()]  # fmt: skip
    best = min(own_best(points).mean_loss for points in again)
    lowest = min(map(lowest_mean, again))
    runs = curve_runs({r: [v[1]] * 3 for r, v in curves["a"].items()})
    measured = measure(again[0], runs, 0.1, best, lowest, THRESHOLDS)
    regret = drawn[0].mean() - min(mean.min() for mean in drawn)
    assert regret == pytest.approx(measured.regret)


def test_the_interval_of_a_width_is_no_narrower_than_student_s():
    """Widths are interpolated and do not move in steps, so that they spread like a mean."""
    curve = grid(3)
    found = table(evidence("a", confirm("a"), curve))["a", "basin_width"]
    shares, probability = seed_draws(3)
    drawn = []
    for share in shares:
        means = {rate: [float(np.dot(share, losses))] for rate, losses in curve.items()}
        points = points_of(curve_runs(means), THRESHOLDS)
        basin = basin_around(points, THRESHOLDS.basin_threshold(lowest_mean(points)))
        drawn.append(0.0 if basin is None else basin.width)
    centred = np.array(drawn) - np.dot(probability, drawn)
    error = np.sqrt(np.dot(probability, centred**2) * 3 / 2)
    half = stats.t.ppf(0.975, 2) * error
    assert found.low == pytest.approx(max(0.0, min(found.estimate - half, min(drawn))), abs=1e-3)
    assert found.high == pytest.approx(max(found.estimate + half, max(drawn)), abs=1e-3)
    assert found.high - found.low > np.ptp(drawn)


def test_seeds_that_agree_give_no_width_and_one_seed_no_interval():
    same = {rate: [losses[0]] * 3 for rate, losses in grid().items()}
    row = table(evidence("a", [0.3] * 10, same))["a", "regret"]
    assert row.low == pytest.approx(row.estimate)
    assert row.high == pytest.approx(row.estimate)
    single = table(evidence("a", [0.3], {r: v[:1] for r, v in same.items()}))
    for row in single.values():
        assert row.low is row.high is None
        assert row.method == "none"


def test_an_optimum_at_the_end_of_the_rates_is_carried_to_all_that_depends_on_it():
    falling = {0.001: [0.9, 0.9], 0.01: [0.6, 0.62], 0.1: [0.4, 0.41], 1.0: [0.2, 0.21]}
    inside = {0.001: [0.9, 0.9], 0.01: [0.3, 0.31], 0.1: [0.6, 0.6], 1.0: [None, None]}
    found = table(
        evidence("edge", confirm("edge", 0.2), falling),
        evidence("inside", confirm("inside"), inside),
    )
    for name, edge, within in (
        ("basin_width", "high", "no"),
        ("regret", "high", "high"),
        ("tuned_gap", "no", "high"),
        ("sensitivity", "high", "no"),
        ("largest_stable_rate", "high", "no"),
        ("safety_margin", "high", "no"),
    ):
        assert found["edge", name].censored == edge, name
        assert found["inside", name].censored == within, name
    assert found["edge", "basin_width"].high is None
    assert found["edge", "safety_margin"].estimate == 0.0
    assert ("edge", "first_unstable_rate") not in found


def test_stability_reaches_from_the_first_seed_to_fail_to_the_last():
    curve = {0.001: [0.8] * 3, 0.01: [0.3] * 3, 0.1: [None, 0.4, 0.4], 1.0: [None, None, 0.7]}
    found = table(evidence("a", confirm("a"), curve))
    stable, unstable = found["a", "largest_stable_rate"], found["a", "first_unstable_rate"]
    assert (stable.low, stable.estimate, stable.high) == (0.01, 0.01, None)
    assert (unstable.low, unstable.estimate, unstable.high) == (0.1, 0.1, None)
    assert found["a", "safety_margin"].estimate == pytest.approx(1)
    last = {**curve, 1.0: [None] * 3}
    found = table(evidence("a", confirm("a"), last))
    assert found["a", "largest_stable_rate"].high == 0.1
    assert found["a", "first_unstable_rate"].high == 1.0
    assert found["a", "safety_margin"].high == pytest.approx(2)


def test_a_stalled_scheme_has_no_basin_and_the_largest_regret():
    found = table(
        evidence("a", confirm("a"), grid()),
        evidence("stalled", [1.0] * 10, {rate: [1.0] * 3 for rate in RATES}),
    )
    assert ("stalled", "basin_width") not in found
    assert ("stalled", "safety_margin") not in found
    assert found["stalled", "regret"].estimate > found["a", "regret"].estimate
    assert found["stalled", "time_to_target"].censored == "high"


def test_time_to_target_counts_epochs_and_never_means_never():
    losses = np.array([[1.0, 0.5, 0.2], [1.0, 0.2, 0.5], [1.0, 1.0, 1.0]])
    assert epochs_to(losses, 0.3).tolist() == [2.0, 1.0, math.inf]
    assert median_of(epochs_to(losses, 0.3)) == 2.0
    assert median_of(np.array([1.0, 2.0, math.inf, math.inf])) == math.inf
    # The builder's curves fall to the last loss in 4 equal steps.
    found = table(
        evidence("a", [0.2] * 10, grid()), evidence("b", [0.6] * 4 + [None] * 6, grid(name="b"))
    )
    row = found["a", "time_to_target"]
    assert row.against == pytest.approx(0.2 + THRESHOLDS.tolerance)
    assert (row.low, row.estimate, row.high, row.censored) == (4.0, 4.0, 4.0, "no")
    never = found["b", "time_to_target"]
    assert (never.estimate, never.high, never.censored) == (4.0, None, "high")


def test_area_under_the_curve_is_the_mean_loss_over_training():
    assert areas(np.array([[1.0, 0.5, 0.0], [0.4, 0.4, 0.4]])) == pytest.approx([0.5, 0.4])
    found = table(evidence("a", [0.2] * 9 + [None], grid()))
    assert found["a", "area_under_curve"].estimate == pytest.approx(0.9 * 0.6 + 0.1)


@pytest.mark.parametrize("size", range(2, 25))
def test_the_median_s_interval_is_the_narrowest_pair_that_covers_enough(size):
    low, high = median_interval(np.arange(size, dtype=float))
    skip = int(low)
    assert high == size - 1 - skip
    covered = 1 - 2 * stats.binom.cdf(skip, size, 0.5)
    assert covered >= 0.95 or skip == 0
    assert skip + 1 >= size / 2 or 1 - 2 * stats.binom.cdf(skip + 1, size, 0.5) < 0.95


@pytest.mark.parametrize(("count", "trials"), [(0, 5), (1, 5), (5, 5), (13, 40)])
def test_share_interval_agrees_with_scipy(count, trials):
    theirs = stats.binomtest(count, trials).proportion_ci(method="wilson")
    assert share_interval(count, trials) == pytest.approx((theirs.low, theirs.high))
    low, high = share_interval(13, 40)
    assert high - low == pytest.approx(2 * half_width(13 / 40, 40))


def test_superiority_has_width_at_its_ends_and_is_symmetric():
    low, high = superiority_interval(1.0, 10, 10)
    assert high == 1.0
    assert 0.6 < low < 0.9
    assert superiority_interval(0.0, 10, 10) == pytest.approx((0.0, 1 - low))
    narrow, wide = superiority_interval(0.7, 40, 40), superiority_interval(0.7, 10, 10)
    assert wide[0] < narrow[0] < 0.7 < narrow[1] < wide[1]


def test_each_rate_says_how_many_runs_diverged():
    curve = {0.001: [0.8] * 4, 0.01: [0.3] * 4, 0.1: [None, 0.4, 0.4, 1.0], 1.0: [None] * 4}
    rows = compare([evidence("a", confirm("a"), curve)], SCHEMA, DECIDE, PROVENANCE).divergence
    assert [(row.learning_rate, row.runs, row.diverged) for row in rows] == [
        (0.001, 4, 0), (0.01, 4, 0), (0.1, 4, 1), (1.0, 4, 4),
    ]  # fmt: skip
    assert all(row.low <= row.divergence_rate <= row.high for row in rows)


def test_rows_are_the_same_whatever_the_order_of_the_runs():
    one = evidence("a", confirm("a"), grid(5))
    turned = dataclasses.replace(
        one, tuning=one.tuning[::-1], confirm=one.confirm[::-1], curves=one.curves[::-1]
    )
    assert table(one) == table(turned)
