"""How large the forward signal is at each layer.

Answers: does the signal keep its scale on its way up, or does it vanish or explode?
Requires: pre-activations.
"""

from initsweep.probes import PROBES
from initsweep.probes.capture import Layer
from initsweep.probes.deviation import standard_deviation


@PROBES.register("forward_std")
def forward_std(layer: Layer) -> float:
    """Return the standard deviation of the pre-activations over batch and units.

    Source: Glorot and Bengio 2010, section 4; He et al. 2015, section 2.2 (forward case).
    """
    return standard_deviation(layer.pre_activations)
