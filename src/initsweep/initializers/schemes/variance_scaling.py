"""One formula for all schemes that scale the variance with the layer's size."""

import math
from abc import abstractmethod
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from initsweep.core.params import Positive
from initsweep.initializers import INITIALIZERS, Initializer
from initsweep.initializers.laws.draws import Distribution, draw
from initsweep.initializers.laws.gain_option import ByActivation, activation_gains, neighbour
from initsweep.initializers.layers import Layer, Neighbour

Mode = Literal["fan_in", "fan_out", "fan_avg"]


class Law(NamedTuple):
    """One member of the family: Var = scale / fan. A gain on the std is scale = gain²."""

    scale: float | ByActivation
    mode: Mode
    distribution: Distribution


def squared(gain: float | ByActivation) -> float | ByActivation:
    """Return the scale that a gain stands for."""
    return gain if isinstance(gain, str) else gain**2


class VarianceScaling(Initializer):
    """Base of all schemes with Var = scale / fan; a scheme only says which `law` it is.

    Normal laws are not truncated unless the name says so (Keras and JAX truncate theirs). The
    scale "auto" takes the gains f (forward) and b (backward) of the activation after the layer,
    "incoming" those of the activation that the layer reads: f² / fan_in keeps the signal,
    b² / fan_out the gradient, and with fan_avg the variance is their harmonic mean
    2 / (fan_in / f² + fan_out / b²), Glorot's compromise with gains.

    Source: He et al. 2015, equations 10 and 14; Glorot and Bengio 2010, equations 12 and 16. A
        uniform law of standard deviation s has the bound sqrt(3) s.
    """

    @property
    @abstractmethod
    def law(self) -> Law:
        """The scale, the fan it is divided by, and the distribution."""

    @property
    def reads(self) -> Neighbour | None:
        """Which activation the scale is taken from."""
        return neighbour(self.law.scale)

    def weight(self, layer: Layer, generator: torch.Generator) -> Tensor:
        """Return independent draws of variance scale / fan."""
        std = self.weight_std(layer)
        return draw(self.law.distribution, layer.weight_shape, generator, std=std)

    def weight_std(self, layer: Layer) -> float:
        """Return sqrt(scale / fan)."""
        scale, mode, _ = self.law
        if not isinstance(scale, str):
            fans = {
                "fan_in": layer.fan_in,
                "fan_out": layer.fan_out,
                "fan_avg": (layer.fan_in + layer.fan_out) / 2,
            }
            return math.sqrt(scale / fans[mode])
        forward, backward = activation_gains(scale, layer)
        per_input, per_output = layer.fan_in / forward**2, layer.fan_out / backward**2
        inverse = {
            "fan_in": per_input,
            "fan_out": per_output,
            "fan_avg": (per_input + per_output) / 2,
        }
        return 1 / math.sqrt(inverse[mode])


@INITIALIZERS.register("random_scaled")
class RandomScaled(VarianceScaling):
    """Var = scale / fan with everything free; biases zero."""

    summary: ClassVar[str] = "Random weights of variance `scale` / fan, family and fan by choice."
    reference: ClassVar[str] = "He et al. 2015, equation 10, with the factor 2 replaced by `scale`."
    conditions: ClassVar[str] = (
        "Keeps the signal where scale = 1 / E[phi(z)²] of the activation (2 for ReLU); any other "
        "scale makes it grow or shrink with depth."
    )
    example: ClassVar[dict[str, float | str]] = {
        "scale": 0.5,
        "mode": "fan_in",
        "distribution": "normal",
    }

    scale: Positive
    mode: Mode
    distribution: Distribution

    @property
    def law(self) -> Law:
        """The options as they are."""
        return Law(self.scale, self.mode, self.distribution)
