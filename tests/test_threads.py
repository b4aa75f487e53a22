"""A user's own threads, which run, trace and draw while ours read, fill and look at networks."""

import copy
import math
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import torch
from torch import fx, nn

from initsweep import diagnose, explain, initial_state, initialize_, make_initializer
from tests.own_networks import FEATURES, KINDS, Attention, Residual

BATCH = torch.randn(32, FEATURES, generator=torch.Generator().manual_seed(0))
pytestmark = [
    pytest.mark.skipif(
        sys.version_info < (3, 11, 7),
        reason="CPython 3.11.2 dies in its own garbage collector under so many threads",
    ),
    pytest.mark.usefixtures("restless_threads"),
    pytest.mark.filterwarnings("ignore::initsweep.core.errors.InitsweepWarning"),
]
GAINED = make_initializer("he_normal", {"gain": "auto"})
SECONDS = 1.0


class Activations(nn.Module):
    """All of them modules, of kinds that are recognized in different ways."""

    def __init__(self):
        super().__init__()
        kinds = nn.GELU(), nn.Tanh(), nn.PReLU(), nn.Sequential(nn.Sigmoid(), nn.Softplus())
        self.layers = nn.ModuleList(nn.Linear(FEATURES, FEATURES) for _ in kinds)
        self.activations, self.norm = nn.ModuleList(kinds), nn.LayerNorm(FEATURES)
        self.head = nn.Linear(FEATURES, 3)

    def forward(self, x):
        for layer, activation in zip(self.layers, self.activations, strict=True):
            x = x + activation(layer(x))
        return self.head(self.norm(x))


def built(kind):
    torch.manual_seed(0)
    return kind()


def of_my_own(layer, generator):
    """As people write it who do not know of generators."""
    return nn.init.xavier_uniform_(torch.empty(layer.weight_shape))


def bytes_of(state):
    return [value.detach().numpy().tobytes() for value in state.values()]


def what_we_are_asked(network):
    """Everything that is called from outside, on one and the same network."""
    return {
        "initial_state": lambda: bytes_of(initial_state(network, GAINED, 3)),
        "lsuv": lambda: bytes_of(initial_state(network, "lsuv", 3, inputs=BATCH)),
        "own": lambda: bytes_of(initial_state(network, of_my_own, 3)),
        "initialize_": lambda: bytes_of(
            dict(initialize_(copy.deepcopy(network), "he_uniform", 3).named_parameters())
        ),
        "diagnose": lambda: str(diagnose(network, BATCH)),
        "built": lambda: str(diagnose(type(network), BATCH, seeds=(0, 1))),
        "explain": lambda: str(explain(network, "he_normal")),
    }


def settings_of_the_process():
    return {
        "call": nn.Module.__call__,
        "getattr": nn.Module.__getattr__,
        "sqrt": math.sqrt,
        "filters": list(warnings.filters),
        "tracing": fx._symbolic_trace._is_fx_tracing_flag,
        "dispatching": torch.utils._python_dispatch._is_in_torch_dispatch_mode,
    }


def side_by_side(ours, theirs):
    """Repeat all of it at the same time for a while, and let each thread check what it gets."""
    expected = {name: ask() for name, ask in ours.items()}
    before, end = settings_of_the_process(), time.monotonic() + SECONDS
    barrier = threading.Barrier(len(ours) + len(theirs))

    def repeat(check):
        barrier.wait()
        check()
        while time.monotonic() < end:
            check()

    def same(name):
        assert ours[name]() == expected[name], name

    with ThreadPoolExecutor(len(ours) + len(theirs)) as pool:
        checks = [*theirs, *(partial(same, name) for name in ours)]
        for done in [pool.submit(repeat, check) for check in checks]:
            done.result()
    assert settings_of_the_process() == before


@pytest.mark.parametrize("kind", [*KINDS, Activations])
def test_no_module_of_theirs_is_called_through_what_a_trace_exchanges(kind, monkeypatch):
    """As `torch.fx` does it in the thread of somebody who traces the same network."""
    network = built(kind)
    asked = what_we_are_asked(network)
    del asked["initialize_"]  # of a copy; that copying looks at theirs is torch's doing
    theirs, called = {id(one) for one in network.modules()}, []
    call, get = nn.Module.__call__, nn.Module.__getattr__

    def exchanged(module, *args, **kwargs):
        called.extend([module] if id(module) in theirs else [])
        return call(module, *args, **kwargs)

    def looked_up(module, name):
        value = get(module, name)
        recorded = isinstance(value, nn.Parameter) and id(module) in theirs
        called.extend([name] if recorded else [])
        return value

    monkeypatch.setattr(nn.Module, "__call__", exchanged)
    monkeypatch.setattr(nn.Module, "__getattr__", looked_up)
    for name, ask in asked.items():
        ask()
        assert not called, name


@pytest.mark.parametrize("kind", KINDS)
def test_forward_passes_and_draws_of_others_are_undisturbed_and_disturb_nothing(kind):
    network = built(kind)
    with torch.no_grad():
        outputs = network.eval()(BATCH)
    torch.manual_seed(7)
    drawn = torch.randn(8)

    def run():
        with torch.no_grad():
            assert torch.equal(network(BATCH), outputs)
        assert not any(module.training for module in network.modules())

    def draw():
        torch.manual_seed(7)
        assert torch.equal(torch.randn(8), drawn)

    side_by_side(what_we_are_asked(network), [run, run, draw])
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize("kind", [Residual, Attention])
def test_traces_of_others_are_undisturbed_and_disturb_nothing(kind):
    network, theirs = built(kind), nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    expected, alone = str(fx.symbolic_trace(theirs).graph), threading.Lock()

    def trace():
        with alone:  # two traces at once get in each other's way without us
            assert str(fx.symbolic_trace(theirs).graph) == expected
            fx.symbolic_trace(network)

    side_by_side(what_we_are_asked(network), [trace])
