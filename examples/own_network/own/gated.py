"""A network of one's own: blocks of which one half decides how much of the other passes."""

from itertools import pairwise

import torch
from torch import nn


class Gated(nn.Module):
    """A gated linear layer (Dauphin et al., 2017)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.value = nn.Linear(inputs, outputs)
        self.gate = nn.Linear(inputs, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features of shape (batch, outputs)."""
        return self.value(x) * torch.sigmoid(self.gate(x))


def make_net(n_features: int, n_outputs: int, *, width: int, depth: int) -> nn.Module:
    """Return a stack of gated layers with a linear head."""
    sizes = [n_features] + [width] * depth
    blocks = [Gated(a, b) for a, b in pairwise(sizes)]
    return nn.Sequential(*blocks, nn.Linear(width, n_outputs))
