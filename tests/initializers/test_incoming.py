"""The activation that a layer reads, and the gain taken from it."""

from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional

from initsweep.core.errors import InitsweepWarning
from initsweep.core.randomness import torch_stream
from initsweep.initializers import (
    activations_after,
    activations_before,
    forward_gain,
    initial_state,
    initialize_,
    make_initializer,
)
from tests.initializers.networks import Mixed, forward


class Stack(nn.Module):
    """Twenty layers under five activations in turn, then a head; keeps its pre-activations."""

    PHI = (torch.relu, torch.tanh, functional.silu, torch.sigmoid, functional.gelu) * 4

    def __init__(self, width=512):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in self.PHI)
        self.head = nn.Linear(width, width)

    def forward(self, signal):
        for layer, phi in zip(self.layers, self.PHI, strict=True):
            signal = phi(layer(signal))
        return self.head(signal)


def pre_activation_scales(network, gain):
    initialize_(network, make_initializer("lecun_normal", {"gain": gain}), 0)
    found = []
    handles = [
        module.register_forward_hook(lambda m, i, out: found.append(float(out.square().mean())))
        for module in network.modules()
        if isinstance(module, nn.Linear)
    ]
    with torch.no_grad():
        network(torch.randn(500, 512, generator=torch_stream("stack")))
    for handle in handles:
        handle.remove()
    return [power**0.5 for power in found]


def test_incoming_gains_keep_the_signal_of_a_network_that_mixes_activations():
    incoming = pre_activation_scales(Stack(), "incoming")
    assert all(0.85 < scale < 1.2 for scale in incoming)
    # The gain of the activation after the layer does not, by what the theory says: the ratio of
    # the gains of two neighbours.
    after = pre_activation_scales(Stack(), "auto")
    assert after[0] == pytest.approx(2**0.5, rel=0.02)
    assert after[-1] < 0.7


def test_the_activation_that_a_layer_reads():
    found = activations_before(Mixed())
    assert found.unclear == {}
    after = activations_after(Mixed())
    order = ["stem", "convolution", "sigmoid", "method", "leaky", "learned", "swish", "squared"]
    for layer, reader in pairwise([*order, "head"]):
        assert forward_gain(found[reader]) == forward_gain(after[layer])
    assert "stem" not in found


def test_what_a_norm_has_scaled_needs_no_gain_and_sums_are_left_open():
    found = activations_before(
        nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.LayerNorm(4), nn.Linear(4, 4), nn.Linear(4, 4))
    )
    assert found == {}
    assert found.unclear == {}
    network = forward(lambda m, x: m.two(x + m.one(x)), one=nn.Linear(4, 4), two=nn.Linear(4, 4))
    assert activations_before(network).unclear == {"two": "it reads the result of 'add'"}
    with pytest.warns(InitsweepWarning, match="that each layer reads.*'two' .it reads the result"):
        initial_state(network, make_initializer("he_normal", {"gain": "incoming"}), 0)
    part = nn.ModuleDict({"stem": nn.Sequential(nn.Linear(4, 4))})
    assert "what enters 'stem'" in activations_before(part).unclear["stem.0"]
    assert activations_before(nn.Sequential(nn.MultiheadAttention(4, 2), nn.GRU(4, 4))) == {}


def test_both_choices_side_by_side_on_a_mixed_network():
    """`auto` is the gain of the activation that follows, `incoming` of the one that is read."""
    network = nn.Sequential(
        nn.Linear(300, 400), nn.Tanh(), nn.Linear(400, 500), nn.ReLU(), nn.Linear(500, 600)
    )
    tanh, relu = forward_gain(torch.tanh), forward_gain(torch.relu)
    assert tanh == pytest.approx(1.5925374197228312, rel=1e-9)
    expected = {"auto": (tanh, relu, 1.0), "incoming": (1.0, tanh, relu)}
    for choice, gains in expected.items():
        state = initial_state(network, make_initializer("lecun_normal", {"gain": choice}), 0)
        for name, gain in zip(("0.weight", "2.weight", "4.weight"), gains, strict=True):
            weight = state[name]
            error = 5 / (2 * weight.numel()) ** 0.5
            found = float(weight.double().std()) * weight.shape[1] ** 0.5
            assert found == pytest.approx(gain, rel=error), (choice, name)


def test_under_relu_throughout_the_two_differ_at_the_ends_only():
    network = nn.Sequential(
        *(part for _ in range(3) for part in (nn.Linear(20, 20), nn.ReLU())), nn.Linear(20, 20)
    )
    auto, incoming = (
        initial_state(network, make_initializer("lecun_normal", {"gain": choice}), 0)
        for choice in ("auto", "incoming")
    )
    same = {name for name in auto if torch.equal(auto[name], incoming[name])}
    assert {name for name in auto if name.endswith("weight")} - same == {"0.weight", "6.weight"}
