"""What rounding does to outputs is told from what else does something to them."""

import numpy as np
import pytest
import torch
from torch import nn

from initsweep.graph.rounding import agree, in_float64, rounding, rounding_unit

BATCH = torch.randn(8, 6, generator=torch.Generator().manual_seed(0))


class Scaled(nn.Module):
    """What it makes of its inputs is large in the middle, or coarse."""

    def __init__(self, offset=0.0, dtype=None):
        super().__init__()
        self.linear, self.offset, self.dtype = nn.Linear(6, 3), offset, dtype

    def forward(self, inputs):
        hidden = self.linear(inputs) + self.offset
        return (hidden.to(self.dtype) if self.dtype else hidden).to(inputs.dtype) - self.offset


class Random(Scaled):
    def forward(self, inputs):
        return super().forward(inputs) + float(np.random.default_rng().normal())


@pytest.mark.parametrize(
    ("network", "unit"),
    [
        (Scaled(), 2**-52),
        (Scaled(dtype=torch.float32), 2**-23),
        (Scaled(dtype=torch.bfloat16), 2**-7),
    ],
)
def test_the_coarsest_type_of_numbers_is_heard(network, unit):
    double, wide = in_float64(network, BATCH)
    assert wide.dtype == double.linear.weight.dtype == torch.float64
    assert rounding_unit(double, wide) == unit
    assert network.linear.weight.dtype == torch.float32


def test_a_network_that_does_not_run_in_float64_is_taken_as_it_is():
    class Stubborn(Scaled):
        def forward(self, inputs):
            return super().forward(inputs.to(torch.float32))

    network = Stubborn()
    assert in_float64(network, BATCH) == (network, BATCH)


def test_rounding_is_what_the_network_makes_of_it():
    torch.manual_seed(0)
    plain, deep = nn.Linear(6, 3), nn.Sequential(nn.Linear(6, 64), nn.Tanh(), nn.Linear(64, 3))
    sizes = rounding(plain, BATCH) / plain(BATCH).detach().abs().amax(0)
    assert 1e-6 < float(sizes.min()) <= float(sizes.max()) < 1e-4
    before = rounding(deep, BATCH)
    with torch.no_grad():
        deep[0].weight *= 1000
    assert bool((rounding(deep, BATCH) > 5 * before).all())


def test_noise_of_the_network_is_not_taken_for_rounding():
    network = Random()
    assert float(rounding(network, BATCH).max()) < 1e-3
    assert not agree(network(BATCH), network(BATCH), rounding(network, BATCH))


def test_what_is_not_a_number_agrees_with_its_like_only():
    allowed, one = torch.full((2,), 0.1), torch.tensor([[torch.nan, 1.0], [torch.inf, 2.0]])
    assert agree(one, one + 0.05, allowed)
    assert not agree(one, one + 0.2, allowed)
    assert not agree(one, one.nan_to_num(0.0), allowed)
