import itertools
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from initsweep import diagnose
from initsweep.architectures import build_model
from initsweep.core.errors import InitsweepError
from initsweep.graph.strays import check_registered
from initsweep.graph.twins import twin_of


class Hiding(nn.Module):
    """Holds a layer where torch does not look; what trains is the head."""

    def __init__(self, hide, *, trained=True):
        super().__init__()
        self.inner, self.head = nn.Module(), nn.Linear(4, 3)
        self.inner.hidden = hide(nn.Linear(4, 4).requires_grad_(trained))

    def forward(self, x):
        held = self.inner.hidden
        while not isinstance(held, nn.Module):
            held = next(iter(held.values() if isinstance(held, dict) else held))
        return self.head(torch.tanh(held(x)))


WAYS = {
    "list": lambda layer: [layer],
    "tuple": lambda layer: ([layer],),
    "dict": lambda layer: {"first": (layer,)},
    "set": lambda layer: {layer},
}
GROUPED = {
    "in a sequence": lambda net: [nn.Sequential(net.also, nn.ReLU())],
    "the head too": lambda net: ([net.head, nn.Sequential(nn.Sequential(net.also))],),
}
BATCH = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))


def hiding(n_features, n_outputs, way):
    return Hiding(WAYS[way])


@pytest.mark.parametrize("way", WAYS)
def test_layers_to_train_are_not_held_where_torch_does_not_look(way):
    told = rf"holds a Linear in 'inner.hidden', a plain {way}, .*Hold layers in nn.ModuleList"
    with pytest.raises(InitsweepError, match=f"The network of '.*:hiding' {told}"):
        build_model(f"{__name__}:hiding", {"way": way}, n_features=4, n_outputs=3)
    row = diagnose(Hiding(WAYS[way]), BATCH).schemes[0]
    assert row.verdict == "detached"
    assert f"inner.hidden (a {way})" in row.reason


@pytest.mark.parametrize("way", WAYS)
def test_frozen_ones_and_those_that_are_registered_too_may_be(way):
    assert diagnose(Hiding(WAYS[way], trained=False), BATCH).layers[-1].name == "head"
    twice = Hiding(WAYS[way])
    twice.also = nn.Linear(4, 4)
    twice.inner.hidden = WAYS[way](twice.also)
    assert [row.name for row in diagnose(twice, BATCH).layers] == ["also", "head"]


@pytest.mark.parametrize("group", GROUPED.values(), ids=GROUPED)
def test_a_group_that_is_registered_nowhere_may_hold_layers_that_are(group):
    network = Hiding(lambda _: [nn.ReLU()])
    network.also = nn.Linear(4, 4)
    network.inner.hidden = group(network)
    check_registered(network, "it")


@pytest.mark.usefixtures("restless_threads")
def test_a_thread_may_use_the_network_meanwhile():
    network, stop = Hiding(lambda _: [nn.ReLU()]), threading.Event()
    network.seen, network.steps, network.table = set(), deque(), {}

    def disturb():
        for step in itertools.count():
            network.seen.add(step)
            network.inner.hidden.append(step)
            network.steps.append(step)
            network.table[step] = step
            setattr(network, f"last_{step}", step)
            if step % 50 == 49:
                network.seen.clear()
                network.table.clear()
                del network.inner.hidden[1:]
                for name in [name for name in vars(network) if name.startswith("last_")]:
                    delattr(network, name)
                if stop.is_set():
                    return

    with ThreadPoolExecutor(1) as pool:
        disturbing, end = pool.submit(disturb), time.monotonic() + 1
        try:
            while time.monotonic() < end:
                check_registered(network, "it")
                twin_of(network)
        finally:
            stop.set()
        disturbing.result()
