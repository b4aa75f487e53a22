"""Which activation follows which layer: declared, read from the operations, or left open."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from initsweep.core.errors import InitsweepError, InitsweepWarning
from initsweep.initializers import initial_state, make_initializer
from initsweep.initializers.adjacent import activations_after
from initsweep.initializers.laws.gains import backward_gain, forward_gain
from tests.initializers.networks import Mixed, PostActivation, PreActivation, forward


def test_a_network_that_says_so_is_believed():
    network = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    network.activation_after = {"0": torch.tanh}
    assert activations_after(network) == {"0": torch.tanh}


def test_a_declared_name_must_exist():
    network = nn.ModuleDict({"hidden": nn.Linear(2, 2)})
    network.activation_after = {"hiddn": torch.tanh}
    with pytest.raises(InitsweepError, match=r"'hiddn'.*Did you mean 'hidden'"):
        activations_after(network)


def test_a_sequential_is_read_past_norm_and_dropout_even_when_nested():
    relu, tanh = nn.ReLU(), nn.Tanh()
    block = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    stem = nn.Sequential(
        nn.Linear(4, 4), relu, block, nn.Dropout(), tanh, nn.Linear(4, 4), relu, nn.Linear(4, 1)
    )
    found = activations_after(stem)
    assert found == {"0": relu, "2.0": tanh, "5": relu}
    assert found.unclear == {}


def test_parts_are_read_where_the_whole_cannot_be():
    relu = nn.ReLU()
    network = nn.ModuleDict({"stem": nn.Sequential(nn.Linear(4, 4), relu, nn.Linear(4, 1))})
    found = activations_after(network)
    assert found == {"stem.0": relu}
    assert "leaves 'stem' and its forward cannot be traced" in found.unclear["stem.2"]


def test_an_unknown_module_in_between_is_not_read_over():
    network = nn.Sequential(nn.Linear(4, 4), nn.Softmax(dim=1), nn.ReLU())
    assert activations_after(network) == {}


def test_a_mixed_network_without_any_hint():
    found = activations_after(Mixed())
    assert found.unclear == {}
    assert found["stem"] is torch.tanh
    assert isinstance(found["convolution"], nn.GELU)
    assert found["sigmoid"] is torch.sigmoid
    assert found["method"] is torch.Tensor.relu
    assert forward_gain(found["leaky"]) == forward_gain(nn.LeakyReLU(0.2))
    assert forward_gain(found["learned"]) == forward_gain(nn.LeakyReLU(0.25))
    assert forward_gain(found["swish"]) == pytest.approx(1.67653247033109, rel=1e-13)
    assert backward_gain(found["squared"]) == pytest.approx(0.5**0.5, rel=1e-8)
    assert "head" not in found


def test_automatic_gains_scale_the_layers_of_a_mixed_network():
    network = Mixed()
    state = initial_state(network, make_initializer("he_normal", {"gain": "auto"}), 0)
    gains = {
        "stem": 1.59253741972283,
        "convolution": 1.53353044119554,
        "sigmoid": 1.84622854533861,
        "method": 2**0.5,
        "leaky": 1.38675049056307,
        "learned": (2 / (1 + 0.25**2)) ** 0.5,
        "swish": 1.67653247033109,
        "squared": (2 / 3) ** 0.5,
        "head": 1.0,
    }
    for name, gain in gains.items():
        weight = state[f"{name}.weight"].double()
        fan_in = weight[0].numel()
        deviation = (5 * (2 / (4 * weight.numel())) ** 0.5) + 1e-9
        assert float(weight.std()) == pytest.approx(gain / fan_in**0.5, rel=deviation), name


@pytest.mark.parametrize("network", [PreActivation(), PostActivation()], ids=["pre", "post"])
def test_residual_networks(network):
    found = activations_after(network)
    assert found.unclear == {}
    assert set(found) == {n for n, m in network.named_modules() if isinstance(m, nn.Conv2d)}
    assert all(forward_gain(phi) == pytest.approx(2**0.5) for phi in found.values())


def test_a_transformer_of_torch_s_own_layers():
    layer = nn.TransformerEncoderLayer(16, 2, activation="gelu", batch_first=True)
    network = nn.Sequential(nn.Linear(4, 16), nn.TransformerEncoder(layer, 2, False), nn.ReLU())
    found = activations_after(network)
    assert {f"1.layers.{i}.linear1" for i in (0, 1)} == set(found)
    assert found["1.layers.0.linear1"] is functional.gelu
    assert set(found.unclear) == {"0"}


@pytest.mark.parametrize(
    ("network", "layer", "reason"),
    [
        (
            forward(
                lambda m, x: m.one(x) * torch.tanh(m.two(x)),
                one=nn.Linear(2, 2),
                two=nn.Linear(2, 2),
            ),
            "one",
            "multiplied with another value",
        ),
        (
            forward(
                lambda m, x: torch.relu(z := m.one(x)).sum() + torch.tanh(z).max(),
                one=nn.Linear(2, 2),
            ),
            "one",
            "several activations side by side",
        ),
        (
            forward(lambda m, x: torch.cumsum(m.one(x), 0), one=nn.Linear(2, 2)),
            "one",
            "'cumsum', which is not a known operation",
        ),
        (
            forward(lambda m, x: torch.tanh(m.one(torch.relu(m.one(x)))), one=nn.Linear(2, 2)),
            "one",
            "different activations on different ways",
        ),
        (
            forward(lambda m, x: m.one(torch.relu(m.one(x))), one=nn.Linear(2, 2)),
            "one",
            "on some of its ways but not on all",
        ),
        (
            forward(lambda m, x: functional.linear(x, m.one.weight), one=nn.Linear(2, 2)),
            "one",
            "does not call it as a module",
        ),
        (
            forward(lambda m, x: m.one(x) if x.sum() > 0 else x, one=nn.Linear(2, 2)),
            "one",
            "its forward cannot be traced: symbolically traced variables",
        ),
    ],
)
def test_what_the_operations_do_not_tell_is_reported(network, layer, reason):
    found = activations_after(network)
    assert layer not in found
    assert reason in found.unclear[layer]


def test_a_scheme_that_depends_on_it_warns_and_others_do_not():
    network = forward(lambda m, x: torch.cumsum(m.one(x), 0), one=nn.Linear(20, 20))
    with pytest.warns(InitsweepWarning, match="activation_after.*'one'.*cumsum"):
        automatic = initial_state(network, make_initializer("orthogonal", {"gain": "auto"}), 0)
    fixed = initial_state(network, make_initializer("orthogonal", {"gain": 1.0}), 0)
    assert torch.equal(automatic["one.weight"], fixed["one.weight"])


def test_reading_changes_nothing_and_draws_nothing():
    network = Mixed()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    activations_after(network)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert all(module.training for module in network.modules())
