"""What theory predicts for the signals, to be held against what was measured.

Answers: does the network behave like a wide random one with these weight variances?
Requires: a plain chain of linear layers and activations, without skips or normalization.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import torch
from torch import Tensor

from initsweep.probes.capture import Layer
from initsweep.probes.pointwise import derivative
from initsweep.probes.written import Pointwise

# A sample mean this many standard errors from 0 is no accident: the law is not centred, and the
# recursion, which assumes it is, says nothing about it.
CENTRED_WITHIN = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Predicted standard deviations of one layer's pre-activations and of their gradients."""

    forward_std: float
    backward_std: float


def predict(layers: Sequence[Layer]) -> tuple[Prediction, ...] | None:
    """Predict every layer's scales from the weight variances alone.

    The weight and bias variances are those of the drawn numbers. Forward the recursion starts
    from each example's measured input second moment, backward from each example's measured
    gradient at the last layer (whose own prediction is therefore that measurement). Theory takes
    that gradient as independent of the weights below it, which a loss dominated by the network's
    own outputs violates: He ReLU nets under squared loss measured up to 20 % above prediction.

    Returns:
        One prediction per layer, or None where the theory does not apply: skips, normalization,
        convolutions, weights that are all zero or not centred on zero.

    Source: Poole et al. 2016, "Exponential expressivity in deep neural networks through
        transient chaos", equation 3 (forward); Schoenholz et al. 2017, "Deep information
        propagation", section on gradients (backward, N_{l+1}/N_l turns fan_in into fan_out).
    """
    if not layers or not is_plain_chain(layers) or not all(map(is_centred, layers)):
        return None
    with torch.no_grad():
        forward = _forward(layers)
        backward = _backward(layers, forward)
    return tuple(
        Prediction(forward_std=float(q.mean().sqrt()), backward_std=float(g.mean().sqrt()))
        for q, g in zip(forward, backward, strict=True)
    )


def next_variance(
    variance: Tensor, activation: Pointwise | None, weight_variance: float, bias_variance: float
) -> Tensor:
    """Return weight_variance E[φ(√q z)²] + bias_variance for z ~ N(0, 1), for every q.

    Args:
        variance: Variances q of the pre-activations below, any shape.
        activation: φ, or None for the identity.
        weight_variance: Variance of one weight times fan_in.
        bias_variance: Variance of one bias.

    Returns:
        The variances above, of the same shape.

    Source: Poole et al. 2016, equation 3.
    """
    signal = variance if activation is None else gaussian_mean(activation, variance)
    return weight_variance * signal + bias_variance


def chi(variance: Tensor, activation: Pointwise | None, weight_variance: float) -> Tensor:
    """Return χ = weight_variance E[φ'(√q z)²]: a layer multiplies the squared gradient by it.

    Source: Schoenholz et al. 2017, definition of χ₁ (there at the fixed point q*).
    """
    if activation is None:
        return torch.full_like(variance, weight_variance)
    return weight_variance * gaussian_mean(lambda z: derivative(activation, z), variance)


def gaussian_mean(function: Pointwise, variance: Tensor) -> Tensor:
    """Return E[f(√q z)²] for z ~ N(0, 1), elementwise over `variance`, shape (examples,)."""
    return expectation(lambda z: function(z) ** 2, variance)


def expectation(function: Pointwise, variance: Tensor) -> Tensor:
    """Return E[f(√q z)] for z ~ N(0, 1), elementwise over `variance`, shape (examples,)."""
    nodes, weights = _quadrature()
    return function(variance.sqrt()[:, None] * nodes) @ weights


def next_covariance(
    variance: Tensor,
    covariance: Tensor,
    activation: Pointwise | None,
    weight_variance: float,
    bias_variance: float,
) -> Tensor:
    """Return the covariance of two examples' pre-activations one layer up.

    Args:
        variance: Variance q of both examples' pre-activations below, shape (n,).
        covariance: Their covariance below, at most `variance`, shape (n,).
        activation: φ, or None for the identity.
        weight_variance: Variance of one weight times fan_in.
        bias_variance: Variance of one bias.

    Returns:
        The covariances above, shape (n,).

    Source: Poole et al. 2016, equation 5.
    """
    signal = (
        covariance if activation is None else pair_expectation(activation, variance, covariance)
    )
    return weight_variance * signal + bias_variance


