"""Stacks that run a plan: the derivatives that are written out, and what is not covered."""

import copy
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from initsweep.core.errors import PlanError
from initsweep.engine.plan_reading import read_plan
from initsweep.engine.plan_vocabulary import ACTIVATIONS
from initsweep.engine.planned import PlannedStack, check_stackable_plan
from initsweep.engine.stack import stacked_tensors

FUNCTIONS = {name: function for function, name in ACTIVATIONS.items() if callable(function)}
FUNCTIONS["steep"] = lambda x: functional.leaky_relu(x, 0.3)
FUNCTIONS["low"] = lambda x: functional.elu(x, 0.5)


class Tangle(nn.Module):
    """Every way in which values meet: read twice, added to themselves, dead ends, raw features."""

    def __init__(self, function=torch.tanh):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(6, 5), nn.Linear(5, 5), nn.Linear(5, 3)
        self.norm, self.function = nn.LayerNorm(5), function

    def forward(self, x):
        before = self.first(torch.relu(x))
        signal = self.function(before)
        signal = signal + self.norm(self.second(signal) + before)
        signal = signal + signal
        signal = (signal + self.function(signal)).flatten(1)
        return self.head(signal)


def problem_with(model, shape=(6,)):
    generator = torch.Generator().manual_seed(3)
    features = torch.randn(40, *shape, generator=generator, dtype=torch.float64)
    targets = torch.randn(40, 3, generator=generator, dtype=torch.float64)
    states = [
        {
            name: torch.randn(p.shape, generator=generator, dtype=torch.float64)
            for name, p in model.named_parameters()
        }
        for _ in range(3)
    ]
    return SimpleNamespace(model=model.double(), features=features, targets=targets, states=states)


def squares(outputs, targets):
    return (outputs - targets).square().mean((-1, -2))


def stack_of(problem, carry=0.0):
    plan = read_plan(problem.model, problem.features.shape[1:])
    check_stackable_plan(plan, problem.model)
    return PlannedStack(plan, *stacked_tensors(problem.model, problem.states), squares, carry)


def gradients_alone(problem, lane, rows):
    leaves = {k: v.clone().requires_grad_() for k, v in problem.states[lane].items()}
    outputs = functional_call(copy.deepcopy(problem.model), leaves, (problem.features[rows],))
    loss = squares(outputs, problem.targets[rows])
    return dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))


def check(problem, stack, rows):
    # The stack hands targets through to the loss: one number per example, here an index.
    stack._loss = lambda outputs, index: squares(outputs, problem.targets[index])
    stack.losses_and_gradients(problem.features, torch.arange(40), rows)
    for lane in range(3):
        for name, expected in gradients_alone(problem, lane, rows[lane]).items():
            torch.testing.assert_close(stack.gradients[name][lane], expected)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_are_those_of_autograd(name):
    problem = problem_with(Tangle(FUNCTIONS[name]))
    stack = stack_of(problem)
    for seed in range(3):  # memory is used again from the second step on
        rows = torch.randint(0, 40, (3, 16), generator=torch.manual_seed(seed))
        check(problem, stack, rows)


def test_images_may_be_flattened():
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 4), nn.ReLU(), nn.Linear(4, 3))
    problem = problem_with(model, shape=(3, 4))
    check(problem, stack_of(problem), torch.arange(30).view(3, 10))


@pytest.mark.parametrize("norm", [nn.BatchNorm1d, nn.LayerNorm])
def test_gradients_carry_a_share_of_the_last_ones(norm):
    model = nn.Sequential(nn.Linear(6, 5), norm(5), nn.ReLU(), nn.Linear(5, 3))
    problem = problem_with(model)
    stack = stack_of(problem, carry=0.9)
    stack._loss = lambda outputs, index: squares(outputs, problem.targets[index])
    first, second = torch.arange(30).view(3, 10), torch.arange(10, 40).view(3, 10)
    for rows in (first, second):
        stack.losses_and_gradients(problem.features, torch.arange(40), rows)
    for lane in range(3):
        old, new = (gradients_alone(problem, lane, rows[lane]) for rows in (first, second))
        for name in old:
            torch.testing.assert_close(stack.gradients[name][lane], 0.9 * old[name] + new[name])


def test_lanes_that_are_kept_go_on_as_they_were():
    model = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 3))
    problem, rows = problem_with(model), torch.arange(30).view(3, 10)
    stack = stack_of(problem, carry=0.5)
    stack._loss = lambda outputs, index: squares(outputs, problem.targets[index])
    index = torch.arange(40)
    stack.losses_and_gradients(problem.features, index, rows)
    kept = stack.keep(torch.tensor([2, 0]))
    stack.losses_and_gradients(problem.features, index, rows)
    kept.losses_and_gradients(problem.features, index, rows[[2, 0]])
    for name, value in stack.gradients.items():
        assert torch.equal(kept.gradients[name], value[[2, 0]])
    for old, new in zip([stack.states()[2], stack.states()[0]], kept.states(), strict=True):
        assert all(torch.equal(old[name], new[name]) for name in old)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.head = nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.head(self.inner(torch.relu(self.inner(x))))


class Spare(Tied):
    def forward(self, x):
        return self.head(x)


@pytest.mark.parametrize(
    ("model", "shape", "reason"),
    [
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 3)), (1, 4, 4), "conv2d"),
        (nn.Sequential(nn.Linear(6, 3), nn.LayerNorm(3, bias=False)), (6,), "layer_norm with"),
        (nn.Sequential(nn.Linear(6, 3)), (2, 6), "linear on"),
        (Tied(), (6,), "twice"),
        (Spare(), (6,), "not trained"),
    ],
)
def test_what_has_no_stacked_form_is_named(model, shape, reason):
    with pytest.raises(PlanError, match=reason):
        check_stackable_plan(read_plan(model, shape), model)


def test_a_negative_slope_is_refused():
    model = Tangle(lambda x: functional.leaky_relu(x, -0.1))
    with pytest.raises(PlanError, match="negative slope"):
        stack_of(problem_with(model))
