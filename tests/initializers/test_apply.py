"""Filling a network: addresses of draws, norm layers, tied weights, refusals."""

import math
import pickle
import warnings
from queue import SimpleQueue

import pytest
import torch
from torch import nn

from initsweep.core.errors import InitsweepError, InitsweepWarning
from initsweep.core.randomness import torch_stream
from initsweep.initializers import Initializer, forward_gain, make_initializer
from initsweep.initializers.apply import initial_state, initial_states, initialize_, layers_of

HE = make_initializer("he_normal", {})


class Net(nn.Module):
    """Three layers and two norms, registered in the order given."""

    def __init__(self, order=("first", "norm", "second", "scale", "head")):
        super().__init__()
        modules = {
            "first": nn.Linear(20, 30),
            "norm": nn.BatchNorm1d(30),
            "second": nn.Linear(30, 30, bias=False),
            "scale": nn.LayerNorm(30),
            "head": nn.Linear(30, 5),
        }
        for name in order:
            self.add_module(name, modules[name])
        self.activation_after = {"first": torch.tanh, "second": torch.relu}


class Returns(Initializer):
    summary = reference = conditions = "for tests"
    result: str

    def weight(self, layer, generator):
        shape = layer.weight_shape
        return {
            "list": [0.0],
            "transposed": torch.zeros(shape).T,
            "float64": torch.zeros(shape, dtype=torch.float64),
            "nan": torch.full(shape, math.nan),
            "inf": torch.full(shape, math.inf),
        }[self.result]


def ignores_the_generator(layer, generator):
    return nn.init.normal_(torch.empty(layer.weight_shape))


def test_layers_carry_shapes_fans_and_the_activation():
    first, second, head = layers_of(Net())
    assert (first.name, first.weight_shape, first.bias_shape) == ("first", (30, 20), (30,))
    assert (first.fan_in, first.fan_out, first.activation) == (20, 30, torch.tanh)
    assert (second.bias_shape, second.activation) == (None, torch.relu)
    assert (head.name, head.activation) == ("head", None)


def test_each_parameter_comes_from_the_stream_of_its_name():
    state = initial_state(Net(), HE, 3)
    layer = layers_of(Net())[0]
    expected = HE.weight(layer, torch_stream("weights", 3, "first.weight"))
    assert torch.equal(state["first.weight"], expected)
    assert not torch.equal(state["first.weight"], initial_state(Net(), HE, 4)["first.weight"])


def test_all_parameters_are_there_in_their_order():
    assert list(initial_state(Net(), HE, 0)) == [name for name, _ in Net().named_parameters()]


def test_the_order_of_modules_moves_no_weight():
    state = initial_state(Net(), HE, 0)
    other = initial_state(Net(("head", "scale", "second", "norm", "first")), HE, 0)
    assert list(state) != list(other)
    assert all(torch.equal(state[name], other[name]) for name in state)


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("he_normal", "xavier_normal", lambda i, o: math.sqrt((i + o) / i)),
        ("he_normal", "lecun_normal", lambda i, o: math.sqrt(2)),
        ("he_uniform", "xavier_uniform", lambda i, o: math.sqrt((i + o) / i)),
        ("he_uniform", "torch_default", lambda i, o: math.sqrt(6)),
    ],
)
def test_schemes_of_one_family_are_scaled_copies_of_one_draw(one, other, ratio):
    first = initial_state(Net(), make_initializer(one, {}), 7)
    second = initial_state(Net(), make_initializer(other, {}), 7)
    for layer in layers_of(Net()):
        factor = ratio(layer.fan_in, layer.fan_out)
        name = f"{layer.name}.weight"
        torch.testing.assert_close(first[name], second[name] * factor, rtol=1e-6, atol=0)


@pytest.mark.parametrize("scheme", ["zeros", "he_normal", "torch_default"])
def test_norm_layers_start_neutral_under_every_scheme(scheme):
    state = initial_state(Net(), make_initializer(scheme, {}), 0)
    for name in ("norm", "scale"):
        assert torch.equal(state[f"{name}.weight"], torch.ones(30))
        assert torch.equal(state[f"{name}.bias"], torch.zeros(30))


def test_biases_are_zero_except_where_the_scheme_says_otherwise():
    assert torch.equal(initial_state(Net(), HE, 0)["first.bias"], torch.zeros(30))
    bias = initial_state(Net(), make_initializer("torch_default", {}), 0)["first.bias"]
    assert 0.7 / math.sqrt(20) < float(bias.abs().max()) <= 1 / math.sqrt(20)


def test_torch_default_has_the_bounds_of_torch_itself():
    layers = [nn.Linear(50, 800), nn.Conv2d(8, 90, 3), nn.ConvTranspose2d(90, 8, 3, stride=2)]
    for layer in layers:
        theirs = {name: float(p.detach().abs().max()) for name, p in layer.named_parameters()}
        state = initial_state(layer, make_initializer("torch_default", {}), 0)
        assert float(state["weight"].abs().max()) == pytest.approx(theirs["weight"], rel=2e-3)
        assert float(state["bias"].abs().max()) == pytest.approx(theirs["bias"], rel=0.5)
        spread = float(layer.weight.detach().std())
        assert float(state["weight"].std()) == pytest.approx(spread, rel=0.05)


