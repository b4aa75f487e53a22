"""How many units say the same thing about every example.

Answers: what share of the layer carries no information?
Requires: activations.
"""

from initsweep.probes import PROBES
from initsweep.probes.capture import Layer


@PROBES.register("dead")
def dead(layer: Layer) -> float:
    """Return the share of units whose activation is exactly the same on every example.

    For ReLU these are the units that are zero everywhere. With a single example every unit is
    trivially constant, so only zeros count.

    Source: Lu et al. 2019, "Dying ReLU and Initialization" (zero on every input); extended here
    to any constant.
    """
    activations = layer.activations
    if len(activations) == 1:
        return float((activations[0] == 0).double().mean())
    return float((activations.amax(dim=0) == activations.amin(dim=0)).double().mean())
