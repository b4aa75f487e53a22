"""Properties of an activation function, measured on the function itself."""

import torch
from torch import Tensor

from initsweep.probes.recording import Pointwise


def derivative(activation: Pointwise | None, points: Tensor) -> Tensor:
    """Return the derivative of a pointwise function at `points`, of the same shape.

    None stands for no activation, whose derivative is 1.
    """
    if activation is None:
        return torch.ones_like(points)
    with torch.enable_grad():
        leaf = points.detach().clone().requires_grad_()
        # `* 1`: an in-place activation must not touch the leaf.
        (slope,) = torch.autograd.grad(activation(leaf * 1).sum(), leaf)
    return slope


def saturates(activation: Pointwise) -> bool:
    """Return whether the function levels off on both sides, as tanh and sigmoid do.

    ReLU and its relatives level off on the left only: there a unit is inactive, not saturated.
    """
    far = torch.tensor([-1e6, -1e3, 1e3, 1e6], dtype=torch.float64)
    with torch.no_grad():
        left_end, left, right, right_end = activation(far).tolist()
    # 0.01 lets softsign pass, which approaches its bounds as slowly as 1/|x|.
    return bool(abs(left_end - left) < 0.01 and abs(right_end - right) < 0.01)


def steepest_slope(activation: Pointwise) -> float:
    """Return max |φ'| over [-10, 10], where every usual saturating function has its maximum."""
    grid = torch.linspace(-10, 10, 2001, dtype=torch.float64)
    return float(derivative(activation, grid).abs().max())
