import math

import pytest

from initsweep.statistics import racing
from tests.stages.test_tuning import run, settings, valley

SEEDS = (3, 0, 7, 1, 5)


def runs(*losses):
    return [[(loss, loss) for loss in of_one] for of_one in losses]


def left(rates, constant=1.0):
    return [place for place in range(len(rates)) if not racing.goes_on(rates, place, constant)]


def test_one_seed_sends_home_only_what_is_far_behind():
    # The best on one seed may fail on the next, and must not take the others down with it.
    assert left(runs([0.0], [0.19], [0.21])) == [2]
    assert left(runs([0.0], [0.19], [0.21]), constant=0.9) == [1, 2]


def test_with_more_seeds_who_is_clearly_behind_leaves_and_at_most_three_go_on():
    assert left(runs([0.0, 0.3], [0.1, 0.1], [0.14, 0.14], [0.2, 0.2])) == [3]
    assert left(runs(*[[0.1 + place / 1000] * 2 for place in range(5)])) == [3, 4]


def test_a_rate_is_compared_on_its_own_seeds_and_new_ones_may_enter_late():
    assert left(runs([0.2, 0.0, 0.0], [0.3], [])) == []
    assert left(runs([0.2, 0.0, 0.0], [0.3, 0.1])) == [1]


def test_where_all_are_no_better_than_a_constant_the_uncapped_loss_ranks():
    capped = [[(1.0, uncapped)] * 2 for uncapped in (9.0, math.inf, 5.0, 7.0, 6.0)]
    assert left(capped) == [0, 1]


def test_the_race_finds_the_valley_with_a_third_of_the_trainings():
    evaluate, announced = valley(0.018), []
    changes = {"seeds": SEEDS, "strategy": "racing"}
    study = run(evaluate, announce=announced.append, **changes)
    trained = sum(len(rates) for _, rates in evaluate.batches)
    assert (
        trained
        <= racing.trainings(settings(**changes))
        < racing.trainings(settings(seeds=SEEDS)) / 2.4
    )
    assert study.best.learning_rate == pytest.approx(10**-1.75, rel=1e-6)  # halfway
    assert [t.kind for t in study.trials].count("refinement") == 2
    assert {len(t.runs) for t in study.trials} == {1, 5}
    assert (9 + 2) * len(SEEDS) + sum(announced) == trained


def test_the_race_extends_the_grid_as_ever_and_counts_it():
    evaluate, announced = valley(5.0), []
    study = run(evaluate, seeds=SEEDS, strategy="racing", announce=announced.append)
    assert study.rates[-1] == 10.0
    trained = sum(len(rates) for _, rates in evaluate.batches)
    assert (9 + 2) * len(SEEDS) + sum(announced) == trained


def test_without_refinement_or_further_seeds_there_is_nothing_to_race_for():
    study = run(valley(0.02), seeds=(4,), strategy="racing", refinement_trials=0)
    assert len(study.trials) == 9
    assert racing.rungs(settings(seeds=(4,), strategy="racing"), 9) == [9]
