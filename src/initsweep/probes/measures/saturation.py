"""How much of a layer sits where its activation function is flat.

Answers: do gradients die in the tails of tanh or sigmoid?
Requires: pre-activations and the activation function.
"""

from initsweep.probes import PROBES
from initsweep.probes.capture import Layer
from initsweep.probes.pointwise import derivative, saturates, steepest_slope

# A slope below this share of the steepest counts as flat: |z| > 2.18 for tanh. Own convention;
# Glorot and Bengio look at the tails of the activation histograms instead.
FLAT_SLOPE = 0.05


@PROBES.register("saturated")
def saturated(layer: Layer) -> float:
    """Return the share of (example, unit) pairs with |φ'(z)| < 0.05 max |φ'|.

    0 where no activation follows or where it does not level off on both sides: for ReLU and
    its relatives see `dead_units`.

    Source: after Glorot and Bengio 2010, section 3 (saturation of sigmoid and tanh units).
    """
    if layer.activation is None or not saturates(layer.activation):
        return 0.0
    slopes = derivative(layer.activation, layer.pre_activations).abs()
    return float((slopes < FLAT_SLOPE * steepest_slope(layer.activation)).double().mean())
