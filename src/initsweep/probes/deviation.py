"""Scales of tensors, free of overflow."""

import math

import torch
from torch import Tensor


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
