"""Xavier (Glorot) schemes: the compromise between forward and backward signal."""

from typing import ClassVar

from initsweep.initializers import INITIALIZERS
from initsweep.initializers.laws.draws import Distribution
from initsweep.initializers.laws.gain_option import Gain
from initsweep.initializers.schemes.variance_scaling import Law, VarianceScaling, squared

_CONDITIONS = (
    "Made for activations that are linear around 0 (tanh, identity). Under ReLU the signal's "
    "variance halves in every square layer, unless `gain: auto` makes up for it."
)


class Xavier(VarianceScaling):
    """Var = gain² 2 / (fan_in + fan_out)."""

    distribution_name: ClassVar[Distribution]

    gain: Gain = 1.0

    @property
    def law(self) -> Law:
        """Var = gain² / fan_avg."""
        return Law(squared(self.gain), "fan_avg", self.distribution_name)


@INITIALIZERS.register("xavier_uniform")
class XavierUniform(Xavier):
    """U(±gain sqrt(6 / (fan_in + fan_out))); biases zero."""

    summary: ClassVar[str] = "Uniform weights of variance 2 / (fan_in + fan_out)."
    reference: ClassVar[str] = "Glorot and Bengio 2010, equation 16."
    conditions: ClassVar[str] = _CONDITIONS
    distribution_name: ClassVar[Distribution] = "uniform"


@INITIALIZERS.register("xavier_normal")
class XavierNormal(Xavier):
    """N(0, gain² 2 / (fan_in + fan_out)); biases zero."""

    summary: ClassVar[str] = "Normal weights of variance 2 / (fan_in + fan_out)."
    reference: ClassVar[str] = "Glorot and Bengio 2010, equation 12, with a normal law."
    conditions: ClassVar[str] = _CONDITIONS
    distribution_name: ClassVar[Distribution] = "normal"


@INITIALIZERS.register("xavier_truncated_normal")
class XavierTruncatedNormal(Xavier):
    """Normal without tails, of variance gain² 2 / (fan_in + fan_out) after the cut; biases zero.

    What Keras and JAX call `glorot_normal`.
    """

    summary: ClassVar[str] = (
        "Normal weights without tails, of variance 2 / (fan_in + fan_out) after the cut."
    )
    reference: ClassVar[str] = (
        "Glorot and Bengio 2010, equation 12; cut at two standard deviations and corrected by "
        "0.8796 as in Keras and JAX."
    )
    conditions: ClassVar[str] = _CONDITIONS
    distribution_name: ClassVar[Distribution] = "truncated_normal"
