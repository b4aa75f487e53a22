"""Traces as torch.fx makes them, without what it does to the process meanwhile."""

import math
import math as mathematics
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from functools import cached_property, lru_cache, partial, partialmethod
from math import sqrt
from types import SimpleNamespace
from typing import cast

import pytest
import torch
from torch import fx, nn
from torch.utils.checkpoint import checkpoint

from initsweep.graph.traces import traces_of
from initsweep.graph.tracing import trace
from initsweep.graph.twins import copy_of
from initsweep.initializers import activations_after
from tests import own_networks
from tests.own_networks import KINDS, Branching

fx.wrap("taken_whole")
AROUND = nn.ReLU()


def taken_whole(x, power):
    return x**power if float(x.sum()) > 0 else x


def by_root(x):
    return x / math.sqrt(x.size(-1))


class Net(nn.Module):
    """Two layers; how they are used is given."""

    def __init__(self, use=None):
        super().__init__()
        self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 3)
        self.use = use

    def forward(self, x):
        return self.two(torch.relu(self.use(self, x)))


class ByMethod(Net):
    def forward(self, x):
        return self.two(self.scaled(self.one(x)))

    def scaled(self, x):
        return self.divided(x, 2.0)

    @staticmethod
    def divided(x, by):
        return x / (by * math.floor(x.size(-1)))


class ByParent(ByMethod):
    def forward(self, x):
        return torch.tanh(super().forward(x))

    @property
    def halved(self):
        return self.two


class ByName(ByMethod):
    def forward(self, x):
        return ByMethod.forward(self, x)


class Outside(Net):
    """Holds its layers in every place but one of `nn.Module`'s own."""

    def __init__(self):
        super().__init__()
        one = self.one
        self.table = {"one": lambda x: torch.tanh(one(x))}
        self.steps = [(self.two,)]
        self.forward = partial(self.run, power=2)

    def run(self, x, power):
        return self.steps[0][0](self.table["one"](x) ** power)


class Holder:
    def __init__(self, layer):
        self.layer = layer

    def run(self, x):
        return self.layer(x)


class Held(Net):
    def __init__(self):
        super().__init__()
        self.holder = Holder(self.one)

    def forward(self, x):
        return self.two(torch.relu(self.holder.run(x)))


class Scales:
    """A mixin, something to call, a descriptor and a table of functions."""

    def __init__(self, function=None):
        self.function = function

    def __call__(self, x):
        return self.scaled(x)

    def __get__(self, network, kind=None):
        return lambda x: self.scaled(self.function(network, x))

    @staticmethod
    def scaled(x, by=1):
        return by * x / math.sqrt(x.shape[-1])

    power = partialmethod(scaled, by=3)


class MoreScales(Scales): ...


class Mixed(Net, MoreScales):
    def forward(self, x):
        return self.two(self.scaled(self.one(x)))


class Cached(Net):
    described = Scales(lambda network, x: network.one(x))
    twice = partialmethod(Scales.scaled, by=2)

    @cached_property
    def cached(self):
        return lambda x: self.one(x) / math.sqrt(x.shape[-1])

    def forward(self, x):
        return self.two(self.cached(x) + self.described(x) + type(self).twice.__get__(x)())


class Slotted(Net):
    __slots__ = ("factor", "never")

    def __init__(self, use):
        super().__init__(use)
        self.factor = 2.0


class Slot:
    __slots__ = ("inner",)

    def __init__(self, inner):
        self.inner = inner


def holding(hold, reach):
    """Return a network that reaches its first layer through something that holds it."""
    network = Net(lambda net, x: reach(net.held)(x))
    network.held = hold(network.one)
    return network


class Unregistered(Net):
    def __init__(self):
        super().__init__()
        self.hidden = [nn.Linear(4, 4)]

    def forward(self, x):
        return self.two(self.hidden[0](x))


class OwnCall(Net):
    def __call__(self, x):
        return super().__call__(x) * 2

    def forward(self, x):
        return self.two(self.one(x))


