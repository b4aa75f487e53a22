import itertools
import math

import pytest
import torch

from initsweep.engine.schedules import rate_factor


@pytest.mark.parametrize("total", [1, 7, 40])
def test_constant_without_warm_up_is_one(training, total):
    assert [rate_factor(training(), step, total) for step in range(total)] == [1.0] * total


def test_warm_up_is_linear_and_ends_at_one(training):
    settings = training(warmup_fraction=0.2)
    factors = [rate_factor(settings, step, 20) for step in range(20)]
    assert factors == [0.25, 0.5, 0.75, 1.0] + [1.0] * 16


def test_cosine_is_that_of_torch(training):
    settings = training(schedule="cosine")
    weight = torch.zeros(1, requires_grad=True)
    updater = torch.optim.SGD([weight], lr=1.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(updater, T_max=25)
    for step in range(25):
        expected = updater.param_groups[0]["lr"]
        assert rate_factor(settings, step, 25) == pytest.approx(expected, abs=1e-12)
        updater.step()
        schedule.step()


def test_linear_is_that_of_torch_after_a_warm_up(training):
    settings = training(schedule="linear", warmup_fraction=0.2)
    weight = torch.zeros(1, requires_grad=True)
    updater = torch.optim.SGD([weight], lr=1.0)
    schedule = torch.optim.lr_scheduler.LinearLR(updater, 1.0, 0.0, total_iters=20)
    assert [rate_factor(settings, step, 25) for step in range(5)] == [0.2, 0.4, 0.6, 0.8, 1.0]
    for step in range(5, 25):
        expected = updater.param_groups[0]["lr"]
        assert rate_factor(settings, step, 25) == pytest.approx(expected, abs=1e-12)
        updater.step()
        schedule.step()


def test_wsd_warms_up_stays_and_falls_by_the_root_in_the_end(training):
    settings = training(schedule="wsd", warmup_fraction=0.2, decay_fraction=0.4)
    factors = [rate_factor(settings, step, 10) for step in range(10)]
    assert factors == [0.5, *[1.0] * 6, *(1 - math.sqrt(done / 4) for done in (1, 2, 3))]


@pytest.mark.parametrize("total", [1, 2, 3])
@pytest.mark.parametrize("schedule", ["linear", "wsd"])
def test_no_run_is_too_short_for_a_schedule(training, schedule, total):
    settings = training(schedule=schedule, warmup_fraction=0.6, decay_fraction=0.4)
    factors = [rate_factor(settings, step, total) for step in range(total)]
    assert all(0 < factor <= 1 for factor in factors)


def test_cosine_after_warm_up_starts_at_one_and_would_end_at_zero(training):
    settings = training(schedule="cosine", warmup_fraction=0.25)
    factors = [rate_factor(settings, step, 16) for step in range(16)]
    assert factors[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert factors[10] == pytest.approx(0.5)
    assert factors[15] == pytest.approx(0.5 * (1 + math.cos(math.pi * 11 / 12)))
    assert all(later < earlier for earlier, later in itertools.pairwise(factors[4:]))


def test_warm_up_may_round_to_the_whole_run(training):
    settings = training(schedule="cosine", warmup_fraction=0.9)
    assert [rate_factor(settings, step, 2) for step in range(2)] == [0.5, 1.0]
