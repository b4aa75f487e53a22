"""How large the forward signal is at each layer.

Answers: does the signal keep its scale on its way up, or does it vanish or explode?
Requires: pre-activations.
"""

import math

import torch
from torch import Tensor

from initsweep.probes import PROBES
from initsweep.probes.capture import Layer


def standard_deviation(values: Tensor) -> float:
    """Return the population standard deviation over all elements.

    Scales by the largest value first, so that squares neither overflow nor underflow.
    Infinite if any element is not finite.
    """
    largest = float(values.abs().max())
    if not math.isfinite(largest):
        return math.inf
    if largest == 0:
        return 0.0
    return largest * float((values / largest).std(correction=0))


def root_mean_square(values: Tensor) -> float:
    """Return the square root of the mean square; scaled and infinite as above."""
    largest = float(values.abs().max())
    if not math.isfinite(largest):
        return math.inf
    if largest == 0:
        return 0.0
    return largest * float(torch.sqrt(torch.mean((values / largest) ** 2)))


@PROBES.register("forward_std")
def forward_std(layer: Layer) -> float:
    """Return the standard deviation of the pre-activations over batch and units.

    Source: Glorot and Bengio 2010, section 4; He et al. 2015, section 2.2 (forward case).
    """
    return standard_deviation(layer.pre_activations)
