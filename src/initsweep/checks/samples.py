"""Layers of every kind, and small networks, to try initializers on."""

from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor, nn

from initsweep.core.randomness import torch_stream
from initsweep.initializers import Layer, layers_of

N_INPUTS, N_OUTPUTS = 6, 3


@cache
def sample_layers() -> Mapping[str, tuple[Layer, ...]]:
    """Return layers by what to call their kind; the first one is large and before a ReLU."""
    return {
        "linear": (
            layers_of(nn.Sequential(nn.Linear(64, 1024), nn.ReLU()))[0],
            *layers_of(nn.Linear(1, 1)),
            *layers_of(nn.Linear(5, 3, bias=False)),
        ),
        "convolution": (
            *layers_of(nn.Conv2d(4, 6, 3, stride=2, groups=2)),
            *layers_of(nn.Conv3d(4, 4, 3, groups=4)),
        ),
        "transposed convolution": (
            *layers_of(nn.ConvTranspose1d(4, 6, 3)),
            *layers_of(nn.ConvTranspose2d(6, 4, (2, 3), groups=2)),
        ),
        "lookup table": tuple(layers_of(nn.Embedding(7, 5))),
        "bilinear": tuple(layers_of(nn.Bilinear(3, 4, 5))),
        "attention": tuple(layers_of(nn.MultiheadAttention(6, 2))),
        "recurrent": tuple(layers_of(nn.GRU(3, 4))),
    }


class Residual(nn.Module):
    """Two residual branches that end in a norm, with a projection around the first one."""

    def __init__(self) -> None:
        super().__init__()
        self.around = nn.Linear(N_INPUTS, 8)
        self.first = _branch(N_INPUTS)
        self.second = _branch(8)
        self.head = nn.Linear(8, N_OUTPUTS)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the outputs, shape (batch, 3), for inputs of shape (batch, 6)."""
        signal = torch.relu(self.around(inputs) + self.first(inputs))
        outputs: Tensor = self.head(torch.relu(signal + self.second(signal)))
        return outputs


def sample_networks() -> Mapping[str, nn.Module]:
    """Return networks of 6 inputs and 3 outputs, fresh ones on every call."""
    hidden = [nn.Linear(N_INPUTS, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU()]
    return {
        "plain": nn.Sequential(*hidden, nn.Linear(32, N_OUTPUTS)),
        "residual": Residual(),
    }


def sample_inputs() -> Tensor:
    """Return examples for the networks, shape (64, 6)."""
    return torch.randn(64, N_INPUTS, generator=torch_stream("contract batch"))


def _branch(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, 8), nn.ReLU(), nn.Linear(8, 8), nn.LayerNorm(8))
