"""Activations by name."""

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Activation = Callable[[Tensor], Tensor]
ActivationName = Literal[
    "identity", "relu", "leaky_relu", "tanh", "sigmoid", "gelu", "silu", "elu", "selu", "softplus"
]


def identity(z: Tensor) -> Tensor:
    """Return the pre-activation unchanged: a deep linear network."""
    return z


# leaky_relu: slope 0.01 below zero; gelu: the exact form with erf; elu: alpha 1; softplus: beta 1.
ACTIVATIONS: Mapping[ActivationName, Activation] = {
    "identity": identity,
    "relu": functional.relu,
    "leaky_relu": functional.leaky_relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "elu": functional.elu,
    "selu": functional.selu,
    "softplus": functional.softplus,
}
