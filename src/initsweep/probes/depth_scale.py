"""How deep a plain network of this law can be and still be trained.

Answers: over how many layers do two different inputs stay different, or two alike ones alike?
Requires: a plain chain of linear layers of one activation function.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from initsweep.probes.capture import Layer
from initsweep.probes.mean_field import (
    chi,
    correlation_slope,
    is_centred,
    is_plain_chain,
    next_covariance,
    next_variance,
)
from initsweep.probes.written import Pointwise

ITERATIONS = 200
SETTLED = 1e-4  # change of variance and correlation per layer that counts as none
NEARLY_ALIKE = 0.95
TRAINABLE_DEPTHS = 6.0
"""Networks were found trainable up to about so many depth scales (Schoenholz et al. 2017, 5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthScale:
    """What mean-field theory says of the law that the hidden layers were drawn from.

    Attributes:
        chi: χ₁, the factor by which one layer multiplies the squared gradient; below 1 gradients
            vanish and inputs become alike (order), above 1 they explode (chaos).
        xi: Number of layers over which the correlation of two inputs approaches its fixed point by
            a factor e; infinite at the edge of chaos.
    """

    chi: float
    xi: float

    @property
    def trainable_depth(self) -> float:
        """The depth up to which such networks were found trainable."""
        return TRAINABLE_DEPTHS * self.xi


def depth_scale(layers: Sequence[Layer]) -> DepthScale | None:
    """Return χ₁ and ξ at the fixed point of the hidden layers' average law.

    The fixed point is approached by 200 layers from the first layer's measured variance; where
    the variance has none (a ReLU law that is not critical) it goes to zero or out of range, and
    χ₁, which for such functions does not depend on it, still holds.

    Returns:
        None where the theory does not apply: fewer than two hidden layers, skips, normalization,
        convolutions, several activation functions, or no finite variance.

    Source: Schoenholz et al. 2017, "Deep information propagation", equations 5 and 9 to 10.
    """
    hidden = layers[1:-1]
    functions = {_signature(layer.activation) for layer in layers[:-1]}
    if not hidden or len(functions) != 1 or not all(map(is_centred, layers)):
        return None
    if not is_plain_chain(layers):
        return None
    weight = sum(float(x.weight.square().mean()) * x.weight.shape[1] for x in hidden) / len(hidden)
    biases = [0.0 if x.bias is None else float(x.bias.square().mean()) for x in hidden]
    activation, bias = layers[0].activation, sum(biases) / len(biases)
    q = layers[0].pre_activations.square().mean().reshape(1)
    c = torch.full_like(q, 0.5) * q
    with torch.no_grad():
        for _ in range(ITERATIONS):
            above = next_variance(q, activation, weight, bias)
            if not 1e-100 < float(above) < 1e100:
                break
            common = torch.minimum(next_covariance(q, c, activation, weight, bias), above)
            moved = max(abs(float(above / q) - 1), abs(float(common / above - c / q)))
            q, c = above, common
            if moved < SETTLED:
                break
        return _at(q, c, weight, activation)


def _signature(activation: Pointwise | None) -> tuple[float, ...]:
    """Return values that tell activation functions apart, however they are wrapped."""
    points = torch.tensor([-5.0, -2.0, -0.5, 0.3, 1.0, 7.0], dtype=torch.float64)
    with torch.no_grad():
        return tuple((points if activation is None else activation(points.clone())).tolist())


def _at(q: Tensor, c: Tensor, weight: float, activation: Pointwise | None) -> DepthScale | None:
    first = float(chi(q, activation, weight))
    if float(c / q) > NEARLY_ALIKE:
        c = q  # on its way to 1, which ReLU at the edge of chaos approaches too slowly to wait for
    slope = float(correlation_slope(q, c, activation, weight))
    if not (math.isfinite(first) and math.isfinite(slope)) or first == 0:
        return None
    # At the edge of chaos the slope is 1 up to the accuracy of quadrature.
    rate = abs(math.log(slope)) if slope > 0 else math.inf
    return DepthScale(chi=first, xi=math.inf if rate < 1e-6 else 1 / rate)
