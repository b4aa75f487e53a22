"""In how many directions a layer's activations vary.

Answers: do different examples still look different this deep in the network?
Requires: activations.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor

from initsweep.core.records import rounded
from initsweep.probes import PROBES
from initsweep.probes.capture import Layer

DIGITS = 6  # of a rank; eigenvalues are accurate to some more, which depend on the processor


# The two ranks of a layer ask for the same one; a tensor is found again by identity.
@lru_cache(maxsize=1)
def spectrum(matrix: Tensor) -> Tensor:
    """Return the singular values over the largest entry, descending, shape (min(rows, columns),).

    From the eigenvalues of the smaller Gram matrix, many times faster than a singular value
    decomposition and accurate to 1e-8 of the largest value. Empty for a matrix of zeros, and
    where entries are not finite and nothing can be said.
    """
    largest = float(matrix.abs().max())
    if largest == 0 or not math.isfinite(largest):
        return matrix.new_empty(0)
    scaled = matrix / largest
    gram = scaled @ scaled.mT if len(scaled) < scaled.shape[1] else scaled.mT @ scaled
    squares: Tensor = torch.linalg.eigvalsh(gram)
    return squares.clamp_min(0).sqrt().flip(0)


def effective_rank(matrix: Tensor) -> float:
    """Return exp(H(p)) with p the singular values divided by their sum, not centred.

    Between 1 (one direction) and min(rows, columns) (all directions alike). 0 where there is no
    spectrum.

    Source: Roy and Vetterli 2007, "The effective rank: a measure of effective dimensionality".
    """
    singular_values = spectrum(matrix)
    if not len(singular_values):
        return 0.0
    shares = singular_values / singular_values.sum()
    return math.exp(float(torch.special.entr(shares).sum()))


def stable_rank(matrix: Tensor) -> float:
    """Return ‖A‖_F² / ‖A‖₂², between 1 and the rank; 0 where there is no spectrum.

    Source: Rudelson and Vershynin 2007, "Sampling from large matrices", section 1.
    """
    singular_values = spectrum(matrix)
    if not len(singular_values):
        return 0.0
    return float((singular_values / singular_values[0]).square().sum())


@PROBES.register("effective_rank")
def activation_rank(layer: Layer) -> float:
    """Return the effective rank of the layer's activations, shape (rows, units)."""
    return rounded(effective_rank(layer.activations), DIGITS)


@PROBES.register("stable_rank")
def activation_stable_rank(layer: Layer) -> float:
    """Return the stable rank of the layer's activations, shape (rows, units)."""
    return rounded(stable_rank(layer.activations), DIGITS)
