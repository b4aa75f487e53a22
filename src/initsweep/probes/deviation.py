"""Scales of tensors, free of overflow."""

import math
from collections.abc import Callable

import torch
from torch import Tensor


def standard_deviation(values: Tensor) -> float:
    """Return the population standard deviation over all elements.

    Scales by the largest value first, so that squares neither overflow nor underflow.
    Infinite if any element is not finite.
    """
    return _scaled(values, lambda one: one.std(correction=0))


def root_mean_square(values: Tensor) -> float:
    """Return the square root of the mean square; scaled and infinite as above."""
    return _scaled(values, lambda one: torch.sqrt(torch.mean(one**2)))


def _scaled(values: Tensor, measure: Callable[[Tensor], Tensor]) -> float:
    largest = float(values.abs().max())
    if not math.isfinite(largest):
        return math.inf
    return largest * float(measure(values / largest)) if largest else 0.0
