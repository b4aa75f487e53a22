import pytest

from initsweep.records import Schema
from initsweep.starting import budget as budgets
from initsweep.starting.timing import Speed
from tests.tracking.synthetic_study import make_study


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


def test_time_follows_the_number_of_steps():
    speed = Speed(step=0.5, call=3.0)
    small = budgets.Work(schemes=2, trainings=10, steps=100, calls=4)
    large = budgets.Work(schemes=2, trainings=10, steps=300, calls=4)
    assert speed.seconds(large) - speed.seconds(small) == pytest.approx(0.5 * 10 * 200)
