"""What PyTorch does when nobody asks: the control that every comparison needs."""

import math
from typing import ClassVar

import torch
from torch import Tensor

from initsweep.initializers import INITIALIZERS, Initializer
from initsweep.initializers.draws import draw
from initsweep.initializers.layers import Layer


@INITIALIZERS.register("torch_default")
class TorchDefault(Initializer):
    """U(±1 / sqrt(fan_in)) for weights and biases, as `nn.Linear` and `nn.Conv` fill themselves.

    PyTorch writes it as `kaiming_uniform_(a=sqrt(5))`, which is this law. Fan_in is PyTorch's own
    count here, from the weight's shape, because the point is to reproduce PyTorch; for transposed
    convolutions it differs from the true one.

    Source: torch.nn.Linear.reset_parameters; He et al. 2015, equation 15, with a = sqrt(5).
    """

    summary: ClassVar[str] = "PyTorch's default: uniform weights and biases, ±1 / sqrt(fan_in)."
    reference: ClassVar[str] = (
        "torch.nn.Linear.reset_parameters (He et al. 2015, equation 15, with a = sqrt(5))."
    )
    conditions: ClassVar[str] = (
        "Good for a few layers. Its variance 1 / (3 fan_in) is a sixth of what ReLU needs, so the "
        "signal dies out with depth."
    )

    def weight(self, layer: Layer, generator: torch.Generator) -> Tensor:
        """Return independent uniform draws."""
        return draw("uniform", layer.weight_shape, generator, std=self.weight_std(layer))

    def bias(self, layer: Layer, generator: torch.Generator) -> Tensor:
        """Return independent uniform draws with the weight's bound."""
        return draw("uniform", layer.bias_shape or (0,), generator, std=self.bias_std(layer))

    def weight_std(self, layer: Layer) -> float:
        """Return 1 / sqrt(3 fan_in)."""
        return 1 / math.sqrt(3 * math.prod(layer.weight_shape[1:]))

    def bias_std(self, layer: Layer) -> float:
        """Return 1 / sqrt(3 fan_in)."""
        return self.weight_std(layer)
