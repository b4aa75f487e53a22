"""What PyTorch does when nobody asks: the control that every comparison needs."""

import math
from typing import ClassVar

import torch
from torch import Tensor

from initsweep.initializers import INITIALIZERS, Initializer
from initsweep.initializers.laws.draws import Distribution, draw
from initsweep.initializers.layers import Layer


@INITIALIZERS.register("torch_default")
class TorchDefault(Initializer):
    """What each of PyTorch's layers does when it is built.

    Linear and convolutional layers: U(±1 / sqrt(fan_in)) for weights and biases. PyTorch writes it
    as `kaiming_uniform_(a=sqrt(5))`, which is this law. Fan_in is PyTorch's own count here, from
    the weight's shape, because the point is to reproduce PyTorch; for transposed convolutions it
    differs from the true one. Bilinear layers: the same from their first input's size. Lookup
    tables: N(0, 1). Recurrent layers: U(±1 / sqrt(hidden size)), biases too. Attention: Xavier
    on the tensor of the projections, packed or separate, and zero biases.

    Source: `reset_parameters` of torch.nn.Linear, Embedding, Bilinear and RNNBase,
        `_reset_parameters` of MultiheadAttention; He et al. 2015, equation 15, with a = sqrt(5).
    """

    summary: ClassVar[str] = "PyTorch's default: uniform weights and biases, ±1 / sqrt(fan_in)."
    reference: ClassVar[str] = (
        "torch.nn.Linear.reset_parameters (He et al. 2015, equation 15, with a = sqrt(5))."
    )
    conditions: ClassVar[str] = (
        "Good for a few layers. Its variance 1 / (3 fan_in) is a sixth of what ReLU needs, so the "
        "signal dies out with depth."
    )

    biases: ClassVar[str] = "as the weights; 0 in attention"

    def weight(self, layer: Layer, generator: torch.Generator) -> Tensor:
        """Return independent uniform draws, normal ones for a lookup table."""
        family: Distribution = "normal" if layer.kind == "embedding" else "uniform"
        return draw(family, layer.weight_shape, generator, std=self.weight_std(layer))

    def bias(self, layer: Layer, generator: torch.Generator) -> Tensor:
        """Return independent uniform draws, zeros for attention."""
        return draw("uniform", layer.bias_shape or (0,), generator, std=self.bias_std(layer))

    def weight_std(self, layer: Layer) -> float:
        """Return 1 / sqrt(3 fan_in), with what PyTorch counts as fan_in."""
        rows, columns = layer.weight_shape[:2]
        if layer.kind == "embedding":
            return 1.0
        if layer.kind == "attention":
            return math.sqrt(2 / (columns + layer.stacked * rows))
        if layer.kind == "recurrent":
            return 1 / math.sqrt(3 * rows)
        if layer.kind == "bilinear":
            return 1 / math.sqrt(3 * columns)
        return 1 / math.sqrt(3 * math.prod(layer.weight_shape[1:]))

    def bias_std(self, layer: Layer) -> float:
        """Return 1 / sqrt(3 fan_in), 0 for attention."""
        return 0.0 if layer.kind.startswith("attention") else self.weight_std(layer)
