"""Contests: every scheme at its own best rate, and what several comparisons say together."""

import numpy as np
import pytest

from initsweep.laboratory import contest
from initsweep.laboratory.lab import Lab, Setup
from initsweep.laboratory.runs import Runs
from initsweep.laboratory.table import Measurement, Table
from initsweep.records import Interval


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Lab("test", "quick", "code", None)


def runs(rates, means):
    losses = np.array(means, dtype=float)[:, None, None]
    return Runs(
        label="s", rates=tuple(rates), seeds=(0,), losses=losses, scores=losses,
        raw_losses=losses, train_losses=losses, diverged=losses[..., 0] > 9, states=[],
        constant_loss=2.3, engine="none",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("means", "expected"),
    [
        ([1.0, 0.5, 1.0], None),
        ([0.5, 1.0, 1.5], 0.003),
        ([1.5, 1.0, 0.5], 0.3),
        ([2.3, 2.3, 2.3], None),
    ],
)
def test_the_grid_grows_at_the_edge_unless_nothing_learns(means, expected):
    assert contest.next_rate(runs((0.01, 0.03, 0.1), means)) == expected


def test_half_decades_are_ones_and_threes():
    assert [contest.half_decade(0.01, step) for step in (-2, -1, 0, 1, 2)] == [
        0.001,
        0.003,
        0.01,
        0.03,
        0.1,
    ]


def test_a_joined_grid_finds_the_best_of_both():
    both = contest.joined(runs((0.01, 0.03), (0.5, 1.0)), runs((0.003,), (0.4,)))
    assert both.best_rate == 0.003
    assert both.losses.shape == (3, 1, 1)


def test_a_search_that_begins_too_low_ends_inside_its_grid(lab):
    setup = Setup(data=lab.data("wine"), network=lab.mlp(1, 16), epochs=30, batch_size=16)
    tuned = contest.tune(lab, setup, "he_normal", (0.001, 0.003), seeds=(1, 2))
    assert tuned.rate > 0.003
    assert contest.next_rate(tuned.response) is None


def test_on_training_rows_the_training_loss_is_reported(lab):
    data = lab.data("wine")
    setup = Setup(data=data, network=lab.mlp(1, 16), epochs=2, batch_size=16)
    rows = contest.contest(
        lab, setup, {"He": "he_normal"}, seeds=(1, 2), rates=(0.01,), on_training_rows=True
    )
    table = Table(rows)
    assert len(table.values(contest.TRAIN, "He")) == 2
    assert contest.LOSS not in {row.quantity for row in rows}
    whole = contest.seen(data)
    assert whole.splits["test"] is data.train
    assert whole.name != data.name


@pytest.mark.parametrize(
    ("parts", "answer"),
    [
        ([True, True], "supported"),
        ([False, False], "refuted"),
        ([True, False, None], "depends"),
        ([True, None], "cannot tell"),
        ([False, None], "cannot tell"),
    ],
)
def test_several_comparisons_make_one_verdict(parts, answer):
    assert contest.verdict(parts) == answer


def test_an_interval_about_the_margin_is_open():
    assert contest.beyond(Interval(low=0.2, estimate=0.3, high=0.4), 0.1) is True
    assert contest.beyond(Interval(low=0.0, estimate=0.1, high=0.2), 0.1) is None
    assert contest.within(Interval(low=0.0, estimate=0.01, high=0.02), 0.1) is True
    assert contest.all_of([True, None]) is None
    assert contest.all_of([None, False]) is False


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(-0.05, 0.05, True), (0.2, 0.3, False), (-0.3, -0.2, False), (0.05, 0.2, None)],
)
def test_close_looks_at_both_sides(low, high, expected):
    difference = Interval(low=low, estimate=(low + high) / 2, high=high)
    assert contest.close(difference, 0.1) is expected


def test_runs_that_are_missing_are_left_out_of_both_arms():
    def measured(arm, values):
        return [
            Measurement(arm=arm, quantity="q", setting=0.0, seed=seed, value=value)
            for seed, value in values.items()
        ]

    first = measured("a", {seed: seed + 1.0 for seed in range(6)})
    second = measured("b", {seed: float(seed) for seed in range(1, 9)})
    difference = contest.common_difference(Table(first + second), "q", "a", "b")
    assert difference == Interval(low=1.0, estimate=1.0, high=1.0)
    assert contest.common_difference(Table(first[:4] + second), "q", "a", "b") is None
