"""Sinusoidal weights: each unit a wave of its own frequency and phase, nothing random."""

import math
from typing import ClassVar, Literal

import torch
from torch import Tensor

from initsweep.initializers import INITIALIZERS, Initializer
from initsweep.initializers.layers import Layer


@INITIALIZERS.register("sinusoidal")
class Sinusoidal(Initializer):
    """W[i, j] = a sin(2 pi i j / n + 2 pi i / m); biases zero.

    i = 1 ... m counts outputs, j = 0 ... n - 1 inputs times kernel entries. The amplitude a is
    such that the mean square of the entries is exactly 2 / (fan_in + fan_out) for `scale: glorot`
    (the paper) or 2 / fan_in for `scale: he` (which other revisions of the authors' code use, and
    what ReLU needs). Fans are the layer's; the authors' code leaves the kernel out of fan_out.

    Source: Fernández-Hernández et al. 2025, "Sinusoidal initialization, time for a new start",
        the definition of W and its variance.
    """

    summary: ClassVar[str] = "Sine waves over the inputs, one frequency and phase per unit."
    reference: ClassVar[str] = "Fernández-Hernández et al. 2025."
    conditions: ClassVar[str] = (
        "The authors report gains for convolutional networks and transformers at one learning "
        "rate for all schemes. The same weights for every seed; projections of one attention are "
        "copies of each other at the start."
    )
    deterministic: ClassVar[bool] = True
    example: ClassVar[dict[str, str]] = {"scale": "glorot"}

    scale: Literal["glorot", "he"] = "glorot"

    def weight(self, layer: Layer, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return the waves, computed in float64."""
        n = math.prod(layer.block_shape[2:])
        m = math.prod(layer.weight_shape) // n
        i = torch.arange(1, m + 1, dtype=torch.float64)[:, None]
        j = torch.arange(n, dtype=torch.float64)
        # Reduced modulo the period: the sine of large arguments loses digits.
        turns = (i * j / n + i / m) % 1.0
        waves = torch.sin(2 * math.pi * turns)
        power = waves.square().mean()
        if float(power) > 1e-12:  # a single unit with a single input is sin(2 pi) = 0
            waves = waves * (self.weight_std(layer) / power.sqrt())
        return layer.from_blocks(waves.reshape(layer.block_shape)).to(torch.float32)

    def weight_mean(self, layer: Layer) -> None:  # noqa: ARG002
        """Return None: the mean of the waves is near 0 but no law says so."""
        return

    def weight_std(self, layer: Layer) -> float:
        """Return the root mean square of the entries."""
        fans = {"glorot": layer.fan_in + layer.fan_out, "he": layer.fan_in}
        return math.sqrt(2 / fans[self.scale])
