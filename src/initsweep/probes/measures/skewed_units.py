"""How many units are on the same side of zero for most examples.

Answers: do units split the examples, or have they made up their mind before they saw them?
Requires: pre-activations.
"""

from initsweep.probes import PROBES
from initsweep.probes.capture import Layer

# A unit that is positive on less than 20 % or more than 80 % of the examples.
SKEW = 0.3


@PROBES.register("skewed")
def skewed(layer: Layer) -> float:
    """Return the share of units with |P(z > 0) - 1/2| > 0.3 over the examples.

    Source: Fernández-Hernández et al. 2025, "Sinusoidal initialization, time for a new start",
        section 2 (skewed neurons, with 0.3).
    """
    positive = (layer.pre_activations > 0).double().mean(dim=0)
    return float(((positive - 0.5).abs() > SKEW).double().mean())
