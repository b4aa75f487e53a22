import time
from dataclasses import replace

import pytest
import torch

from initsweep.core.progress import minutes
from initsweep.core.records import Schema
from initsweep.running import forks
from initsweep.stages import prepare
from initsweep.stages.experiment import load_experiment
from initsweep.starting import announcements as telling
from initsweep.starting import time_budget as budgets
from initsweep.starting import timing
from initsweep.starting.timing import Speed
from tests.views.mlflow.synthetic_study import make_study


@pytest.fixture
def schema() -> Schema:
    return make_study(["he_normal"]).schema


def work(small_params, schema, budget):
    params = small_params({"schemes": list(budgets.CORE)})
    return budgets.work_of(budgets.planned(params, budget), schema)


@pytest.mark.parametrize("rows", [20, 700, 6_000, 300_000])
def test_every_budget_has_fresh_seeds_enough_for_a_winner_and_less_work_than_the_last(
    rows, small_params, schema
):
    found = list(budgets.budgets(rows))
    assert all(one.fresh_seeds >= budgets.FEWEST_FRESH_SEEDS for one in found)
    assert all(one.epochs >= 1 and one.points >= 5 for one in found)
    trained = [work(small_params, schema, one) for one in found]
    totals = [one.trainings * one.steps for one in trained]
    assert totals == sorted(totals, reverse=True)
    assert totals[-1] < totals[0] / 20


def test_the_most_thorough_budget_that_fits_is_taken():
    usual, *_ = list(budgets.budgets(700))[1:]
    cost = {budget: 60.0 * place for place, budget in enumerate(reversed([*budgets.budgets(700)]))}
    seconds = cost.__getitem__
    assert budgets.choose(700, 1000, seconds, thorough=False) == usual
    assert budgets.choose(700, 1000, seconds, thorough=True).fresh_seeds == 20
    assert seconds(budgets.choose(700, 3.5, seconds, thorough=True)) == 180
    assert budgets.choose(700, 1e-6, lambda _: 1.0, thorough=True).fresh_seeds == 9


@pytest.mark.parametrize(("rows", "batch"), [(5, 5), (700, 32), (6_000, 128), (300_000, 256)])
def test_batches_grow_with_the_data(rows, batch):
    assert budgets.batch_size(rows) == batch
    assert budgets.steps_per_epoch(rows, batch) == rows // batch


def all_of(batches) -> budgets.Work:
    made = tuple(budgets.Batch(lanes=lanes, count=count) for lanes, count in batches)
    return budgets.Work(schemes=2, steps=100, batches=made, judged=6)


def test_time_follows_the_number_of_steps():
    speed = Speed(step=0.5, call=3.0)
    small = all_of([(10, 1)])
    large = replace(small, steps=300)
    assert speed.seconds(large) - speed.seconds(small) == pytest.approx(0.5 * 10 * 200)


def test_workers_share_a_batch_and_the_last_round_may_be_half_empty():
    one, two = Speed(step=0.5, call=0.0), Speed(step=0.5, call=0.0, workers=2)
    rounds = (one.seconds(all_of([(9, 1)])) - two.seconds(all_of([(9, 1)]))) / (0.5 * 100)
    assert rounds == pytest.approx(9 - 5)
    expected = one.seconds(all_of([(8, 0.5)])) - one.seconds(all_of([]))
    assert expected == pytest.approx(0.5 * 8 * 0.5 * 100)


def test_networks_are_judged_and_looked_at():
    idle = Speed(step=0.0, call=0.0)
    assert replace(idle, test=2.0).seconds(all_of([])) - idle.seconds(all_of([])) == 12
    assert replace(idle, look=2.0).seconds(all_of([])) - idle.seconds(all_of([])) == 4


def test_what_is_planned_counts_every_training(small_params, schema):
    params = small_params({"tune.refinement_trials": 6, "tune.grid.points": 5})
    work = budgets.work_of(params, schema)
    # 2 schemes on 2 tuning seeds: 5 rates, half a decade more, 6 refinements; 3 fresh at 2 rates
    assert work.trainings == 2 * (2 * (5 + 1 + 6) + 2 * 3)
    assert work.judged == 12


def test_a_race_is_expected_to_train_less_seed_by_seed(small_params, schema):
    changes = {"tune.strategy": "racing", "tune.seeds": [0, 1, 2], "tune.grid.points": 9}
    work = budgets.work_of(small_params(changes), schema)
    # 2 schemes: 9 rates, then 6, then 3; half of 4 more, then 3, then 3; two refined; 3 fresh twice
    assert work.trainings == 2 * (9 + 6 + 3 + 0.5 * (4 + 3 + 3) + 2 * 3 + 2 * 3)


def spent(*rounds: tuple[float, float]) -> list[timing.Used]:
    return [timing.Used(elapsed=elapsed, alone=alone) for elapsed, alone in rounds]


