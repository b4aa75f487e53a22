"""Twins: the same parameters and the same results, and nothing else in common."""

import threading
import weakref
from abc import ABC, abstractmethod
from collections import OrderedDict, deque
from functools import partial

import pytest
import torch
from torch import nn

from initsweep.graph.twins import apart, twin_of
from tests.own_networks import FEATURES, KINDS

HEARD = []


class Told(nn.Module):
    def __init_subclass__(cls, tag, **rest):
        super().__init_subclass__(**rest)
        HEARD.append((cls, tag))


class Base(ABC, Told, tag="base"):
    @abstractmethod
    def forward(self, x): ...


class Entangled(Base, tag="entangled"):
    """Refers to its modules in every way that Python has."""

    def __init__(self):
        super().__init__()
        inner = nn.Linear(3, 3)
        self.inner, self.norm, self.again = inner, nn.BatchNorm1d(3), inner
        self.closure, self.bound = lambda x: inner(x), self.normed
        self.partial = partial(self.normed, factor=2.0)
        self.places = {inner: [self.norm, (inner, 1)], "set": {self.norm}}
        self.history, self.lock = deque([inner], maxlen=2), threading.Lock()
        self.register_buffer("count", torch.zeros(()))
        self.counted = self.count
        self.inner.register_forward_hook(lambda module, args, output: output + 0 * self.count)

    def normed(self, x, factor=1.0):
        return self.norm(x) * factor

    def forward(self, x):
        self.count += 1
        with self.lock:
            same = next(iter(self.places)) is self.inner
        return self.partial(self.bound(self.closure(x))) if same else x


def state_of(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


@pytest.mark.parametrize("kind", KINDS)
def test_a_twin_gives_what_its_network_gives(kind):
    network, x = kind(), torch.randn(9, FEATURES)
    twin = twin_of(twin_of(network))
    assert torch.equal(twin(x), network(x))
    assert [*twin.named_parameters()] == [*network.named_parameters()]
    assert repr(twin) == repr(network)


def test_whatever_becomes_of_a_twin_its_network_stays():
    network, x = Entangled(), torch.randn(9, 3)
    before, heard = state_of(network), len(HEARD)
    expected = nn.BatchNorm1d(3)(nn.BatchNorm1d(3)(network.inner(x))) * 2
    twin = twin_of(network)
    for module in twin.modules():
        module.register_forward_hook(lambda *_: None)
    assert torch.equal(twin(x), expected)
    twin.eval().history.append(None)
    twin.last = x
    assert same(state_of(network), before)
    assert all(module.training for module in network.modules())
    assert [len(module._forward_hooks) for module in network.modules()] == [0, 1, 0]
    assert (len(network.history), hasattr(network, "last")) == (1, False)
    assert twin.count == 1
    assert twin.counted is twin.count
    assert len(HEARD) == heard


def test_what_refers_to_a_module_refers_to_the_twin_s():
    network = Entangled()
    twin = twin_of(network)
    assert twin.inner is twin.again is not network.inner
    assert twin.places == {twin.inner: [twin.norm, (twin.inner, 1)], "set": {twin.norm}}
    assert twin.bound.__self__ is twin.partial.func.__self__ is twin
    assert twin.history == deque([twin.inner])
    assert twin.lock is network.lock
    assert isinstance(twin, Entangled)
    assert twin.__class__.__mro__[1:].count(Entangled) == 1
    assert twin.inner.__class__ is nn.Linear
    assert (type(twin).__name__, type(twin).__module__) == ("Entangled", __name__)


@pytest.mark.parametrize("callable_", [False, True])
def test_a_weak_proxy_is_shared_though_what_it_stood_for_is_gone(callable_):
    class Owner:
        def __init__(self, network):
            self.network = network

    if callable_:
        Owner.__call__ = lambda self: None
    network = nn.Sequential(nn.Linear(3, 3))
    owner = Owner(network)
    network.owner = weakref.proxy(owner)
    x = torch.ones(1, 3)
    assert torch.equal(twin_of(network)(x), network(x))
    del owner
    assert torch.equal(twin_of(network)(x), network(x))


def test_given_parts_stand_in_for_their_originals():
    network = nn.GRU(3, 4)
    zeros = {id(one): torch.zeros_like(one) for one in network.parameters()}
    twin = twin_of(network, zeros)
    assert not twin(torch.randn(5, 2, 3))[0].any()
    assert network(torch.randn(5, 2, 3))[0].any()


def test_kinds_of_their_own_survive():
    class Pair(tuple):
        __slots__ = ()

    network = nn.Module()
    network.ordered = OrderedDict(b=network, a=1)
    network.pair, network.size = Pair((network, 2)), torch.Size([2, 3])
    network.me = network
    del network._modules["me"]
    twin = twin_of(network)
    assert [*twin.ordered] == ["b", "a"]
    assert twin.ordered["b"] is twin.pair[0] is twin
    assert (type(twin.ordered), type(twin.pair)) == (OrderedDict, Pair)
    assert twin.size is network.size


def test_functions_stay_functions_and_modules_become_twins():
    relu = nn.ReLU()
    assert apart(torch.relu) is torch.relu
    assert apart(relu) is not relu
    assert torch.equal(apart(relu)(torch.tensor([-1.0, 2.0])), torch.tensor([0.0, 2.0]))
    with pytest.raises(AttributeError, match="'ReLU' object has no attribute 'weight'"):
        _ = apart(relu).weight


class ByKind(dict):
    """Sets and looks up under other keys than it is given."""

    def __setitem__(self, one, value):
        super().__setitem__(type(one).__name__, value)

    def get(self, one):
        return super().get(type(one).__name__)


class Registered(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.kinds = nn.Linear(3, 3), ByKind()
        self.kinds[self.inner] = self.inner

    def forward(self, x):
        return self.kinds.get(self.inner)(x)


def test_a_dictionary_of_the_users_keeps_its_keys():
    network = Registered()
    twin = twin_of(network)
    assert list(twin.kinds) == ["Linear"]
    assert twin.kinds["Linear"] is twin.inner
    assert torch.equal(twin(torch.ones(2, 3)), network(torch.ones(2, 3)))
