"""He (Kaiming) schemes: the signal's second moment is kept through ReLU layers."""

from typing import ClassVar, Literal

from initsweep.initializers import INITIALIZERS
from initsweep.initializers.variance_scaling import Law, VarianceScaling

_CONDITIONS = "Made for ReLU and its relatives, plain or normalized; keeps depth trainable there."


@INITIALIZERS.register("he_uniform")
class HeUniform(VarianceScaling):
    """U(±sqrt(6 / fan_in)); biases zero."""

    summary: ClassVar[str] = "Uniform weights of variance 2 / fan_in."
    reference: ClassVar[str] = "He et al. 2015, equation 10, with a uniform law."
    conditions: ClassVar[str] = _CONDITIONS

    @property
    def law(self) -> Law:
        """Var = 2 / fan_in."""
        return Law(2.0, "fan_in", "uniform")


@INITIALIZERS.register("he_normal")
class HeNormal(VarianceScaling):
    """N(0, 2 / fan_in), not truncated; biases zero."""

    summary: ClassVar[str] = "Normal weights of variance 2 / fan_in."
    reference: ClassVar[str] = "He et al. 2015, equation 10."
    conditions: ClassVar[str] = _CONDITIONS

    @property
    def law(self) -> Law:
        """Var = 2 / fan_in."""
        return Law(2.0, "fan_in", "normal")


@INITIALIZERS.register("he_textbook_variant")
class HeTextbookVariant(VarianceScaling):
    """The other formulas that circulate under He's name; biases zero.

    Normal with sigma = sqrt(1 / fan_in), or uniform with the bound sqrt(2 / fan_in). The two do
    not agree with each other (the uniform law has the variance 2 / (3 fan_in), the normal one
    1 / fan_in) nor with He et al. 2015. The first is LeCun's scheme under another name. Kept so
    that the difference can be measured.
    """

    summary: ClassVar[str] = (
        "A textbook's misprint of He: N(0, 1 / fan_in), or U(±sqrt(2 / fan_in)) on request."
    )
    reference: ClassVar[str] = "Not He et al. 2015: variance 1/2 or 1/3 of their equation 10."
    conditions: ClassVar[str] = (
        "A control. Under ReLU the signal's second moment shrinks by 1/2 (normal) or 1/3 (uniform) "
        "in every layer."
    )

    distribution: Literal["normal", "uniform"] = "normal"

    @property
    def law(self) -> Law:
        """Var = 1 / fan_in (normal) or 2 / (3 fan_in) (uniform)."""
        scale = {"normal": 1.0, "uniform": 2 / 3}[self.distribution]
        return Law(scale, "fan_in", self.distribution)