def test_other_work_counts_by_the_quietest_round_and_within_bounds():
    assert timing._busy(spent((9.0, 1.0), (1.5, 1.0), (4.0, 1.1))) == pytest.approx(1.5)
    assert timing._busy(spent((40.0, 1.0))) == timing.MOST_BUSY
    assert timing._busy(spent((0.9, 1.0))) == 1.0


@pytest.mark.parametrize(
    ("elapsed", "processor", "how", "alone"),
    [
        (3.0, 2.0, {}, 2.0),  # other work beside it
        (1.5, 6.0, {}, 1.5),  # on more threads than was known
        (4.0, 6.0, {"cores": 3}, 2.0),
        (5.0, 0.1, {"on_cpu": False}, 5.0),
    ],
)
def test_time_is_that_of_a_machine_of_one_s_own(monkeypatch, elapsed, processor, how, alone):
    clock = {"now": 0.0}
    monkeypatch.setattr(timing.time, "process_time", lambda: clock["now"] * processor)
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock["now"] * elapsed)
    used = timing._used(lambda: clock.update(now=1.0), **how)
    assert used == timing.Used(elapsed=elapsed, alone=alone)


def test_what_workers_compute_is_counted_though_they_are_processes():
    def work(number):
        end = time.process_time() + 0.2
        while time.process_time() < end:
            pass
        return b""

    assert timing._used(lambda: list(forks.each(work, 2, 2))).alone > 0.2


def test_threads_do_not_shorten_what_a_graphics_card_computes(monkeypatch, small_params, tmp_path):
    monkeypatch.chdir(tmp_path)
    params = small_params()
    prepare.run(params)
    clock = {"now": 0.0}

    def train(experiment, problem, lanes, epochs):
        clock["now"] += 0.5 + 0.25 * epochs

    monkeypatch.setattr(timing, "_train", train)
    monkeypatch.setattr(timing, "_workers", lambda experiment, problem: 1)
    monkeypatch.setattr(timing, "resolve_device", lambda name: torch.device("cuda"))
    monkeypatch.setattr(timing.os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr(timing.time, "process_time", lambda: 0.0)
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock["now"])
    found = []
    for threads in (1, 4):
        runtime = params.runtime.model_copy(update={"threads": threads})
        experiment = load_experiment(params.model_copy(update={"runtime": runtime}))
        found.append(timing.measure(experiment, "he_normal"))
    assert found[0] == found[1]
    assert found[0].call == 0.5
    assert found[0].busy == 1.0


def test_other_work_changes_neither_the_step_nor_the_plan(monkeypatch, small_params, tmp_path):
    """Elapsed time runs ten times as fast as the clock that counts the processor's."""
    monkeypatch.chdir(tmp_path)
    params = small_params()
    prepare.run(params)
    experiment = load_experiment(params)
    clock = {"processor": 0.0, "slow": 1.0}

    def train(experiment, problem, lanes, epochs):
        clock["processor"] += 0.5 + 0.25 * epochs

    monkeypatch.setattr(timing, "_train", train)
    monkeypatch.setattr(timing.time, "process_time", lambda: clock["processor"])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock["processor"] * clock["slow"])
    quiet = timing.measure(experiment, "he_normal")
    clock["slow"] = 10.0
    busy = timing.measure(experiment, "he_normal")
    assert (quiet.busy, busy.busy) == (1.0, timing.MOST_BUSY)
    assert busy.step == pytest.approx(quiet.step)
    assert busy.call == pytest.approx(quiet.call) == 0.5
    steps = budgets.steps_per_epoch(min(106, 8 * 32), 32)
    assert quiet.step == pytest.approx(0.25 / steps / timing.LANES)


def test_a_study_that_had_to_shrink_says_so(small_params, schema):
    rows = schema.rows["train"]
    params = small_params({"schemes": list(budgets.CORE)})
    usual = budgets.planned(params, budgets.usual(rows))
    least = budgets.planned(params, list(budgets.budgets(rows))[-1])

    def limits(planned, minutes):
        return telling.limits(
            planned, usual, schema, lambda plan: 60.0 * len(plan.schemes), minutes
        )

    assert limits(usual, 9.0) == []
    reduced, few, over = limits(least, 2.0)
    assert reduced.startswith("REDUCED to fit into 2 minutes: the usual study")
    assert f"({budgets.work_of(usual, schema).steps} steps)" in reduced
    assert "--minutes 9" in reduced
    assert few.startswith(
        f"WARNING: only {budgets.work_of(least, schema).steps} steps per training"
    )
    assert over.startswith("WARNING: that is more than the 2 minutes")


def test_the_estimate_says_what_other_work_makes_of_it():
    assert "if this machine does nothing else; measured just now" in telling.estimate(300.0, 1.1)
    assert "so about 10 minutes if that goes on" in telling.estimate(300.0, 2.0)
    assert minutes(89.0) == "about 89 seconds"
    assert minutes(100.0) == "about 1.5 minutes"
    assert minutes(1000.0) == "about 17 minutes"
