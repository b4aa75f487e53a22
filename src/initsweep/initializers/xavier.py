"""Xavier (Glorot) schemes: the compromise between forward and backward signal."""

from typing import ClassVar

from initsweep.initializers import INITIALIZERS
from initsweep.initializers.variance_scaling import Law, VarianceScaling
from initsweep.params import Positive

_CONDITIONS = (
    "Made for activations that are linear around 0 (tanh, identity). Under ReLU the signal's "
    "variance halves in every square layer."
)


@INITIALIZERS.register("xavier_uniform")
class XavierUniform(VarianceScaling):
    """U(±gain sqrt(6 / (fan_in + fan_out))); biases zero."""

    summary: ClassVar[str] = "Uniform weights of variance 2 / (fan_in + fan_out)."
    reference: ClassVar[str] = "Glorot and Bengio 2010, equation 16."
    conditions: ClassVar[str] = _CONDITIONS

    gain: Positive = 1.0

    @property
    def law(self) -> Law:
        """Var = gain² / fan_avg."""
        return Law(self.gain**2, "fan_avg", "uniform")


@INITIALIZERS.register("xavier_normal")
class XavierNormal(VarianceScaling):
    """N(0, gain² 2 / (fan_in + fan_out)); biases zero."""

    summary: ClassVar[str] = "Normal weights of variance 2 / (fan_in + fan_out)."
    reference: ClassVar[str] = "Glorot and Bengio 2010, equation 12, with a normal law."
    conditions: ClassVar[str] = _CONDITIONS

    gain: Positive = 1.0

    @property
    def law(self) -> Law:
        """Var = gain² / fan_avg."""
        return Law(self.gain**2, "fan_avg", "normal")
