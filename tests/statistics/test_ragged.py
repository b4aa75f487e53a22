"""What is measured where rates left a race, so that they have fewer seeds than others."""

import pytest

from initsweep.statistics.alternatives import alternatives
from initsweep.statistics.grid import filled, grid_runs
from initsweep.statistics.sensitivity import points_of
from initsweep.statistics.verdict import compare
from tests.statistics.study_builder import (
    DECIDE,
    PROVENANCE,
    SCHEMA,
    THRESHOLDS,
    curve_runs,
    evidence,
)

RACED = {0.001: [0.9], 0.01: [0.4, 0.2], 0.1: [0.3, 0.1, 0.2], 1.0: [None]}


def test_a_rate_is_as_far_behind_the_best_as_on_its_own_seeds():
    table = filled([{0: 0.5}, {0: 0.3, 1: 0.1, 2: 0.2}, {0: 0.8, 1: 0.4}], [0, 1, 2])
    assert table[0] == pytest.approx([0.5, 0.3, 0.4])
    assert table[1].tolist() == [0.3, 0.1, 0.2]
    assert table[2] == pytest.approx([0.8, 0.4, 0.6])


def test_nothing_is_filled_in_above_the_highest_loss_seen_or_below_none():
    assert filled([{0: 0.2, 1: 0.9}, {0: 1.0}], [0, 1])[1].tolist() == [1.0, 1.0]
    assert filled([{0: 0.2, 1: 0.1}, {0: 0.0}], [0, 1])[1].tolist() == [0.0, 0.0]


def test_a_rate_without_a_common_seed_keeps_its_mean():
    assert filled([{1: 0.2, 2: 0.4}, {0: 0.5}], [1, 2])[1].tolist() == [0.5, 0.5]


def test_failures_are_repeated_as_seen():
    found = grid_runs(curve_runs(RACED), THRESHOLDS)
    assert found.losses.shape == (4, 3)
    assert found.diverged.tolist() == [[False] * 3, [False] * 3, [False] * 3, [True] * 3]
    assert [len(point.losses) for point in points_of(curve_runs(RACED), THRESHOLDS)] == [1, 2, 3, 1]


def ragged(scheme, best):
    grid = {**RACED, 0.1: [best, best, best]}
    return evidence(scheme, [best] * 10, grid)


def test_a_comparison_shows_who_left_and_stays_consistent():
    found = compare([ragged("a", 0.1), ragged("b", 0.2)], SCHEMA, DECIDE, PROVENANCE)
    assert [row.seeds for row in found.response if row.scheme == "a"] == [1, 2, 3, 1]
    assert [row.runs for row in found.divergence if row.scheme == "a"] == [1, 2, 3, 1]
    for row in found.response:
        assert row.low <= row.mean_loss <= row.high
    for row in found.quantities:
        assert (row.low or 0.0) <= row.estimate <= (row.high or row.estimate)
    said = "a (2 rates after 1 seed, 1 rate after 2 seeds)"
    assert any(said in caveat for caveat in found.verdict.caveats)
    assert not any("There is one tuning seed" in caveat for caveat in found.verdict.caveats)


def test_the_decision_is_made_again_without_the_seed_that_some_rates_alone_have():
    rows = alternatives([ragged("a", 0.1), ragged("b", 0.2)], SCHEMA, DECIDE)
    left_out = [row.setting for row in rows if row.question == "without tuning seed"]
    assert left_out == ["0", "1", "2"]
    assert {row.pick for row in rows} == {"a"}
