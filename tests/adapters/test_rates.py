"""All rates of an optimizer and its schedule are multiplied by one factor."""

import pytest
import torch
from torch.optim import SGD, lr_scheduler

from initsweep.adapters.rates import set_rate
from initsweep.core.errors import RunError

SCHEDULES = {
    "none": lambda _: None,
    "cosine": lambda one: lr_scheduler.CosineAnnealingLR(one, 8, eta_min=0.001),
    "one cycle": lambda one: lr_scheduler.OneCycleLR(one, [0.04, 0.12], total_steps=10),
    "cyclic": lambda one: lr_scheduler.CyclicLR(one, 0.01, 0.04, step_size_up=3),
    "from zero": lambda one: lr_scheduler.LambdaLR(one, lambda step: min(1.0, step / 4)),
    "in turn": lambda one: lr_scheduler.SequentialLR(
        one,
        [lr_scheduler.LinearLR(one, 0.1, total_iters=3), lr_scheduler.StepLR(one, 2)],
        milestones=[3],
    ),
    "plateau": lambda one: lr_scheduler.ReduceLROnPlateau(one, patience=0, min_lr=0.002),
}


def made(schedule):
    first, second = torch.nn.Linear(2, 2).parameters()
    optimizer = SGD([{"params": [first]}, {"params": [second], "lr": 0.12}], lr=0.04, momentum=0.9)
    return optimizer, SCHEDULES[schedule](optimizer)


def course(optimizer, scheduler):
    found = []
    for _ in range(9):
        found.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        if scheduler is not None:
            takes_loss = isinstance(scheduler, lr_scheduler.ReduceLROnPlateau)
            scheduler.step(*([1.0] if takes_loss else []))
    return torch.tensor(found)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_keeps_its_course(schedule):
    optimizer, scheduler = made(schedule)
    set_rate([optimizer], [] if scheduler is None else [scheduler], 0.4)
    torch.testing.assert_close(course(optimizer, scheduler), 10 * course(*made(schedule)))


def test_without_a_group_at_the_rate_it_was_made_with_the_highest_one_counts():
    first, second = torch.nn.Linear(2, 2).parameters()
    optimizer = SGD([{"params": [first], "lr": 0.2}, {"params": [second], "lr": 0.1}])
    set_rate([optimizer], [], 0.02)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.02, 0.01])


def test_several_optimizers_keep_their_ratios():
    first, second = torch.nn.Linear(2, 2).parameters()
    both = SGD([first], lr=0.01), SGD([second], lr=0.1)
    schedulers = [lr_scheduler.StepLR(one, 5) for one in both]
    set_rate(both, schedulers, 0.3)
    assert [one.param_groups[0]["lr"] for one in both] == pytest.approx([0.03, 0.3])
    assert [one.base_lrs for one in schedulers] == [pytest.approx([0.03]), pytest.approx([0.3])]


def test_a_rate_of_zero_is_refused():
    with pytest.raises(RunError, match="rate 0"):
        set_rate([SGD(torch.nn.Linear(2, 2).parameters(), lr=0.0)], [], 0.3)
    set_rate([], [], 0.3)  # such as a module that trains nothing
