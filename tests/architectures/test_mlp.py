"""The MLP against a network written out by hand, and through torch.func."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap

from initsweep.architectures import build_model
from initsweep.architectures.activations import ACTIVATIONS
from initsweep.initializers.apply import initialize_

OPTIONS = {"depth": 3, "width": 8, "activation": "tanh", "norm": "none", "residual": False}
BATCH = torch.randn(16, 5, generator=torch.Generator().manual_seed(0))
TARGETS = torch.arange(16) % 4


def build(**changes):
    network = build_model("mlp", OPTIONS | changes, n_features=5, n_outputs=4)
    return initialize_(network, "torch_default", 0)


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_forward_is_linear_norm_activation_with_skips_after_the_first(norm, residual, activation):
    network = build(norm=norm, residual=residual, activation=activation)
    weights = dict(network.named_parameters())
    signal = BATCH
    for index in range(3):
        prefix = f"hidden.{index}.linear"
        # Batch norm would subtract a bias again, so there is none.
        assert (f"{prefix}.bias" in weights) == (norm != "batch")
        z = signal @ weights[f"{prefix}.weight"].T + weights.get(f"{prefix}.bias", 0.0)
        if norm != "none":
            axis = 0 if norm == "batch" else 1
            variance, mean = torch.var_mean(z, axis, correction=0, keepdim=True)
            z = (z - mean) / torch.sqrt(variance + 1e-5)
        output = ACTIVATIONS[activation](z)
        signal = output + signal if residual and index > 0 else output
    expected = signal @ weights["head.weight"].T + weights["head.bias"]
    torch.testing.assert_close(network(BATCH), expected, rtol=1e-5, atol=1e-6)


def test_parameters_have_readable_names_and_shapes():
    shapes = {name: tuple(p.shape) for name, p in build(depth=2, norm="layer").named_parameters()}
    assert shapes == {
        "hidden.0.linear.weight": (8, 5),
        "hidden.0.linear.bias": (8,),
        "hidden.0.norm.weight": (8,),
        "hidden.0.norm.bias": (8,),
        "hidden.1.linear.weight": (8, 8),
        "hidden.1.linear.bias": (8,),
        "hidden.1.norm.weight": (8,),
        "hidden.1.norm.bias": (8,),
        "head.weight": (4, 8),
        "head.bias": (4,),
    }


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
def test_activation_after_names_the_hidden_linear_layers(norm):
    network = build(depth=2, norm=norm)
    assert network.activation_after == {
        "hidden.0.linear": torch.tanh,
        "hidden.1.linear": torch.tanh,
    }
    for name in network.activation_after:
        assert isinstance(network.get_submodule(name), nn.Linear)


def test_hooks_on_the_named_layers_see_the_pre_activations():
    network = build(depth=2)
    seen = {}
    for name in [*network.activation_after, "head"]:
        network.get_submodule(name).register_forward_hook(
            lambda module, inputs, output, name=name: seen.update({name: output})
        )
    outputs = network(BATCH)
    assert torch.equal(seen["head"], outputs)
    expected = network.hidden[1].linear(torch.tanh(seen["hidden.0.linear"]))
    assert torch.equal(seen["hidden.1.linear"], expected)


def test_building_draws_nothing_and_leaves_weights_at_zero():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    network = build_model("mlp", OPTIONS | {"norm": "batch"}, n_features=5, n_outputs=4)
    assert torch.equal(before, torch.get_rng_state())
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter, torch.full_like(parameter, float("norm.weight" in name)))
    assert network.training


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
@pytest.mark.parametrize("residual", [False, True])
def test_stacked_lanes_have_the_gradients_of_single_networks(norm, residual):
    lanes = [build(norm=norm, residual=residual) for _ in range(3)]
    for seed, lane in enumerate(lanes):
        initialize_(lane, "he_normal", seed)
    template = copy.deepcopy(lanes[0])
    parameters, buffers = stack_module_state(lanes)
    parameters = {name: value.detach() for name, value in parameters.items()}
    buffers = {name: value.clone() for name, value in buffers.items()}

    def loss(parameters, buffers):
        outputs = functional_call(template, (parameters, buffers), (BATCH,))
        return nn.functional.cross_entropy(outputs, TARGETS)

    gradients = vmap(grad(loss))(parameters, buffers)
    for index, lane in enumerate(lanes):
        nn.functional.cross_entropy(lane(BATCH), TARGETS).backward()
        for name, parameter in lane.named_parameters():
            torch.testing.assert_close(gradients[name][index], parameter.grad, rtol=1e-4, atol=1e-6)
        for name, buffer in lane.named_buffers():
            torch.testing.assert_close(buffers[name][index], buffer)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_it_can_be_copied_and_pickled(activation):
    network = build(activation=activation, norm="batch")
    for twin in (
        copy.deepcopy(network),
        pickle.loads(pickle.dumps(network)),  # noqa: S301 - our own bytes
    ):
        assert torch.equal(twin(BATCH), network(BATCH))
        assert twin.activation_after == network.activation_after
