"""Zeros and constants: the controls that show what symmetry costs."""

from typing import ClassVar

import torch
from torch import Tensor

from initsweep.initializers import INITIALIZERS, Initializer
from initsweep.initializers.layers import Layer


@INITIALIZERS.register("zeros")
class Zeros(Initializer):
    """All weights and biases zero."""

    summary: ClassVar[str] = "All weights zero."
    reference: ClassVar[str] = "Goodfellow, Bengio and Courville 2016, section 8.4 (symmetry)."
    conditions: ClassVar[str] = (
        "A control. Hidden units stay identical and, without skip connections, receive no "
        "gradient; harmless for the last layer only."
    )
    deterministic: ClassVar[bool] = True

    def weight(self, layer: Layer, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return zeros."""
        return torch.zeros(layer.weight_shape)

    def weight_std(self, layer: Layer) -> float:  # noqa: ARG002
        """Return 0."""
        return 0.0


@INITIALIZERS.register("constant")
class Constant(Initializer):
    """All weights the same number; biases zero."""

    summary: ClassVar[str] = "All weights equal to `value`."
    reference: ClassVar[str] = "Goodfellow, Bengio and Courville 2016, section 8.4 (symmetry)."
    conditions: ClassVar[str] = (
        "A control. All units of a layer compute the same thing and get the same gradient, so "
        "they stay copies of one another."
    )
    deterministic: ClassVar[bool] = True
    example: ClassVar[dict[str, float]] = {"value": 0.1}

    value: float

    def weight(self, layer: Layer, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return `value` everywhere."""
        return torch.full(layer.weight_shape, self.value)

    def weight_mean(self, layer: Layer) -> float:  # noqa: ARG002
        """Return `value`."""
        return self.value

    def weight_std(self, layer: Layer) -> float:  # noqa: ARG002
        """Return 0: the weights do not vary."""
        return 0.0
