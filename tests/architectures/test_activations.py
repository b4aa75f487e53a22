"""The activations behind the names, at points worked out by hand."""

import math
from typing import get_args

import pytest
import torch

from initsweep.architectures.activations import ACTIVATIONS, ActivationName

AT_MINUS_ONE = {
    "identity": -1.0,
    "relu": 0.0,
    "leaky_relu": -0.01,
    "tanh": math.tanh(-1),
    "sigmoid": 1 / (1 + math.e),
    "gelu": -0.5 * math.erfc(1 / math.sqrt(2)),
    "silu": -1 / (1 + math.e),
    "elu": math.exp(-1) - 1,
    "selu": 1.0507009873554805 * 1.6732632423543772 * (math.exp(-1) - 1),
    "softplus": math.log1p(math.exp(-1)),
}


def test_every_name_has_an_activation_and_a_value():
    assert list(ACTIVATIONS) == list(get_args(ActivationName)) == list(AT_MINUS_ONE)


@pytest.mark.parametrize("name", AT_MINUS_ONE)
def test_value_at_minus_one(name):
    z = torch.tensor([-1.0], dtype=torch.float64)
    assert float(ACTIVATIONS[name](z)) == pytest.approx(AT_MINUS_ONE[name], rel=1e-14)
    assert float(z) == -1.0
