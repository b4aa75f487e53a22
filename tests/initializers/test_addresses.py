"""The same bits whatever the order, type of numbers, device, or way of building the network."""

import pytest
import torch
from torch import nn

from initsweep.core.errors import InitsweepError
from initsweep.initializers import INITIALIZERS, initial_state, initialize_, make_initializer

RANDOM = ["he_normal", "he_truncated_normal", "orthogonal", "sparse", "torch_default", "lsuv"]
INPUTS = torch.randn(32, 1, 8, 8, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    """A convolution, a norm, two linear layers; optionally lazy, or registered backwards."""

    def __init__(self, *, backwards=False, lazy=False):
        super().__init__()
        modules = {
            "convolution": nn.LazyConv2d(6, 3) if lazy else nn.Conv2d(1, 6, 3),
            "norm": nn.LazyBatchNorm2d() if lazy else nn.BatchNorm2d(6),
            "hidden": nn.LazyLinear(20) if lazy else nn.Linear(216, 20),
            "head": nn.Linear(20, 5),
        }
        for name in reversed(modules) if backwards else modules:
            self.add_module(name, modules[name])

    def forward(self, inputs):
        signal = torch.relu(self.norm(self.convolution(inputs)))
        return self.head(torch.tanh(self.hidden(signal.flatten(1))))


@pytest.fixture(params=RANDOM)
def initializer(request):
    return make_initializer(request.param, INITIALIZERS.get(request.param).example)


@pytest.fixture
def expected(initializer):
    return initial_state(Net(), initializer, 5, inputs=INPUTS)


def agree(network, expected, dtype=torch.float32):
    parameters = dict(network.named_parameters())
    assert set(parameters) == set(expected)
    for name, parameter in parameters.items():
        assert parameter.dtype == dtype
        assert torch.equal(parameter.detach().cpu(), expected[name].to(dtype)), name


def test_order_of_modules(initializer, expected):
    agree(initialize_(Net(backwards=True), initializer, 5, inputs=INPUTS), expected)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_types_of_numbers_are_rounded_to_once(initializer, expected, dtype):
    agree(initialize_(Net().to(dtype), initializer, 5, inputs=INPUTS), expected, dtype)


def test_networks_built_without_memory(initializer, expected):
    with torch.device("meta"):
        network = Net()
    network.head.bias.requires_grad_(False)
    agree(initialize_(network, initializer, 5, inputs=INPUTS), expected)
    assert [p.requires_grad for p in network.head.parameters()] == [True, False]
    assert torch.equal(network.norm.running_var, torch.ones(6))
    assert network(INPUTS).isfinite().all()


def test_networks_built_lazily(initializer, expected):
    network = Net(lazy=True)
    agree(initialize_(network, initializer, 5, inputs=INPUTS), expected)
    assert network.training
    assert all(module.training for module in network.modules())


def test_the_global_generator_and_threads(initializer, expected):
    torch.manual_seed(123)
    before = torch.get_rng_state()
    agree(initialize_(Net(), initializer, 5, inputs=INPUTS), expected)
    network = Net()
    torch.manual_seed(123)
    initialize_(network, initializer, 5, inputs=INPUTS)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_the_device(initializer, expected):
    network = initialize_(Net().cuda(), initializer, 5, inputs=INPUTS.cuda())
    assert all(parameter.is_cuda for parameter in network.parameters())
    agree(network, expected)


def test_a_lazy_network_without_inputs_is_refused():
    with pytest.raises(InitsweepError, match=r"'convolution' \(LazyConv2d\) has no shape yet"):
        initialize_(Net(lazy=True), "he_normal", 0)


def test_ties_survive_the_meta_device():
    with torch.device("meta"):
        network = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 9, bias=False))
        network[1].weight = network[0].weight
    initialize_(network, "lecun_normal", 0)
    assert network[0].weight is network[1].weight
    assert not network[0].weight.is_meta


def test_a_buffer_that_is_lost_on_the_meta_device_is_named():
    with torch.device("meta"):
        network = nn.Sequential(nn.Linear(2, 2))
        network[0].register_buffer("mask", torch.ones(2))
    with pytest.raises(InitsweepError, match=r"'0.mask' is a buffer on the meta device"):
        initialize_(network, "he_normal", 0)
