"""Losses from elsewhere are compared as those of a study are."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from initsweep import compare_losses
from initsweep.core.errors import InitsweepError
from initsweep.core.randomness import numpy_stream
from initsweep.statistics.comparison import compare_with
from initsweep.statistics.own_losses import _runs, _thresholds

BASE = 2.3
DRAWN = numpy_stream("test", "own-losses").normal(0.5, 0.02, 12)
NOISE = numpy_stream("test", "own-losses", "noise").normal(0, 0.002, 12)


def two(first, second, **more):
    return compare_losses({"a": [*first], "b": [*second]}, baseline=BASE, **more)


def test_a_clear_difference_is_shown_either_way():
    for paired in (False, True):
        found = two(DRAWN, DRAWN + 0.2 + NOISE, paired=paired)
        assert (found.best, found.worse, found.ties) == ("a", ["b"], [])
        assert str(found).endswith("Shown to be worse: b.")
        assert found.needed is None


def test_pairs_tell_what_separate_runs_do_not():
    wide = numpy_stream("test", "own-losses", "wide").normal(0.5, 0.1, 12)
    other = wide + 0.05 + NOISE
    assert two(wide, other).cannot_tell == ["b"]
    assert two(wide, other, paired=True).worse == ["b"]


def test_what_lies_within_the_margin_is_a_tie_and_the_margin_is_a_share_of_the_baseline():
    other = DRAWN + 0.03
    assert two(DRAWN, other, margin=0.02).ties == ["b"]
    assert two(DRAWN, other, margin=0.02).margin == pytest.approx(0.02 * BASE)
    assert two(DRAWN, other, margin=0.002, paired=True).worse == ["b"]


@pytest.mark.parametrize("paired", [False, True])
def test_with_few_runs_nothing_is_told_apart(paired):
    found = two(DRAWN[:8], DRAWN[:8] + 0.5, paired=paired)
    assert (found.best, found.cannot_tell, found.needed) == ("a", ["b"], 9)
    assert "It takes at least 9 runs of each to tell." in str(found)
    assert two(DRAWN[:9], DRAWN[:9] + 0.5, paired=paired).worse == ["b"]


def test_a_scheme_with_few_runs_leaves_the_others_as_they_are():
    found = compare_losses({"a": DRAWN, "b": DRAWN[:3] + 0.3, "c": DRAWN + 0.3}, baseline=BASE)
    assert (found.cannot_tell, found.worse) == (["b"], ["c"])


@pytest.mark.parametrize("bad", [math.nan, math.inf, None, 7.0, 0.96 * BASE])
def test_a_run_that_failed_counts_with_the_baseline_at_most(bad):
    found = two(DRAWN, [*DRAWN[:11], bad])
    row = found.table.set_index("scheme").loc["b"]
    assert row.failed_runs == 1
    assert row.mean_loss == pytest.approx(
        (DRAWN[:11].sum() + min(BASE, bad if bad and bad < BASE else BASE)) / 12
    )
    assert "Some runs failed: b (1 of 12)." in str(found)


def test_a_scheme_that_is_no_better_than_guessing_has_failed():
    found = two(DRAWN, [BASE] * 12)
    assert (found.best, found.failed) == ("a", ["b"])
    none = two([BASE] * 3, [math.nan] * 2)
    assert (none.best, none.failed) == (None, ["a", "b"])
    assert str(none) == "No scheme is better than the baseline."


def test_a_best_scheme_that_may_fail_more_often_than_was_seen_leaves_the_answer_open():
    noise = numpy_stream("test", "own-losses", "thirty").normal(0, 0.01, 30)
    sound, other = 0.5 + noise, 0.57 - noise
    found = compare_losses({"a": [*sound[:29], math.nan], "b": other}, baseline=1.0)
    assert found.table.p_value[1] < 0.05
    assert found.table.difference_low[1] > 0
    assert (found.best, found.cannot_tell) == ("a", ["b"])
    assert compare_losses({"a": sound, "b": other}, baseline=1.0).worse == ["b"]


def test_paired_numbers_are_those_of_a_study():
    losses = {"a": DRAWN, "b": DRAWN + 0.02 + NOISE, "c": DRAWN + 0.4 - NOISE}
    thresholds = _thresholds(BASE, 0.01, 0.05)
    runs = {name: _runs(values, thresholds) for name, values in losses.items()}
    rows = {row.scheme: row for row in compare_with("validation", "a", runs, thresholds)}
    table = compare_losses(losses, baseline=BASE, paired=True).table.set_index("scheme")
    for name, row in rows.items():
        told = table.loc[name]
        assert told.difference == row.mean_difference
        assert (told.difference_low, told.difference_high) == (row.low, row.high)
        assert told.p_value == row.p_holm


def test_comparisons_are_counted():
    one = two(DRAWN, DRAWN + 0.03).table.p_value[1]
    others = {f"x{i}": DRAWN + 0.03 + i * 1e-4 for i in range(5)}
    many = compare_losses({"a": DRAWN, "b": DRAWN + 0.03, **others}, baseline=BASE).table
    assert many.set_index("scheme").p_value["b"] > one


def test_the_order_of_unpaired_runs_says_nothing():
    assert two(DRAWN, DRAWN[::-1] + 0.03).table.equals(two(DRAWN[::-1], DRAWN + 0.03).table)


@pytest.mark.parametrize("kind", [list, tuple, np.array, torch.tensor, pd.Series])
def test_losses_may_come_as_any_sequence(kind):
    losses = {"a": kind([0.5, 0.6]), "b": kind([0.7, 0.8])}
    assert compare_losses(losses, baseline=BASE).best == "a"


def test_a_data_frame_has_a_column_per_scheme_and_what_pandas_calls_missing_failed():
    table = pd.DataFrame({"a": DRAWN, "b": DRAWN + 0.2}).astype("Float64")
    table.loc[3, "b"] = pd.NA
    found = compare_losses(table, baseline=BASE)
    assert (found.best, found.table.failed_runs.tolist()) == ("a", [0, 1])
    assert found.table.equals(two(DRAWN, table.b.astype(float)).table)


@pytest.mark.parametrize("unit", [1e-90, 1e99])
def test_the_unit_of_the_losses_says_nothing(unit):
    losses = {"a": DRAWN * unit, "b": (DRAWN + 0.2 + NOISE) * unit}
    for paired in (False, True):
        found = compare_losses(losses, baseline=BASE * unit, paired=paired)
        assert (found.best, found.worse) == ("a", ["b"])


GOOD = {"a": [0.1, 0.2], "b": [0.3, 0.4]}


@pytest.mark.parametrize(
    ("losses", "more", "told"),
    [
        ([0.1, 0.2], {}, r"losses: received \[0.1, 0.2\]. Give the losses of at least two"),
        ({"a": [0.1, 0.2]}, {}, "at least two schemes"),
        (GOOD | {"b": [0.3]}, {}, r"losses\['b'\]: received \[0.3\]. Give at least two losses"),
        (GOOD | {"b": "12"}, {}, r"losses\['b'\]: received '12'"),
        (GOOD | {"b": ["0.1", "0.2"]}, {}, r"losses\['b'\]"),
        (GOOD | {"b": {0.1: 1, 0.2: 2}}, {}, r"losses\['b'\]"),
        (GOOD | {"b": 0.3}, {}, r"losses\['b'\]: received 0.3"),
        (GOOD | {"b": [[0.1, 0.2], [0.3]]}, {}, r"losses\['b'\]"),
        (GOOD | {"b": [0.1, -0.2]}, {}, "numbers of 0 or more"),
        (GOOD | {"b": [0.1, -math.inf]}, {}, "numbers of 0 or more"),
        (GOOD | {"b": [1 + 1j, 2]}, {}, r"losses\['b'\]"),
        (GOOD | {"b": [True, False]}, {}, r"losses\['b'\]: received \[True, False\]"),
        (GOOD | {"b": [0.1, True]}, {}, r"losses\['b'\]"),
        (GOOD | {"b": {0.1, 0.2}}, {}, r"losses\['b'\]"),
        (GOOD | {"b": b"12"}, {}, r"losses\['b'\]: received b'12'"),
        (GOOD | {"b": [0.1, 10**400]}, {}, r"losses\['b'\]"),
        (GOOD | {"b": np.eye(3)}, {}, r"received a ndarray of shape \(3, 3\)\. Give at least"),
        (GOOD | {"b": pd.Series(["x", "y"])}, {}, r"received a Series of shape \(2,\)"),
        (GOOD | {"b": pd.DataFrame({"x": [1.0]})}, {}, r"received a DataFrame of shape \(1, 1\)"),
        (pd.Series([0.1, 0.2]), {}, r"losses: received a Series of shape \(2,\)"),
        ({1: [0.1, 0.2], "1": [0.1, 0.3], "b": [0.1, 0.2]}, {}, r"received the name 1\. Give"),
        (GOOD | {" ": [0.1, 0.2]}, {}, r"received the name ' '\. Give each scheme a text"),
        (pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]), {}, "received the name 'a' twice"),
        (GOOD, {"paired": "no"}, r"paired: received 'no'\. Give True or False"),
        (GOOD, {"baseline": 1e300}, r"baseline: received 1e\+300\. Give .* and below 1e\+100"),
        (GOOD, {"baseline": 10**400}, "baseline: received 1000"),
        (GOOD | {"b": [0.1] * 3}, {"paired": True}, r"numbers differ \(a 2, b 3\)"),
        (GOOD, {"baseline": math.nan}, "baseline: received nan. Give a number above 0"),
        (GOOD, {"baseline": math.inf}, "baseline: received inf"),
        (GOOD, {"baseline": 0}, "baseline: received 0"),
        (GOOD, {"baseline": True}, "baseline: received True"),
        (GOOD, {"baseline": "he"}, "baseline: received 'he'"),
        (GOOD, {"margin": 0}, "margin: received 0. Give a number above 0 and below 1"),
        (GOOD, {"alpha": 1}, "alpha: received 1"),
    ],
)
def test_what_cannot_be_meant_is_one_line(losses, more, told):
    with pytest.raises(ValueError, match=told) as caught:
        compare_losses(losses, **({"baseline": BASE} | more))
    assert isinstance(caught.value, InitsweepError)
    assert "\n" not in str(caught.value)
