"""Contests: every scheme at its own best rate, and what several comparisons say together."""

import numpy as np
import pytest

from initclaims.laboratory import contest, rates
from initclaims.laboratory.lab import Lab, Setup
from initclaims.laboratory.runs import Runs
from initclaims.laboratory.table import Measurement, Table
from initsweep.core.records import Interval


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Lab("test", "quick", code_sha="code", claim_sha="")


NAN = float("nan")


def runs(rates, raw, scores=None):
    """Return one run per rate that ended with these raw losses, NaN where it diverged."""
    ends = np.array(raw, dtype=float)[:, None, None]
    losses = np.fmin(ends, 2.3)
    found = losses if scores is None else np.array(scores, dtype=float)[:, None, None]
    return Runs(
        label="s", rates=tuple(rates), seeds=(0,), losses=losses, scores=found,
        raw_losses=ends, train_losses=ends, diverged=np.isnan(ends[..., 0]), states=[],
        constant_loss=2.3, guessed_score=0.1, engine="none",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ([1.0, 0.5, 1.0], None),
        ([0.5, 1.0, 1.5], 0.003),
        ([1.5, 1.0, 0.5], 0.3),
    ],
)
def test_the_grid_grows_at_the_edge_that_the_best_rate_lies_at(ends, expected):
    assert rates.next_rate(runs((0.01, 0.03, 0.1), ends)) == expected


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ([NAN, NAN, NAN], 0.003),  # every rate is too large
        ([NAN, 2.31, 2.31], 0.003),  # larger rates kill the network instead
        ([50.0, NAN, NAN], 0.003),
        ([2.3, 2.3, 2.3], 0.3),  # nothing has moved yet
        ([2.31, 2.31, 2.31], 0.3),  # an untrained network is a little worse than guessing
        ([2.31, 2.31, NAN], None),  # nothing below learns and nothing above survives
    ],
)
def test_where_nothing_learns_the_grid_grows_away_from_what_fails(ends, expected):
    assert rates.next_rate(runs((0.01, 0.03, 0.1), ends)) == expected


def test_by_score_rates_are_told_apart_whose_losses_reach_the_cap():
    sure_of_errors = runs((0.01, 0.03, 0.1), [9.0, 9.0, 9.0], scores=[0.12, 0.8, 0.7])
    assert sure_of_errors.best() == 0.01
    assert sure_of_errors.best("score") == 0.03
    assert not rates.learns(sure_of_errors)
    assert rates.learns(sure_of_errors, "score")
    assert rates.next_rate(sure_of_errors, "score") is None
    rising = runs((0.01, 0.03, 0.1), [9.0, 9.0, 9.0], scores=[0.12, 0.7, 0.8])
    assert rates.next_rate(rising, "score") == 0.3
    assert not rates.learns(runs((0.01,), [9.0], scores=[0.13]), "score")


@pytest.mark.parametrize("start", [0.01, 0.3, 0.03, 1e-4])
def test_half_decades_are_ones_and_threes(start):
    grid = (1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
    place = grid.index(start)
    for step in (-4, -2, -1, 0, 1, 2):
        assert rates.half_decade(start, step) == grid[place + step]


def test_a_joined_grid_finds_the_best_of_both():
    both = runs((0.01, 0.03), (0.5, 1.0)).joined(runs((0.003,), (0.4,)))
    assert both.best_rate == 0.003
    assert both.losses.shape == (3, 1, 1)


def test_a_search_that_begins_too_low_ends_inside_its_grid(lab):
    setup = Setup(data=lab.data("wine"), network=lab.mlp(1, 16), epochs=30, batch_size=16)
    tuned = contest.tune(lab, setup, "he_normal", (0.001, 0.003), seeds=(1, 2))
    assert tuned.rate > 0.003
    assert rates.next_rate(tuned.response) is None


def test_a_search_that_begins_where_all_diverge_goes_down_until_something_learns(lab):
    setup = Setup(data=lab.data("wine"), network=lab.mlp(1, 16), epochs=30, batch_size=16)
    response = contest.respond(lab, setup, "he_normal", (3.0, 10.0), seeds=1)
    assert rates.learns(response)
    assert min(response.rates) < response.best_rate < 3


def test_a_scheme_that_learns_at_no_rate_is_given_up_and_reported(lab):
    setup = Setup(data=lab.data("wine"), network=lab.mlp(2, 8), epochs=2, batch_size=32)
    rows = contest.contest(lab, setup, {"zeros": "zeros"}, seeds=(1, 1), rates=(0.001,))
    table = Table(rows)
    assert table.values(contest.NOTHING, "zeros") == [1.0]
    assert table.values(contest.EDGE, "zeros") == [0.0]
    assert table.values(contest.TO, "zeros") == [1.0]  # six half decades up
    (effect,) = contest.edges(table)
    assert effect.name == "zeros: learned at no rate tried (0.001 to 1); its best loss"
    assert effect.value.estimate == pytest.approx(1.1, abs=0.05)


def test_what_learns_inside_its_grid_is_not_worth_a_word(lab):
    setup = Setup(data=lab.data("wine"), network=lab.mlp(1, 16), epochs=10, batch_size=16)
    rows = contest.contest(lab, setup, {"He": "he_normal"}, seeds=(1, 1), by="score")
    assert contest.edges(Table(rows)) == []
    assert contest.best_arm(Table(rows), ["He"], by="score") == "He"


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