class Parametric(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight, self.scale = nn.Parameter(torch.ones(3, 4)), nn.Parameter(torch.ones(3))
        self.register_buffer("mask", torch.ones(3))
        self.constant = torch.full((3,), 0.5)

    def forward(self, x):
        return (x @ self.weight.t()) * self.scale * self.mask + self.constant + torch.ones(3)


def imported(network, x):
    import math as late

    return network.one(x) * late.sqrt(x.shape[-1])


def by_kind(network, x):
    kinds = {nn.Linear: torch.tanh, Net: torch.relu, own_networks.Dense: torch.abs}
    assert isinstance(type(network), type)
    assert type("Made", (), {}).__name__ == "Made"
    for one in (network.one, network):
        x = kinds[type(one)](x) if one.__class__ is type(one) else x
    return network.one(x) if type(network) is Net and type(x) is not Net else x


def annotated(network, x, *, factor: float = 2.0):
    return torch.no_grad()(by_root)(network.one(x)) * factor


WAYS = {
    "math.sqrt": lambda: Net(lambda net, x: net.one(x) / math.sqrt(x.shape[-1])),
    "renamed": lambda: Net(lambda net, x: net.one(x) / mathematics.sqrt(x.shape[-1])),
    "from math": lambda: Net(lambda net, x: net.one(x) / sqrt(x.shape[-1])),
    "by kind": lambda: Net(by_kind),
    "by class": lambda: Net(
        lambda net, x: net.one(x) if isinstance(net, Net) and isinstance(net.one, nn.Linear) else x
    ),
    "imported late": lambda: Net(imported),
    "a function": lambda: Net(lambda net, x: by_root(net.one(x))),
    "a decorated function": lambda: Net(annotated),
    "another file": lambda: Net(lambda net, x: own_networks.attention(net.one(x), x, x)),
    "a method": ByMethod,
    "a parent": ByParent,
    "a parent by name": ByName,
    "outside": Outside,
    "held": Held,
    "unregistered": Unregistered,
    "around": lambda: Net(lambda net, x: AROUND(net.one(x))),
    "own call": OwnCall,
    "parametric": Parametric,
    "a mixin after nn.Module": Mixed,
    "descriptors": Cached,
    "a helper class": lambda: Net(lambda net, x: MoreScales.scaled(net.one(x))),
    "a helper object": lambda: Net(lambda net, x: HELPER(net.one(x))),
    "a callable object": lambda: holding(lambda one: [one, Scales()], lambda held: held[1]),
    "slots": lambda: Slotted(lambda net, x: net.one(x) * net.factor),
    "a slot": lambda: holding(Slot, lambda held: held.inner),
    "slots of lists": lambda: holding(lambda one: Slot([Slot(one)]), lambda h: h.inner[0].inner),
    "held in a list": lambda: holding(lambda one: Holder([one]), lambda held: held.layer[0]),
    "a namespace": lambda: holding(lambda one: SimpleNamespace(a=[one]), lambda held: held.a[0]),
    "a reference": lambda: holding(weakref.ref, lambda held: held()),
    "types of types": lambda: Net(lambda net, x: cast(type[nn.Module], net.one)(x)),
    "members": lambda: holding(lambda _: Way.ONE, lambda held: WAY_OF[held]),
    "fx.wrap": lambda: Net(lambda net, x: taken_whole(net.one(x), 2)),
    "checkpoint": lambda: Net(lambda net, x: checkpoint(net.one, x, use_reentrant=False)),
    "traced before": lambda: fx.symbolic_trace(Net(lambda net, x: by_root(net.one(x)))),
    "scripted": lambda: nn.Sequential(torch.jit.script(nn.Linear(4, 4)), nn.ReLU()),
    "weight norm": lambda: nn.utils.parametrizations.weight_norm(nn.Linear(4, 3)),
}


HELPER = MoreScales()


class Way(Enum):
    ONE = (by_root,)

    def __call__(self, x):
        return x


WAY_OF = {Way.ONE: Scales()}


class Patching(fx.Tracer):
    def is_leaf_module(self, m, module_qualified_name):
        return is_leaf(m)


def is_leaf(module):
    return isinstance(module, nn.Linear | nn.GRU | nn.ReLU)


def outcome(make):
    try:
        return str(make())
    except Exception as error:  # noqa: BLE001 - whatever a tracer meets
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("build", [*KINDS, *WAYS.values()], ids=[*KINDS, *WAYS])
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_what_is_recorded_is_what_torch_fx_records(build):
    expected = outcome(lambda: Patching().trace(nn.Sequential(build())))
    network = nn.Sequential(build())
    assert outcome(lambda: trace(network, is_leaf).graph) == expected
    assert outcome(lambda: trace(copy_of(copy_of(network)), is_leaf).graph) == expected


def test_len_is_an_operation_too():
    network = Net(lambda net, x: net.one(x) * len(x))
    traced = trace(network, is_leaf)
    for count in (3, 5):
        x = torch.randn(count, 4)
        given = fx.Interpreter(traced.root, graph=traced.graph).run(x)
        assert torch.equal(given, network(x))
    assert len([0]) == 1


def test_the_operations_up_to_the_one_that_cannot_be_recorded_are_there():
    graph = fx.Graph()
    with pytest.raises(fx.proxy.TraceError):
        trace(Net(lambda net, x: net.one(x) if net.one(x).sum() > 0 else x), is_leaf, graph=graph)
    assert [node.op for node in graph.nodes][:3] == ["placeholder", "call_module", "call_method"]


@pytest.mark.parametrize("training", [True, False])
def test_running_the_operations_gives_what_the_network_gives(training):
    network = Parametric().train(training)
    traced = trace(network, is_leaf)
    x = torch.randn(5, 4)
    assert torch.equal(fx.Interpreter(traced.root, graph=traced.graph).run(x), network(x))
    assert torch.equal(traced.root(x), network(x))
    assert traced.root.training is training


def elsewhere(function):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


@lru_cache(maxsize=0)  # an object of C, which is not copied, and sees what others see
def settings():
    return (
        nn.Module.__call__, nn.Module.__getattr__, math.sqrt, globals()["sqrt"],
        globals()["taken_whole"], list(warnings.filters), elsewhere(torch.get_rng_state).tolist(),
        fx._symbolic_trace._is_fx_tracing_flag,
    )  # fmt: skip


def test_nothing_of_the_process_is_other_while_a_network_is_traced():
    seen = Seen()

    def use(network, x):
        seen.look()
        return network.one(x) + torch.randn(4)

    network = Net(use)
    before = settings()
    trace(network, is_leaf)
    assert [*seen.settings, settings()] == [before, before]


class Seen:
    def __init__(self):
        self.settings = []

    def look(self):
        self.settings.append(settings())


def test_a_network_is_left_as_it_was():
    class Restless(Net):
        def __init__(self):
            super().__init__()
            self.count, self.seen = 0, []
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, x):
            global counted
            counted = True
            self.calls += 1
            self.count, self.last = self.count + 1, x
            self.seen.append(x)
            warnings.warn("every time", stacklevel=2)
            return self.two(self.one(x))

    network = Restless()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    trace(network, is_leaf)
    assert (network.count, network.seen, hasattr(network, "last")) == (0, [], False)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert "counted" not in globals()


