"""Frozen parameters and those of no known layer keep their values, whatever the scheme."""

import warnings

import pytest
import torch
from torch import nn

from initsweep.core.errors import InitsweepError, InitsweepWarning
from initsweep.core.randomness import torch_stream
from initsweep.initializers import (
    INITIALIZERS,
    initial_state,
    initialize_,
    layers_of,
    make_initializer,
)
from tests.initializers.networks import PostActivation

INPUTS = torch.randn(32, 1, 8, 8, generator=torch_stream("kept"))
ENTRIES = {name: make_initializer(name, entry.example) for name, entry in INITIALIZERS}


def pretrained():
    """Return a residual network whose first half was trained and is frozen."""
    network = PostActivation(width=6)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=torch_stream("trained")))
    for part in (network.stem, network.first):
        part.requires_grad_(False)
    network(INPUTS)  # moves running statistics
    return network


@pytest.mark.parametrize("scheme", ENTRIES)
def test_frozen_parameters_keep_their_bits_under_every_scheme(scheme):
    network, before = pretrained(), pretrained().state_dict()
    if scheme == "identity":  # refuses convolutions: but not those that it leaves alone
        network.second.requires_grad_(False)
    frozen = {name for name, one in network.named_parameters() if not one.requires_grad}
    state = initial_state(network, ENTRIES[scheme], 0, inputs=INPUTS)
    initialize_(network, ENTRIES[scheme], 0, inputs=INPUTS)
    assert list(state) == [name for name, _ in network.named_parameters()]
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter, state[name]), name
        assert torch.equal(parameter, before[name]) == (name in frozen), name
        assert parameter.requires_grad == (name not in frozen)


@pytest.mark.parametrize("scheme", ["he_normal", "lsuv", "fixup", "zero_gamma"])
def test_all_are_filled_on_request(scheme):
    network, free = pretrained(), pretrained().requires_grad_(True)
    initialize_(network, ENTRIES[scheme], 0, inputs=INPUTS, frozen=True)
    initialize_(free, ENTRIES[scheme], 0, inputs=INPUTS)
    for name, value in free.state_dict().items():
        assert torch.equal(network.state_dict()[name], value), name
    assert not network.stem.weight.requires_grad


def test_lsuv_measures_with_the_frozen_weights():
    network = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8))
    network[0].requires_grad_(False).weight.mul_(30)
    inputs = torch.randn(200, 8, generator=torch_stream("x"))
    initialize_(network, "lsuv", 0, inputs=inputs)
    assert float(network(inputs).detach().std()) == pytest.approx(1, rel=1e-2)


def test_statistics_stay_where_all_around_is_frozen():
    network = initialize_(pretrained(), "he_normal", 0)
    assert network.first.norm1.running_mean.abs().max() > 0
    assert not network.second.norm1.running_mean.any()
    bare = nn.Sequential(nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3, affine=False)))
    bare(torch.randn(9, 3) + 4)
    bare.requires_grad_(False)
    with pytest.warns(InitsweepWarning, match="Every parameter of the network is frozen"):
        initialize_(bare, "he_normal", 0)
    assert bare[0][1].running_mean.abs().max() > 0
    initialize_(bare, "he_normal", 0, frozen=True)
    assert not bare[0][1].running_mean.any()


def test_a_frozen_layer_that_no_initializer_knows_or_that_this_one_refuses_is_no_obstacle():
    network = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 3)), nn.Linear(3, 3))
    before = network[0].parametrizations.weight.original1.detach().clone()
    with pytest.raises(InitsweepError, match="parametrize it then"):
        initialize_(network, "he_normal", 0)
    network[0].requires_grad_(False)
    initialize_(network, "he_normal", 0)
    assert torch.equal(network[0].parametrizations.weight.original1, before)
    table = nn.Sequential(nn.Embedding(4, 3).requires_grad_(False), nn.Linear(3, 3))
    initialize_(table, "identity", 0)
    assert torch.equal(table[1].weight, torch.eye(3))
    assert [layer.name for layer in layers_of(table)] == ["1"]


def test_frozen_numbers_are_not_rounded():
    network = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3)).double()
    network[0].requires_grad_(False)
    before = network[0].weight.clone()
    initialize_(network, "he_normal", 0)
    assert torch.equal(network[0].weight, before)


class Patches(nn.Module):
    """A class token, a position embedding, and a list: parameters of no layer."""

    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 1, 8, dtype=torch.float64))
        self.position = nn.Parameter(torch.linspace(-0.1, 0.1, 40).reshape(1, 5, 8))
        self.scales = nn.ParameterList([torch.full((8,), 1e-4)])
        self.read, self.head = nn.Linear(6, 8), nn.Linear(8, 3)

    def forward(self, inputs):
        token = self.token.float().expand(len(inputs), -1, -1)
        signal = torch.cat([token, self.read(inputs)], 1) + self.position
        return self.head(torch.tanh(signal * self.scales[0])[:, 0])


@pytest.mark.parametrize("scheme", ["he_normal", "orthogonal", "lsuv", "zeros"])
def test_free_parameters_keep_their_values_and_are_named(scheme):
    network, inputs = Patches(), torch.randn(16, 4, 6, generator=torch_stream("patches"))
    network.token.data += 1 / 3
    before = {name: one.clone() for name, one in network.state_dict().items()}
    with pytest.warns(InitsweepWarning) as caught:
        initialize_(network, ENTRIES[scheme], 0, inputs=inputs)
    assert "'token' (all 0.333333), 'position' (mean " in str(caught[0].message)
    assert "std 0.059), 'scales.0' (all 0.0001)" in str(caught[0].message)
    for name in ("token", "position", "scales.0"):
        assert torch.equal(network.state_dict()[name], before[name])
    assert not torch.equal(network.read.weight, before["read.weight"])


def test_free_parameters_have_no_values_on_the_meta_device():
    with torch.device("meta"):
        network = Patches()
    with pytest.raises(InitsweepError, match=r"'token' \(1x1x8\), .*Build the network on the"):
        initial_state(network, ENTRIES["he_normal"], 0)
    with pytest.raises(InitsweepError, match="on the meta device there are none"):
        initialize_(network, ENTRIES["he_normal"], 0)
    assert network.read.weight.is_meta


def test_ordinary_networks_are_filled_without_a_word():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        initialize_(pretrained(), "he_normal", 0)
