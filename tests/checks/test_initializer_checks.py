import random

import pytest
import torch

from initsweep.checks.global_state import global_seeds, moved, snapshot
from initsweep.checks.initializers import (
    fills_networks,
    generators_matter,
    gives_factors,
    initializer_promises,
    leaves_global_state,
)
from initsweep.checks.outcome import BrokenPromiseError
from initsweep.initializers import Multipliers
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


class Factors(Zeros):
    """Puts one factor on the rate of every weight; `given` says which."""

    given: float | None = 1.0

    def multipliers(self, network, kind):
        if self.given is None:
            raise KeyError("head")
        return {slot.name: Multipliers(rate=self.given) for slot in network.slots}


@pytest.mark.parametrize(
    ("given", "said"),
    [(-1.0, "under sgd .*finite and not negative"), (None, r"plain network .*\(KeyError: 'head'")],
)
def test_factors_that_no_optimizer_can_use(given, said):
    assert gives_factors(Factors(given=2.0)) == ""
    with pytest.raises(BrokenPromiseError, match=said):
        gives_factors(Factors(given=given))
    assert len(initializer_promises(Factors())) == len(initializer_promises(Zeros())) + 1
