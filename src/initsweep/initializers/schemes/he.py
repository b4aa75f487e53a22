"""He (Kaiming) schemes: the signal's second moment is kept through ReLU layers."""

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from initsweep.initializers import INITIALIZERS
from initsweep.initializers.laws.draws import Distribution
from initsweep.initializers.laws.gain_option import OptionalGain
from initsweep.initializers.schemes.variance_scaling import Law, Mode, VarianceScaling, squared

_CONDITIONS = (
    "Made for ReLU and its relatives, plain or normalized; keeps depth trainable there. For other "
    "activations set `gain: auto`."
)


class He(VarianceScaling):
    """Var = 2 / ((1 + slope²) fan); `gain` replaces the factor in front by gain².

    Source: He et al. 2015, equation 15 (slope of a leaky ReLU below 0), equation 10 (fan_in) and
        equation 14 (fan_out).
    """

    distribution_name: ClassVar[Distribution]

    slope: float = 0.0
    mode: Mode = "fan_in"
    gain: OptionalGain = None

    @model_validator(mode="after")
    def _one_source_of_the_gain(self) -> Self:
        if self.gain is not None and self.slope:
            raise ValueError(
                f"write slope or gain, not both; received {self.slope} and {self.gain}"
            )
        return self

    @property
    def law(self) -> Law:
        """Var = 2 / ((1 + slope²) fan), or gain² / fan."""
        scale = 2 / (1 + self.slope**2) if self.gain is None else squared(self.gain)
        return Law(scale, self.mode, self.distribution_name)


@INITIALIZERS.register("he_uniform")
class HeUniform(He):
    """U(±sqrt(6 / fan_in)); biases zero."""

    summary: ClassVar[str] = "Uniform weights of variance 2 / fan_in."
    reference: ClassVar[str] = "He et al. 2015, equations 10, 14 and 15, with a uniform law."
    conditions: ClassVar[str] = _CONDITIONS
    distribution_name: ClassVar[Distribution] = "uniform"


@INITIALIZERS.register("he_normal")
class HeNormal(He):
    """N(0, 2 / fan_in), not truncated; biases zero."""

    summary: ClassVar[str] = "Normal weights of variance 2 / fan_in."
    reference: ClassVar[str] = "He et al. 2015, equations 10, 14 and 15."
    conditions: ClassVar[str] = _CONDITIONS
    distribution_name: ClassVar[Distribution] = "normal"


@INITIALIZERS.register("he_truncated_normal")
class HeTruncatedNormal(He):
    """N(0, 2 / fan_in) without tails, widened so that the variance is 2 / fan_in; biases zero.

    What Keras and JAX call `he_normal`.
    """

    summary: ClassVar[str] = "Normal weights without tails, of variance 2 / fan_in after the cut."
    reference: ClassVar[str] = (
        "He et al. 2015, equations 10, 14 and 15; cut at two standard deviations and corrected by "
        "0.8796 as in Keras and JAX."
    )
    conditions: ClassVar[str] = _CONDITIONS
    distribution_name: ClassVar[Distribution] = "truncated_normal"


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
