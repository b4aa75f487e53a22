"""How large the backward signal is at each layer.

Answers: does the loss gradient reach the first layer, and at what scale?
Requires: loss gradients with respect to pre-activations and weights.
"""

import math

from initsweep.probes import PROBES
from initsweep.probes.capture import Layer
from initsweep.probes.deviation import root_mean_square, standard_deviation


@PROBES.register("backward_std")
def backward_std(layer: Layer) -> float:
    """Return the standard deviation, over batch and units, of the gradient at pre-activations.

    The gradient is that of the batch's mean loss, so it shrinks as 1/batch; ratios between
    layers do not depend on the batch size.

    Source: Glorot and Bengio 2010, section 4; He et al. 2015, section 2.2 (backward case).
    """
    return standard_deviation(layer.gradients)


@PROBES.register("weight_gradient_norm")
def weight_gradient_norm(layer: Layer) -> float:
    """Return the Frobenius norm of the loss gradient with respect to the weights.

    It can stay level over the depth while the gradient at pre-activations vanishes, because it
    also contains the forward signal; look at both.

    Source: Glorot and Bengio 2010, section 4.2.2.
    """
    gradient = layer.weight_gradient
    return root_mean_square(gradient) * math.sqrt(gradient.numel())


@PROBES.register("weight_norm")
def weight_norm(layer: Layer) -> float:
    """Return the Frobenius norm of the weights, the thresholds for what a step does to them."""
    return root_mean_square(layer.weight) * math.sqrt(layer.weight.numel())
