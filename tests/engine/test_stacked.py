"""Forward pass and gradient of stacked lanes against each network on its own."""

import copy

import pytest
import torch
from torch.func import functional_call

from initsweep.engine.stacked import EVALUATION_EXAMPLES, Stack, take

MODELS = ["plain", "batch_norm", "layer_norm", "residual", "sigmoid"]
CPU = torch.device("cpu")


def alone(problem, state, features, targets):
    model = copy.deepcopy(problem.model)
    parameters = {name: value.clone().requires_grad_() for name, value in state.items()}
    buffers = dict(model.named_buffers())
    loss = problem.loss(functional_call(model, {**parameters, **buffers}, (features,)), targets)
    return loss.detach(), torch.autograd.grad(loss, list(parameters.values())), buffers


@pytest.mark.parametrize("kind", MODELS)
def test_losses_gradients_and_buffers_equal_those_of_each_network(make_problem, kind):
    problem = make_problem(kind)
    states = [problem.initial_state(seed) for seed in range(3)]
    stack = Stack(problem, states, CPU)
    rows = torch.stack([torch.randperm(70, generator=torch.manual_seed(s))[:16] for s in range(3)])
    features, targets = problem.train.features, problem.train.targets
    losses, gradients = stack.losses_and_gradients(take(features, rows), take(targets, rows))
    for lane, state in enumerate(states):
        loss, expected, buffers = alone(problem, state, features[rows[lane]], targets[rows[lane]])
        torch.testing.assert_close(losses[lane], loss, rtol=1e-6, atol=0)
        for gradient, one in zip(gradients, expected, strict=True):
            torch.testing.assert_close(gradient[lane], one, rtol=1e-5, atol=1e-6)
        for name, buffer in buffers.items():
            torch.testing.assert_close(stack.constants[name][lane], buffer)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("n", [1, 33, EVALUATION_EXAMPLES + 7])
def test_predictions_are_those_of_evaluation_mode(make_problem, kind, n):
    problem = make_problem(kind)
    states = [problem.initial_state(seed) for seed in range(2)]
    stack = Stack(problem, states, CPU)
    features = torch.randn(n, 6, generator=torch.manual_seed(0))
    if kind == "batch_norm":
        stack.constants["1.running_mean"][1] += 0.5
        stack.constants["1.running_var"][1] *= 3
    outputs = stack.predict(features)
    assert outputs.shape == (2, n, 3)
    model = copy.deepcopy(problem.model).eval()
    for lane, state in enumerate(stack.states()):
        expected = functional_call(model, state, (features,))
        torch.testing.assert_close(outputs[lane], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n", [1, 31, 33])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_predictions_do_not_depend_on_the_slot(make_problem, n, n_outputs):
    """Odd sizes with activations whose last elements torch computes one by one."""
    problem = make_problem("sigmoid", width=13, n_outputs=n_outputs)
    states = [problem.initial_state(seed) for seed in range(5)]
    features = torch.randn(n, 6, generator=torch.manual_seed(0))
    outputs = Stack(problem, states, CPU).predict(features)
    for shift in range(1, 5):
        turned = Stack(problem, states[shift:] + states[:shift], CPU).predict(features)
        assert torch.equal(turned.roll(shift, 0), outputs)


def test_frozen_parameters_are_stacked_but_not_trained(make_problem):
    problem = make_problem()
    problem.model[0].weight.requires_grad_(False)
    stack = Stack(problem, [problem.initial_state(seed) for seed in range(2)], CPU)
    assert "0.weight" in stack.constants
    assert "0.weight" not in stack.parameters
    assert torch.equal(stack.states()[1]["0.weight"], problem.initial_state(1)["0.weight"])


def test_a_non_finite_lane_leaves_the_gradients_of_the_others_alone(make_problem):
    problem = make_problem()
    states = [dict(problem.initial_state(seed)) for seed in range(3)]
    rows = torch.arange(16).expand(3, -1)
    batch = take(problem.train.features, rows), take(problem.train.targets, rows)
    _, expected = Stack(problem, states, CPU).losses_and_gradients(*batch)
    states[1]["0.weight"] = torch.full_like(states[1]["0.weight"], torch.nan)
    losses, gradients = Stack(problem, states, CPU).losses_and_gradients(*batch)
    assert losses.isnan().tolist() == [False, True, False]
    for gradient, old in zip(gradients, expected, strict=True):
        assert torch.equal(gradient[[0, 2]], old[[0, 2]])
