"""LSUV: unit variance in the order of execution, whatever the network; nothing left behind."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from initsweep.core.errors import InitsweepError, InitsweepWarning
from initsweep.core.randomness import torch_stream
from initsweep.initializers import initial_state, initialize_, make_initializer
from tests.initializers.networks import Mixed, PreActivation, forward

LSUV = make_initializer("lsuv", {})


def noise(*shape):
    return torch.randn(shape, generator=torch_stream("lsuv", *shape))


def output_stds(network, inputs):
    """Standard deviation of every layer's output, dropout off, norms as in training."""
    found = {}
    network = copy.deepcopy(network).eval()
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train()
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d | nn.Embedding):
            module.register_forward_hook(
                lambda m, i, out, name=name: found.__setitem__(
                    name, float(out.double().std(correction=0))
                )
            )
    with torch.no_grad():
        network(inputs)
    return found


class Backwards(nn.Module):
    """Registered in the order opposite to that of execution."""

    def __init__(self):
        super().__init__()
        self.last, self.second, self.first = nn.Linear(40, 3), nn.Linear(30, 40), nn.Linear(20, 30)

    def forward(self, inputs):
        return self.last(torch.sigmoid(self.second(functional.softplus(self.first(inputs)))))


@pytest.mark.parametrize(
    ("network", "inputs"),
    [
        (Backwards(), 3 + 5 * noise(200, 20)),
        (Mixed(), noise(128, 64)),
        (PreActivation(), noise(64, 1, 8, 8)),
        (nn.Sequential(nn.ConvTranspose2d(2, 4, 3, stride=2), nn.Tanh()), noise(100, 2, 5, 5)),
        (nn.Sequential(nn.Embedding(50, 8), nn.Linear(8, 8)), torch.arange(50)),
    ],
    ids=["backwards", "mixed", "residual", "transposed", "table"],
)
def test_every_output_has_unit_variance(network, inputs):
    initialize_(network, LSUV, 0, inputs=inputs)
    for name, std in output_stds(network, inputs).items():
        assert std == pytest.approx(1, rel=1e-3), name


def test_weights_are_orthogonal_up_to_one_factor_per_layer():
    state = initial_state(Backwards(), LSUV, 0, inputs=noise(200, 20))
    weight = state["second.weight"].double()
    gram = weight.T @ weight
    torch.testing.assert_close(
        gram / gram[0, 0], torch.eye(30, dtype=torch.float64), rtol=0, atol=1e-5
    )
    assert not state["second.bias"].any()


def test_projections_of_attention():
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    network, inputs = nn.Sequential(nn.Linear(8, 16), layer), noise(50, 6, 8)
    initialize_(network, LSUV, 0, inputs=inputs)
    layer.eval()  # without dropout, as measured
    with torch.no_grad():
        signal = network[0](inputs)
        for block in layer.self_attn.in_proj_weight.chunk(3):
            assert float((signal @ block.T).std()) == pytest.approx(1, rel=1e-3)
        attended, _ = layer.self_attn(signal, signal, signal)
        assert float(attended.std()) == pytest.approx(1, rel=1e-3)


def test_recurrent_weights_stay_orthogonal():
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.head = nn.GRU(4, 6, batch_first=True), nn.Linear(6, 2)

        def forward(self, inputs):
            return self.head(self.cell(inputs)[0])

    state = initial_state(Reader(), LSUV, 0, inputs=noise(30, 5, 4))
    reset = state["cell.weight_hh_l0"][:6].double()
    torch.testing.assert_close(
        reset @ reset.T, torch.eye(6, dtype=torch.float64), rtol=0, atol=1e-6
    )


def test_a_shared_or_tied_layer_is_scaled_once():
    network = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8))
    network[2].weight = network[0].weight
    inputs = 4 * noise(200, 8)
    initialize_(network, LSUV, 0, inputs=inputs)
    stds = output_stds(network, inputs)
    assert stds["0"] == pytest.approx(1, rel=1e-3)
    assert 0.1 < stds["2"] < 0.2  # the first call took the spread of 4 out; the second has less


class Language(nn.Module):
    """A lookup table that is also the output layer, with or without a path around the middle."""

    def __init__(self, *, norm, around):
        super().__init__()
        self.table, self.hidden = nn.Embedding(300, 32), nn.Linear(32, 32)
        self.norm = nn.LayerNorm(32) if norm else nn.Identity()
        self.head = nn.Linear(32, 300, bias=False)
        self.head.weight, self.around = self.table.weight, around

    def forward(self, words):
        read = self.table(words)
        signal = torch.relu(self.hidden(read))
        return self.head(self.norm(read + signal if self.around else signal))


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("around", [False, True])
def test_a_table_that_is_the_output_layer_has_the_scale_of_the_output(norm, around):
    network, words = Language(norm=norm, around=around), torch.arange(300).reshape(60, 5)
    initialize_(network, LSUV, 0, inputs=words)
    stds = output_stds(network, words)
    assert stds["head"] == pytest.approx(1, rel=2e-3)
    assert stds["hidden"] == pytest.approx(1, rel=2e-3)
    assert stds["table"] < 0.3
    again = initialize_(Language(norm=norm, around=around), LSUV, 0, inputs=words)
    assert torch.equal(again.table.weight, network.table.weight)