def test_a_tied_weight_is_drawn_once_and_both_biases_are():
    network = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))
    network[2].weight = network[0].weight
    state = initial_state(network, make_initializer("torch_default", {}), 0)
    assert list(state) == ["0.weight", "0.bias", "2.bias"]
    assert [layer.name for layer in layers_of(network)] == ["0"]


def test_initialize_fills_in_place_and_restarts_running_statistics():
    network = Net()
    network.norm(torch.randn(8, 30) + 5)
    returned = initialize_(network, HE, 1)
    assert returned is network
    expected = initial_state(Net(), HE, 1)
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter, expected[name])
        assert parameter.requires_grad
        assert parameter.grad is None
    assert torch.equal(network.norm.running_mean, torch.zeros(30))
    assert int(network.norm.num_batches_tracked) == 0


def test_initialize_takes_a_name():
    network = initialize_(nn.Linear(3, 3), "zeros", 0)
    assert torch.equal(network.weight, torch.zeros(3, 3))


def test_the_global_generator_neither_matters_nor_moves():
    mine = make_initializer(f"{__name__}:ignores_the_generator", {})
    network = Net()
    torch.manual_seed(1)
    before = torch.get_rng_state()
    state = initial_state(network, mine, 0)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    again = initial_state(network, mine, 0)
    assert torch.equal(state["first.weight"], again["first.weight"])
    assert not torch.equal(state["second.weight"][:20], state["first.weight"].T)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ("list", r"'first.weight' must return a tensor, received \[0.0\]"),
        ("transposed", r"shape \(30, 20\), torch.float32.*received shape \(20, 30\)"),
        ("float64", "received shape .*torch.float64"),
        ("nan", "not finite"),
        ("inf", "not finite"),
    ],
)
def test_an_improper_weight_is_refused(result, message):
    with pytest.raises(InitsweepError, match=message):
        initial_state(Net(), Returns(result=result), 0)


def test_initializers_travel_to_worker_processes():
    for initializer in (HE, make_initializer(f"{__name__}:ignores_the_generator", {})):
        copy = pickle.loads(pickle.dumps(initializer))  # noqa: S301 - our own bytes
        state, again = initial_state(Net(), initializer, 0), initial_state(Net(), copy, 0)
        assert torch.equal(state["first.weight"], again["first.weight"])


class Read(nn.Module):
    """Notes how often it is read or run, where no copy of it looks."""

    def __init__(self, times):
        super().__init__()
        self.inner, self.head, self.phi = nn.Linear(20, 20), nn.Linear(20, 5), torch.relu
        self.note = times.put

    def forward(self, x):
        self.note(x)
        return self.head(x + self.phi(self.inner(x)))


@pytest.mark.parametrize("scheme", ["he_normal", "lecun_normal"])
@pytest.mark.parametrize("gain", ["auto", "incoming"])
def test_for_many_seeds_a_network_is_read_once(scheme, gain):
    times = SimpleQueue()
    network, initializer = Read(times), make_initializer(scheme, {"gain": gain})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InitsweepWarning)
        expected = [initial_state(network, initializer, seed) for seed in range(3)]
        before = times.qsize()
        state_of = initial_states(network, initializer)
    found = [state_of(seed) for seed in range(3)]
    assert times.qsize() == before + 1
    for one, other in zip(found, expected, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_scheme_for_residual_networks_does_not_read_it_again():
    class Silent(Read):
        def forward(self, x):
            self.note(x)
            return self.head(x + self.inner(x))

    times = SimpleQueue()
    state_of = initial_states(Silent(times), make_initializer("fixup", {}))
    assert not any(state_of(seed)["head.weight"].any() for seed in range(3))
    assert times.qsize() == 1


def test_what_was_read_is_not_kept_from_call_to_call():
    network, gained = nn.Sequential(nn.Linear(90, 90), nn.ReLU(), nn.Linear(90, 9)), "he_uniform"
    relu = initial_state(network, make_initializer(gained, {"gain": "auto"}), 0)["0.weight"]
    network[1] = nn.Tanh()
    tanh = initial_state(network, make_initializer(gained, {"gain": "auto"}), 0)["0.weight"]
    ratio = forward_gain(torch.tanh) / forward_gain(torch.relu)
    torch.testing.assert_close(tanh, relu * ratio, rtol=1e-6, atol=0)


def test_a_function_that_seeds_the_global_generator_is_followed_and_leaves_nothing():
    def seeding(layer, generator):
        torch.manual_seed(5)
        return torch.randn(layer.weight_shape)

    network = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    before = torch.get_rng_state()
    state = initial_state(network, seeding, 0)
    assert torch.equal(torch.get_rng_state(), before)
    for name, shape in (("0.weight", (3, 4)), ("1.weight", (2, 3))):
        five = torch.Generator().manual_seed(5)
        assert torch.equal(state[name], torch.randn(shape, generator=five))
