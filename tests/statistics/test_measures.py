"""Measures are averaged over the runs that have them, and it is said how many do."""

from initsweep.core.records import MeasureRow, MeasureSummary
from initsweep.metrics import METRICS
from initsweep.statistics.extra_metrics import summaries
from initsweep.statistics.intervals import mean_interval
from initsweep.statistics.thresholds import POSSIBLE


def rows(scheme, values, *, split="test", measure="minority_recall"):
    return [
        MeasureRow(scheme=scheme, seed=100 + place, split=split, measure=measure, value=value)
        for place, value in enumerate(values)
    ]


def test_test_rows_are_averaged_over_the_runs_that_have_a_value():
    values = [0.5, 0.52, None, 0.48]
    found = summaries([*rows("he", [0.0] * 4, split="validation"), *rows("he", values)])
    mean = mean_interval([0.5, 0.52, 0.48])
    assert found == [
        MeasureSummary(scheme="he", measure="minority_recall", runs=3, low=mean.low,
                       estimate=0.5, high=mean.high)
    ]  # fmt: skip
    assert mean.low < 0.5 < mean.high


def test_where_all_runs_diverged_there_is_no_number():
    (found,) = summaries(rows("zeros", [None, None]))
    assert (found.runs, found.low, found.estimate, found.high) == (0, None, None, None)


def test_schemes_and_measures_keep_their_order():
    made = [*rows("b", [1.0]), *rows("b", [2.0], measure="a"), *rows("a", [3.0])]
    told = [(one.scheme, one.measure, one.estimate) for one in summaries(made)]
    assert told == [("b", "minority_recall", 1.0), ("b", "a", 2.0), ("a", "minority_recall", 3.0)]


def test_shares_end_at_one_and_errors_at_zero():
    values = [1.0] * 5 + [0.9] * 2
    (share,) = summaries(rows("he", values))
    assert share.high == 1.0
    (error,) = summaries(rows("he", [0.0] * 6 + [3.0], measure="mae_original_units"))
    assert error.low == 0.0
    (unknown,) = summaries(rows("he", [0.0] * 6 + [3.0], measure="my_own"))
    assert unknown.low < 0.0


def test_limits_are_those_of_metrics_that_exist():
    assert set(POSSIBLE) <= {metric.name for _, metric in METRICS if metric.role != "loss"}
