import math

import pytest

from initsweep.core.params import Grid, Tune
from initsweep.stages.tuning import Study


def settings(**changes) -> Tune:
    values = {
        "seeds": (0, 1),
        "grid": Grid(low=1e-4, high=1.0, points=9),
        "extension_rounds": 2,
        "refinement_trials": 8,
        "sampler_seed": 0,
        "retunes": 0,
        "strategy": "full",
    }
    return Tune(**{**values, **changes})


def valley(best: float):
    """A bowl in log10 of the rate, lowest at `best`, that remembers what it was asked."""
    batches = []

    def evaluate(kind, batch, seeds):
        batches.append((kind, [rate for _, rate in batch]))
        return [[(abs(math.log10(rate / best)),) * 2] * len(seeds) for _, rate in batch]

    evaluate.batches = batches
    return evaluate


def run(evaluate, seed=0, announce=lambda _: None, **changes):
    tune = settings(**changes)
    study = Study(tune, evaluate, seed, seeds=tune.seeds, constant=1.0, announce=announce)
    study.run()
    return study


def test_the_grid_is_asked_exactly_and_first():
    study = run(valley(0.02))
    grid = [trial.learning_rate for trial in study.trials[:9]]
    assert grid == [settings().grid.rate(i) for i in range(9)]
    assert {trial.kind for trial in study.trials[:9]} == {"grid"}
    assert [trial.number for trial in study.trials] == list(range(17))


def test_refinement_stays_in_range_and_comes_closer_than_the_grid():
    study = run(valley(0.018))
    refined = [t for t in study.trials if t.kind == "refinement"]
    assert len(refined) == 8
    assert all(1e-4 <= t.learning_rate <= 1.0 for t in refined)
    assert study.best.loss < min(t.loss for t in study.trials if t.kind == "grid")


def test_the_same_seed_asks_the_same_rates_and_another_does_not():
    rates = [[t.learning_rate for t in run(valley(0.02), seed).trials] for seed in (1, 1, 2)]
    assert rates[0] == rates[1]
    assert rates[0] != rates[2]


@pytest.mark.parametrize(("best", "expected"), [(30.0, 100.0), (5.0, 10.0)])
def test_a_best_rate_on_the_upper_edge_extends_the_grid(best, expected):
    study = run(valley(best), refinement_trials=0)
    assert study.rates[-1] == expected
    extension = [t.learning_rate for t in study.trials if t.kind == "extension"]
    assert extension == [settings().grid.rate(i) for i in range(9, 9 + len(extension))]


def test_a_best_rate_on_the_lower_edge_extends_the_grid_downwards():
    study = run(valley(2e-5), refinement_trials=0)
    assert study.rates[0] == 1e-5
    assert study.best.learning_rate == pytest.approx(10**-4.5, rel=1e-9)


def test_the_extension_is_bounded():
    study = run(valley(1e9), refinement_trials=0)
    assert study.rates[-1] == 100.0
    assert study.best.learning_rate == 100.0
    assert run(valley(1e9), extension_rounds=0, refinement_trials=0).rates[-1] == 1.0


def test_batches_are_few_so_that_lanes_train_side_by_side():
    evaluate = valley(0.02)
    run(evaluate)
    assert [(kind, len(rates)) for kind, rates in evaluate.batches] == [
        ("grid", 9),
        ("refinement", 4),
        ("refinement", 4),
    ]


def test_equal_losses_choose_the_lower_rate():
    def evaluate(_, batch, seeds):
        return [[(1.0, 1.0)] * len(seeds)] * len(batch)

    study = run(evaluate, refinement_trials=0, extension_rounds=0)
    assert study.best.learning_rate == 1e-4


def test_rates_that_are_all_worse_than_a_constant_still_show_where_to_look():
    # Capped losses tie; without the cap, the loss falls towards higher rates until it explodes.
    def evaluate(_, batch, seeds):
        losses = [(2.3, math.inf if rate > 500 else 9 - math.log10(rate)) for _, rate in batch]
        return [[one] * len(seeds) for one in losses]

    study = run(evaluate, refinement_trials=0)
    assert study.rates[-1] == 100.0
    assert study.rates[0] == 1e-4
