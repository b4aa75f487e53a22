"""LeCun schemes: unit-variance pre-activations from unit-variance inputs."""

from typing import ClassVar

from initsweep.initializers import INITIALIZERS
from initsweep.initializers.laws.draws import Distribution
from initsweep.initializers.laws.gain_option import Gain
from initsweep.initializers.schemes.variance_scaling import Law, Mode, VarianceScaling, squared

_CONDITIONS = (
    "Made for linear layers and required by SELU's self-normalization. Under ReLU the signal's "
    "variance halves in every layer, unless `gain: auto` makes up for it."
)


class Lecun(VarianceScaling):
    """Var = gain² / fan; with `gain: auto` the scheme for activations of any kind."""

    distribution_name: ClassVar[Distribution]

    gain: Gain = 1.0
    mode: Mode = "fan_in"

    @property
    def law(self) -> Law:
        """Var = gain² / fan."""
        return Law(squared(self.gain), self.mode, self.distribution_name)


@INITIALIZERS.register("lecun_uniform")
class LecunUniform(Lecun):
    """U(±gain sqrt(3 / fan_in)); biases zero."""

    summary: ClassVar[str] = "Uniform weights of variance 1 / fan_in."
    reference: ClassVar[str] = "LeCun, Bottou, Orr and Müller 1998, equation 16."
    conditions: ClassVar[str] = _CONDITIONS
    distribution_name: ClassVar[Distribution] = "uniform"


@INITIALIZERS.register("lecun_normal")
class LecunNormal(Lecun):
    """N(0, gain² / fan_in); biases zero."""

    summary: ClassVar[str] = "Normal weights of variance 1 / fan_in."
    reference: ClassVar[str] = (
        "LeCun, Bottou, Orr and Müller 1998, equation 16; Klambauer et al. 2017 (SELU)."
    )
    conditions: ClassVar[str] = _CONDITIONS
    distribution_name: ClassVar[Distribution] = "normal"


@INITIALIZERS.register("lecun_truncated_normal")
class LecunTruncatedNormal(Lecun):
    """Normal without tails, of variance gain² / fan_in after the cut; biases zero.

    What Keras and JAX call `lecun_normal`, the default of Flax.
    """

    summary: ClassVar[str] = "Normal weights without tails, of variance 1 / fan_in after the cut."
    reference: ClassVar[str] = (
        "LeCun, Bottou, Orr and Müller 1998, equation 16; cut at two standard deviations and "
        "corrected by 0.8796 as in Keras and JAX."
    )
    conditions: ClassVar[str] = _CONDITIONS
    distribution_name: ClassVar[Distribution] = "truncated_normal"