def test_where_the_output_layer_is_not_called_the_table_is_scaled_itself():
    class Reader(Language):
        def forward(self, words):
            return self.hidden(self.table(words))

    network = Reader(norm=False, around=False)
    initialize_(network, LSUV, 0, inputs=torch.arange(300))
    stds = output_stds(network, torch.arange(300))  # measured on 256 of them
    assert stds["table"] == pytest.approx(1, rel=5e-3)
    assert stds["hidden"] == pytest.approx(1, rel=5e-3)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (torch.zeros(50, 20), r"none varies over the examples \('first', 'second', 'last'\)"),
        (torch.full((50, 20), torch.nan), r"shape \(50, 20\) hold 1000 values that are not finite"),
        (noise(50, 19), r"Straight fails on examples of shape \(50, 19\): mat1 and mat2"),
        (noise(0, 20), r"the same number of examples.*received shapes \[\(0, 20\)\]"),
        ((noise(3, 20), noise(4, 20)), "the same number of examples"),
        ([[0.0] * 20], "a tensor or a NumPy array of numbers.*received list"),
        (np.array(["a"]), "received ndarray of <U1"),
        (torch.tensor(1.0), r"received shape \(\)"),
        (None, "needs examples"),
    ],
)
def test_unusable_examples_are_one_message(inputs, message):
    with pytest.raises(InitsweepError, match=message):
        initialize_(Straight(), LSUV, 0, inputs=inputs)


class Straight(Backwards):
    def forward(self, inputs):
        return self.last(self.second(self.first(inputs)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numpy_arrays_are_examples_too(dtype):
    inputs = noise(200, 20)
    state, other = (
        initial_state(Backwards(), LSUV, 0, inputs=one)
        for one in (inputs, inputs.numpy().astype(dtype))
    )
    assert all(torch.equal(state[name], other[name]) for name in state)


def test_an_output_that_is_not_finite_is_named():
    network = forward(
        lambda m, x: m.last(m.first(x) / 0), first=nn.Linear(4, 4), last=nn.Linear(4, 4)
    )
    with pytest.raises(InitsweepError, match="The output of 'last' is not finite"):
        initialize_(network, LSUV, 0, inputs=noise(20, 4))


def test_a_dead_layer_does_not_stop_the_ones_after_it():
    class Dead(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.dead, self.last = (nn.Linear(8, 8) for _ in range(3))

        def forward(self, inputs):
            signal = self.first(inputs)
            return self.last(signal + self.dead(torch.zeros_like(signal)))

    network, inputs = Dead(), noise(100, 8)
    with pytest.warns(InitsweepWarning, match="vary over the examples: 'dead'"):
        initialize_(network, LSUV, 0, inputs=inputs)
    assert output_stds(network, inputs)["last"] == pytest.approx(1, rel=1e-3)


def test_the_network_is_left_as_it_was():
    network = Mixed()
    network.drop.eval()
    network.register_buffer("counter", torch.zeros(3))
    modes = {name: module.training for name, module in network.named_modules()}
    before = {name: value.clone() for name, value in network.state_dict().items()}
    torch.manual_seed(0)
    generator = torch.get_rng_state()
    initial_state(network, LSUV, 0, inputs=noise(128, 64))
    assert torch.equal(generator, torch.get_rng_state())
    assert {name: module.training for name, module in network.named_modules()} == modes
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())


def test_the_batch_is_chosen_by_the_seed():
    inputs = noise(500, 20) * torch.linspace(0.1, 10, 500)[:, None]
    few = make_initializer("lsuv", {"batch_size": 8})
    first, again, other = (
        initial_state(Backwards(), few, seed, inputs=inputs)["first.weight"] for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert float(first.norm()) != pytest.approx(float(other.norm()), rel=0.01)


def test_several_inputs():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.mix = nn.Bilinear(3, 4, 50)

        def forward(self, first, second):
            return self.mix(first, second)

    network, inputs = Two(), (noise(100, 3), noise(100, 4))
    initialize_(network, LSUV, 0, inputs=inputs)
    assert float(network(*inputs).detach().std()) == pytest.approx(1, rel=1e-3)
