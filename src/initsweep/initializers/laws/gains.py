"""Gain of any activation by quadrature: how much wider weights must be for what it takes away.

For a pre-activation z ~ N(0, 1), weights of variance gain² / fan_in keep the second moment of
the signal at 1 (forward), or that of the gradient (backward).
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from initsweep.core.errors import InitsweepError
from initsweep.graph.twins import apart
from initsweep.initializers.layers import Activation

# Beyond 14 standard deviations the normal density is below 1e-43. Panels of width 1/2 put the
# kinks of the common activations (0, ±1/2, ±1, ±3, 6) on panel ends, where they cost no accuracy.
_LIMIT, _PANELS, _NODES = 14.0, 56, 20


def forward_gain(phi: Activation, *, centred: bool = False) -> float:
    """Return 1 / sqrt(E phi(z)²), or 1 / std(phi(z)) if centred.

    Args:
        phi: An elementwise activation that torch can evaluate in float64. Kinks at multiples of
            1/2 are exact to 12 digits, others cost accuracy.
        centred: Whether the activation's mean is taken out first.

    Returns:
        The gain, a factor on the standard deviation of the weights.

    Raises:
        InitsweepError: If the activation is zero (or constant, if centred), not finite, or not
            elementwise.

    Examples:
        >>> import torch
        >>> from initsweep import forward_gain
        >>> round(forward_gain(torch.relu) ** 2, 6), round(forward_gain(torch.tanh), 4)
        (2.0, 1.5925)

    Source: He et al. 2015, equations 7 to 10, for any activation instead of ReLU.
    """
    phi, (nodes, weights) = apart(phi), _normal_quadrature()
    values = _evaluate(phi, nodes)
    _check_elementwise(phi, nodes, values)
    if centred:
        values = values - (weights * values).sum()
    return _inverse_root((weights * values**2).sum(), phi)


def backward_gain(phi: Activation) -> float:
    """Return 1 / sqrt(E phi'(z)²), the derivative taken by autograd in float64.

    Args:
        phi: An elementwise activation, as for `forward_gain`.

    Returns:
        The gain, a factor on the standard deviation of the weights.

    Raises:
        InitsweepError: If the derivative is zero everywhere or not finite, or the activation is
            not elementwise.

    Examples:
        >>> import torch
        >>> from initsweep import backward_gain
        >>> round(backward_gain(torch.relu) ** 2, 6)
        2.0

    Source: He et al. 2015, equations 13 and 14, for any activation instead of ReLU.
    """
    phi, (nodes, weights) = apart(phi), _normal_quadrature()
    _check_elementwise(phi, nodes, _evaluate(phi, nodes))
    slopes = _evaluate(lambda z: _slope(phi, z), nodes)
    return _inverse_root((weights * slopes**2).sum(), phi)


def _normal_quadrature() -> tuple[Tensor, Tensor]:
    """Return nodes and weights, shape (panels x nodes,), that integrate against N(0, 1)."""
    points, weights = np.polynomial.legendre.leggauss(_NODES)
    width = 2 * _LIMIT / _PANELS
    centres = -_LIMIT + width * (np.arange(_PANELS) + 0.5)
    nodes = (centres[:, None] + width / 2 * points).ravel()
    density = np.exp(-(nodes**2) / 2) / math.sqrt(2 * math.pi)
    return torch.from_numpy(nodes), torch.from_numpy(
        np.tile(weights * width / 2, _PANELS) * density
    )


def _check_elementwise(phi: Activation, nodes: Tensor, values: Tensor) -> None:
    """Check that a value does not depend on those beside it, as those of a softmax do.

    Raises:
        InitsweepError: If it does, or differs from call to call.
    """
    places = torch.arange(len(nodes) // 6, len(nodes), len(nodes) // 3)
    alone = torch.cat([_evaluate(phi, nodes[place : place + 1]) for place in places.tolist()])
    # Vectorized and scalar code may round differently.
    if not torch.allclose(alone, values[places], rtol=1e-6, atol=1e-9):
        number, single, among = (float(one[-1]) for one in (nodes[places], alone, values[places]))
        raise InitsweepError(
            f"The activation {phi!r} is not elementwise: of {number:.4g} alone it makes "
            f"{single:.4g}, among other numbers {among:.4g}. Only what maps each number by itself, "
            "and always to the same, has a gain."
        )


def _evaluate(function: Callable[[Tensor], Tensor], nodes: Tensor) -> Tensor:
    """Return what a function makes of numbers.

    Raises:
        InitsweepError: If it cannot be called with them, or does not give a finite one for each.
    """
    if not callable(function):
        raise InitsweepError(
            f"An activation is a function or a module, such as torch.relu; received {function!r}."
        )
    # A copy, because activations such as nn.ReLU(inplace=True) overwrite what they are given.
    values = function(nodes.clone()).detach()
    if values.shape != nodes.shape or not bool(values.isfinite().all()):
        raise InitsweepError(
            f"The activation {function!r} must map each number to one finite number; it turned "
            f"shape {tuple(nodes.shape)} between -14 and 14 into shape {tuple(values.shape)}"
            f"{'' if bool(values.isfinite().all()) else ' with non-finite values'}."
        )
    return values


def _slope(phi: Activation, z: Tensor) -> Tensor:
    with torch.enable_grad():
        leaf = z.requires_grad_()
        (slope,) = torch.autograd.grad(phi(leaf.clone()).sum(), leaf)
    return slope


def _inverse_root(moment: Tensor, phi: Activation) -> float:
    if not float(moment) > 0:
        raise InitsweepError(f"The activation {phi!r} lets no signal through, so it has no gain.")
    return 1 / math.sqrt(float(moment))
