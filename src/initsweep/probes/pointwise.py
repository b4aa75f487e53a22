"""Properties of an activation function, measured on the function itself."""

import torch
from torch import Tensor

from initsweep.graph.torch_generator import private_draws
from initsweep.probes.written import Pointwise

ALIKE = 1e-5  # of a number, between two computations of it


def derivative(activation: Pointwise | None, points: Tensor) -> Tensor:
    """Return the derivative of a pointwise function at `points`, of the same shape.

    None stands for no activation, whose derivative is 1.
    """
    if activation is None:
        return torch.ones_like(points)
    with torch.enable_grad():
        leaf = points.detach().clone().requires_grad_()
        # `* 1`: an in-place activation must not touch the leaf.
        total = activation(leaf * 1).sum()
        if not total.requires_grad:  # a step
            return torch.zeros_like(points)
        (slope,) = torch.autograd.grad(total, leaf)
    return slope


def is_pointwise(function: Pointwise, inputs: Tensor, outputs: Tensor) -> bool:
    """Return whether a function is seen to act on each number alone, and to change some.

    Args:
        function: What may be an activation, of the user's own code as well.
        inputs: Numbers that it was given among others in a signal of any shape, shape (n,).
        outputs: What it made of these, shape (n,).
    """
    grid = torch.linspace(-3, 3, 25, dtype=torch.float64)
    try:
        with torch.no_grad(), private_draws(0):
            # In two parts: what a function takes from all numbers at once differs in these.
            found = torch.cat([function(part.clone()) for part in inputs.chunk(2)])
            changes = not torch.equal(function(grid.clone()), grid)
        return changes and _alike(found, outputs) and derivative(function, grid).shape == grid.shape
    except Exception:  # noqa: BLE001 - the user's own code may raise anything: it is none
        return False


def _alike(found: Tensor, outputs: Tensor) -> bool:
    size = float(outputs.nan_to_num(0.0, 0.0, 0.0).abs().max())
    same = found.shape == outputs.shape
    return same and torch.allclose(found, outputs.to(found), ALIKE, ALIKE * size, equal_nan=True)


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
