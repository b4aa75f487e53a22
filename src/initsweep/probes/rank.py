"""In how many directions a layer's activations vary.

Answers: do different examples still look different this deep in the network?
Requires: activations.
"""

import math

import torch
from torch import Tensor

from initsweep.probes import PROBES
from initsweep.probes.capture import Layer


def effective_rank(matrix: Tensor) -> float:
    """Return exp(H(p)) with p the singular values divided by their sum, not centred.

    Between 1 (one direction) and min(rows, columns) (all directions alike). 0 for a matrix of
    zeros, and where entries are not finite and nothing can be said.

    Source: Roy and Vetterli 2007, "The effective rank: a measure of effective dimensionality".
    """
    largest = float(matrix.abs().max())
    if largest == 0 or not math.isfinite(largest):
        return 0.0
    singular_values = torch.linalg.svdvals(matrix / largest)
    shares = singular_values / singular_values.sum()
    return math.exp(float(torch.special.entr(shares).sum()))


@PROBES.register("effective_rank")
def activation_rank(layer: Layer) -> float:
    """Return the effective rank of the layer's activations, shape (rows, units)."""
    return effective_rank(layer.activations)
