"""Random draws of one fixed scale for all layers, whatever their size."""

import math
from typing import ClassVar, Self

import torch
from pydantic import model_validator
from torch import Tensor

from initsweep.core.params import Positive
from initsweep.initializers import INITIALIZERS, Initializer
from initsweep.initializers.laws.draws import draw
from initsweep.initializers.layers import Layer

_CONDITIONS = (
    "A control. The scale does not follow the layer's size, so the signal grows or shrinks with "
    "depth unless the width happens to fit."
)


@INITIALIZERS.register("random_normal")
class RandomNormal(Initializer):
    """N(mean, std²) in every layer; biases zero."""

    summary: ClassVar[str] = "Normal weights of one standard deviation `std` in every layer."
    reference: ClassVar[str] = (
        "Krizhevsky, Sutskever and Hinton 2012, section 5 (std 0.01); not derived from a theory."
    )
    conditions: ClassVar[str] = _CONDITIONS
    example: ClassVar[dict[str, float]] = {"std": 0.01}

    std: Positive
    mean: float = 0.0

    def weight(self, layer: Layer, generator: torch.Generator) -> Tensor:
        """Return independent normal draws."""
        return draw("normal", layer.weight_shape, generator, std=self.std, mean=self.mean)

    def weight_mean(self, layer: Layer) -> float:  # noqa: ARG002
        """Return `mean`."""
        return self.mean

    def weight_std(self, layer: Layer) -> float:  # noqa: ARG002
        """Return `std`."""
        return self.std


@INITIALIZERS.register("random_uniform")
class RandomUniform(Initializer):
    """U(low, high) in every layer; biases zero."""

    summary: ClassVar[str] = "Uniform weights between `low` and `high` in every layer."
    reference: ClassVar[str] = "Common practice before Glorot and Bengio 2010; no theory behind it."
    conditions: ClassVar[str] = _CONDITIONS
    example: ClassVar[dict[str, float]] = {"low": -0.05, "high": 0.05}

    low: float
    high: float

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low must be below high, received {self.low} and {self.high}")
        return self

    def weight(self, layer: Layer, generator: torch.Generator) -> Tensor:
        """Return independent uniform draws."""
        mean, std = self.weight_mean(layer), self.weight_std(layer)
        return draw("uniform", layer.weight_shape, generator, std=std, mean=mean)

    def weight_mean(self, layer: Layer) -> float:  # noqa: ARG002
        """Return the middle of the interval."""
        return (self.low + self.high) / 2

    def weight_std(self, layer: Layer) -> float:  # noqa: ARG002
        """Return (high - low) / sqrt(12)."""
        return (self.high - self.low) / math.sqrt(12)


@INITIALIZERS.register("truncated_normal")
class TruncatedNormal(Initializer):
    """A normal law without its tails in every layer; biases zero.

    The law is cut off at two standard deviations of the normal law it comes from, and that one
    is widened by 1 / 0.8796, so that `std` is the standard deviation of what is drawn. The cutoff
    moves with `std`: torch's `trunc_normal_` has absolute bounds and leaves the width uncorrected.
    """

    summary: ClassVar[str] = "Normal weights without tails; `std` is what results after the cut."
    reference: ClassVar[str] = (
        "Cutoff at two standard deviations as in Keras and JAX `truncated_normal`; the correction "
        "0.8796 is the standard deviation of N(0, 1) cut off at -2 and 2."
    )
    conditions: ClassVar[str] = _CONDITIONS
    example: ClassVar[dict[str, float]] = {"std": 0.05}

    std: Positive

    def weight(self, layer: Layer, generator: torch.Generator) -> Tensor:
        """Return independent truncated normal draws."""
        return draw("truncated_normal", layer.weight_shape, generator, std=self.std)

    def weight_std(self, layer: Layer) -> float:  # noqa: ARG002
        """Return `std`."""
        return self.std
