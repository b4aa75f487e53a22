import random

import pytest
import torch

from initsweep.checks.global_state import global_seeds, moved, snapshot
from initsweep.checks.initializers import fills_networks, generators_matter, leaves_global_state
from initsweep.checks.outcome import BrokenPromiseError
from initsweep.initializers.base import FunctionInitializer, Initializer
from initsweep.initializers.schemes.constant import Zeros


def test_global_seeds_puts_everything_back():
    before = snapshot()
    with global_seeds(7):
        assert moved(before)
        random.random()
        torch.randn(3)
    assert moved(before) == []


def test_settings_of_torch_are_watched():
    def sets_dtype(layer, generator):
        torch.set_default_dtype(torch.float64)
        return torch.zeros(layer.weight_shape, dtype=torch.float32)

    with pytest.raises(BrokenPromiseError, match="changes torch's default dtype"):
        leaves_global_state(FunctionInitializer(function=sets_dtype, options={}))
    assert torch.get_default_dtype() == torch.float32


def test_a_false_claim_to_be_random_or_deterministic():
    class Liar(Zeros):
        deterministic = False

    with pytest.raises(BrokenPromiseError, match="set `deterministic = True`"):
        generators_matter(Liar())

    class OtherLiar(Zeros):
        def weight(self, layer, generator):
            return torch.randn(layer.weight_shape, generator=generator)

    with pytest.raises(BrokenPromiseError, match="depend on the generator"):
        generators_matter(OtherLiar())
    function = FunctionInitializer(function=lambda layer, _: torch.zeros(1), options={})
    assert "same weights" in generators_matter(function)


def test_an_initializer_that_touches_the_network():
    class Meddler(Initializer):
        summary = reference = conditions = "."

        def weight(self, layer, generator):
            return torch.zeros(layer.weight_shape)

        def complete(self, network, state):
            next(iter(network.model.parameters())).data.zero_()
            return state

    with pytest.raises(BrokenPromiseError, match="changes the network"):
        fills_networks(Meddler())