def correlation_slope(
    variance: Tensor, covariance: Tensor, activation: Pointwise | None, weight_variance: float
) -> Tensor:
    """Return χ_c = weight_variance E[φ'(u₁) φ'(u₂)], the slope of the correlation's recursion.

    Source: Schoenholz et al. 2017, equation 10 (its logarithm gives ξ_c).
    """
    if activation is None:
        return torch.full_like(variance, weight_variance)
    return weight_variance * pair_expectation(
        lambda z: derivative(activation, z), variance, covariance
    )


def pair_expectation(function: Pointwise, variance: Tensor, covariance: Tensor) -> Tensor:
    """Return E[f(u₁) f(u₂)] for u of variance q and the covariance given, shape (n,)."""
    nodes, weights = _quadrature()
    nodes, weights = nodes[::3], weights[::3] / weights[::3].sum()
    root = variance.sqrt()[:, None]
    cosine = torch.where(variance > 0, covariance / variance, 0.0).clamp(-1, 1)[:, None]
    # Given u₁ = √q z, u₂ is normal around cosine √q z; the inner mean is over its remainder.
    rest = (root * (1 - cosine**2).sqrt())[:, :, None] * nodes
    inner = function((cosine * root * nodes)[:, :, None] + rest) @ weights
    return (function(root * nodes) * inner) @ weights


def is_plain_chain(layers: Sequence[Layer]) -> bool:
    """Return whether each layer is linear, unnormalized and fed with φ(z) of the one below."""
    if any(layer.weight.dim() != 2 or layer.normalized for layer in layers):
        return False
    return all(
        below.activations.shape == above.inputs.shape
        and torch.allclose(below.activations, above.inputs, rtol=1e-9, atol=0.0)
        for below, above in pairwise(layers)
    )


@cache
def _quadrature() -> tuple[Tensor, Tensor]:
    """Return nodes and weights of the standard normal law, both of shape (nodes,).

    Trapezoidal rule after z = ε sinh t. Gauss-Hermite nodes lie too far apart around 0 to see
    the slope of tanh(√q z) at large q; these are dense there, down to √q = 1/ε.
    """
    epsilon, spacing, reach = 1e-6, 0.125, 12.0
    half = math.ceil(math.asinh(reach / epsilon) / spacing)
    # Halves, so that no node falls on 0, where ReLU has its kink.
    t = (torch.arange(-half, half, dtype=torch.float64) + 0.5) * spacing
    nodes = epsilon * torch.sinh(t)
    weights = torch.cosh(t) * torch.exp(-(nodes**2) / 2)
    return nodes, weights / weights.sum()


def _forward(layers: Sequence[Layer]) -> list[Tensor]:
    """Return each layer's pre-activation variance per example, shape (batch,)."""
    first = layers[0]
    second_moment = first.inputs.square().mean(dim=1)
    variances = [next_variance(second_moment, None, _weight_variance(first), _square(first.bias))]
    for below, above in pairwise(layers):
        variances.append(
            next_variance(
                variances[-1], below.activation, _weight_variance(above), _square(above.bias)
            )
        )
    return variances


def _backward(layers: Sequence[Layer], variances: list[Tensor]) -> list[Tensor]:
    """Return each layer's mean squared gradient per example, shape (batch,)."""
    gradients = [layers[-1].gradients.square().mean(dim=1)]
    for index in range(len(layers) - 2, -1, -1):
        above = layers[index + 1]
        fan_out_variance = _square(above.weight) * above.weight.shape[0]
        factor = chi(variances[index], layers[index].activation, fan_out_variance)
        gradients.insert(0, factor * gradients[0])
    return gradients


def _weight_variance(layer: Layer) -> float:
    return _square(layer.weight) * layer.weight.shape[1]


def _square(values: Tensor | None) -> float:
    return 0.0 if values is None else float(values.square().mean())


def is_centred(layer: Layer) -> bool:
    """Return whether the layer's weights and biases can have been drawn around zero."""
    has_weights = bool(layer.weight.any())
    drawn = [layer.weight] if layer.bias is None else [layer.weight, layer.bias]
    return has_weights and all(
        float(values.mean().abs())
        <= CENTRED_WITHIN * float(values.std(correction=0)) / math.sqrt(values.numel())
        for values in drawn
    )