def test_a_compiled_network_is_traced_through():
    for network, layer in ((ByMethod(), "one"), (nn.Sequential(nn.Linear(4, 4)), "0")):
        compiled = nn.Sequential(torch.compile(network, backend="eager"))
        nodes = trace(compiled, is_leaf).graph.nodes
        assert f"0._orig_mod.{layer}" in [node.target for node in nodes]


def test_what_a_forward_raises_is_raised():
    with pytest.raises(TypeError, match="must be a string or a real number, not 'Proxy'"):
        trace(Branching(), is_leaf)
    with pytest.raises(fx.proxy.TraceError):
        trace(nn.Sequential(nn.GRU(2, 2)), lambda _: False)


class Several(nn.Module):
    """Needs two arguments, of which one has a name only, and returns an object."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x, *, y, mask=None):
        out = self.first(x).relu() + self.second(y).tanh()
        return SimpleNamespace(logits=out if mask is None else out * mask, extra="kept")


def test_a_network_of_several_arguments_that_returns_an_object_is_read_as_a_whole():
    (read,) = traces_of(Several())
    assert not read.broken
    assert [node.target for node in read.nodes if node.op == "placeholder"] == ["x", "y"]
    after = activations_after(Several())
    assert list(after) == ["first", "second"]
    assert not after.unclear
