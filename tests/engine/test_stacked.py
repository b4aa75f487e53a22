"""Forward pass and gradient of stacked lanes against each network on its own."""

import copy

import pytest
import torch
from torch.func import functional_call

from initsweep.core.errors import PlanError
from initsweep.engine import planned, stacked
from initsweep.engine.plan_reading import read_plan
from initsweep.engine.stack import Stack, stacked_tensors

MODELS = ["plain", "batch_norm", "layer_norm", "residual", "sigmoid"]


def vmapped(problem, states) -> Stack:
    tensors = stacked_tensors(problem.model, states)
    return stacked.VmapStack(problem.model, *tensors, problem.loss)


def by_plan(problem, states, carry=0.0) -> Stack:
    plan = read_plan(problem.model, problem.train.features.shape[1:])
    planned.check_stackable_plan(plan, problem.model)
    tensors = stacked_tensors(problem.model, states)
    return planned.PlannedStack(plan, *tensors, problem.loss, carry)


@pytest.fixture(params=[vmapped, by_plan])
def new_stack(request):
    return request.param


def by_name(stack, gradients):
    """Gradients of blocks as those of parameters."""
    if isinstance(stack, planned.PlannedStack):
        return stack.gradients
    return dict(zip(stack.parameters, gradients, strict=True))


def alone(problem, state, features, targets):
    model = copy.deepcopy(problem.model)
    parameters = {name: value.clone().requires_grad_() for name, value in state.items()}
    buffers = dict(model.named_buffers())
    loss = problem.loss(functional_call(model, {**parameters, **buffers}, (features,)), targets)
    gradients = torch.autograd.grad(loss, list(parameters.values()))
    return loss.detach(), dict(zip(parameters, gradients, strict=True)), buffers


@pytest.mark.parametrize("kind", MODELS)
def test_losses_gradients_and_buffers_equal_those_of_each_network(make_problem, new_stack, kind):
    problem = make_problem(kind)
    states = [problem.initial_state(seed) for seed in range(3)]
    stack = new_stack(problem, states)
    rows = torch.stack([torch.randperm(70, generator=torch.manual_seed(s))[:16] for s in range(3)])
    features, targets = problem.train.features, problem.train.targets
    losses, gradients = stack.losses_and_gradients(features, targets, rows)
    assert [g.shape for g in gradients] == [block.shape for block in stack.blocks]
    gradients = by_name(stack, gradients)
    for lane, state in enumerate(states):
        loss, expected, buffers = alone(problem, state, features[rows[lane]], targets[rows[lane]])
        torch.testing.assert_close(losses[lane], loss, rtol=1e-6, atol=0)
        for name, one in expected.items():
            torch.testing.assert_close(gradients[name][lane], one, rtol=1e-5, atol=1e-6)
        for name, buffer in buffers.items():
            torch.testing.assert_close(stack.constants[name][lane], buffer)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("n", [1, 33, stacked.EVALUATION_EXAMPLES + 7])
def test_predictions_are_those_of_evaluation_mode(make_problem, new_stack, kind, n):
    problem = make_problem(kind)
    states = [problem.initial_state(seed) for seed in range(2)]
    stack = new_stack(problem, states)
    features = torch.randn(n, 6, generator=torch.manual_seed(0))
    if kind == "batch_norm":
        stack.constants["1.running_mean"][1] += 0.5
        stack.constants["1.running_var"][1] *= 3
    outputs = stack.predict(features, torch.arange(n).expand(2, n))
    assert outputs.shape == (2, n, 3)
    model = copy.deepcopy(problem.model).eval()
    for lane, state in enumerate(stack.states()):
        expected = functional_call(model, state, (features,))
        torch.testing.assert_close(outputs[lane], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n", [1, 31, 33])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_predictions_do_not_depend_on_the_slot(make_problem, new_stack, n, n_outputs):
    """Odd sizes with activations whose last elements torch computes one by one."""
    problem = make_problem("sigmoid", width=13, n_outputs=n_outputs)
    states = [problem.initial_state(seed) for seed in range(5)]
    features = torch.randn(n, 6, generator=torch.manual_seed(0))
    rows = torch.arange(n).expand(5, n)
    outputs = new_stack(problem, states).predict(features, rows)
    for shift in range(1, 5):
        turned = new_stack(problem, states[shift:] + states[:shift]).predict(features, rows)
        assert torch.equal(turned.roll(shift, 0), outputs)


def test_frozen_parameters_are_stacked_but_not_trained(make_problem):
    problem = make_problem()
    problem.model[0].weight.requires_grad_(False)
    stack = vmapped(problem, [problem.initial_state(seed) for seed in range(2)])
    assert "0.weight" in stack.constants
    assert "0.weight" not in stack.parameters
    assert torch.equal(stack.states()[1]["0.weight"], problem.initial_state(1)["0.weight"])
    with pytest.raises(PlanError, match="not trained"):
        by_plan(problem, [problem.initial_state(0)])


def test_a_non_finite_lane_leaves_the_gradients_of_the_others_alone(make_problem, new_stack):
    problem = make_problem()
    states = [dict(problem.initial_state(seed)) for seed in range(3)]
    rows = torch.arange(16).expand(3, -1)
    batch = problem.train.features, problem.train.targets, rows
    _, expected = new_stack(problem, states).losses_and_gradients(*batch)
    states[1]["0.weight"] = torch.full_like(states[1]["0.weight"], torch.nan)
    losses, gradients = new_stack(problem, states).losses_and_gradients(*batch)
    assert losses.isnan().tolist() == [False, True, False]
    for gradient, old in zip(gradients, expected, strict=True):
        assert torch.equal(gradient[[0, 2]], old[[0, 2]])


class Double(torch.nn.Module):
    def forward(self, x):
        return x.double()


def test_one_lane_has_a_block_for_each_type_of_number(make_problem):
    problem = make_problem()
    layers = torch.nn.Linear(6, 4), Double(), torch.nn.Linear(4, 3).double()
    model = torch.nn.Sequential(*layers, torch.nn.Unflatten(1, (3, 1, 1)))
    model.append(torch.nn.Conv2d(3, 3, 1).double()).append(torch.nn.Flatten())
    state = {name: value.detach() for name, value in model.named_parameters()}
    stack = stacked.SingleStack(model, *stacked_tensors(model, [state]), problem.loss)
    features, targets = problem.train.features, problem.train.targets
    losses, gradients = stack.losses_and_gradients(features, targets, torch.arange(16)[None])
    loss = problem.loss(model(features[:16]), targets[:16])
    first, *rest = (part.parameters() for part in (layers[0], layers[2], model[4]))
    for found, parameters in zip(gradients, ([*first], [*rest[0], *rest[1]]), strict=True):
        expected = torch.autograd.grad(loss, parameters, retain_graph=True)
        torch.testing.assert_close(found[0], torch.cat([one.flatten() for one in expected]))
    torch.testing.assert_close(losses[0], loss)
    stack.blocks[0].zero_()  # what moves the blocks moves the network
    stack.blocks[1].fill_(0.5)
    assert bool((stack.predict(features, torch.arange(2)[None]) == 1.25).all())
