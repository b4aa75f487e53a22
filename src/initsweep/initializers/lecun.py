"""LeCun schemes: unit-variance pre-activations from unit-variance inputs."""

from typing import ClassVar

from initsweep.initializers import INITIALIZERS
from initsweep.initializers.variance_scaling import Law, VarianceScaling
from initsweep.params import Positive

_CONDITIONS = (
    "Made for linear layers and required by SELU's self-normalization. Under ReLU the signal's "
    "variance halves in every layer."
)


@INITIALIZERS.register("lecun_uniform")
class LecunUniform(VarianceScaling):
    """U(±gain sqrt(3 / fan_in)); biases zero."""

    summary: ClassVar[str] = "Uniform weights of variance 1 / fan_in."
    reference: ClassVar[str] = "LeCun, Bottou, Orr and Müller 1998, equation 16."
    conditions: ClassVar[str] = _CONDITIONS

    gain: Positive = 1.0

    @property
    def law(self) -> Law:
        """Var = gain² / fan_in."""
        return Law(self.gain**2, "fan_in", "uniform")


@INITIALIZERS.register("lecun_normal")
class LecunNormal(VarianceScaling):
    """N(0, gain² / fan_in); biases zero."""

    summary: ClassVar[str] = "Normal weights of variance 1 / fan_in."
    reference: ClassVar[str] = (
        "LeCun, Bottou, Orr and Müller 1998, equation 16; Klambauer et al. 2017 (SELU)."
    )
    conditions: ClassVar[str] = _CONDITIONS

    gain: Positive = 1.0

    @property
    def law(self) -> Law:
        """Var = gain² / fan_in."""
        return Law(self.gain**2, "fan_in", "normal")
