"""Orthogonal weights: every direction of the signal keeps its length."""

import math
from typing import ClassVar

import torch
from torch import Tensor

from initsweep.initializers import INITIALIZERS, Initializer
from initsweep.initializers.laws.gain_option import Gain, neighbour, resolve_gain
from initsweep.initializers.laws.matrices import haar
from initsweep.initializers.layers import Layer, Neighbour


@INITIALIZERS.register("orthogonal")
class Orthogonal(Initializer):
    """A random (semi-)orthogonal matrix times a gain; biases zero.

    The weight is seen as a matrix (first axis, all others). Its rows, or its columns if there are
    fewer of them, are orthonormal times the gain. `gain: auto` takes 1 / sqrt(E phi(z)²) of the
    activation that follows the layer, and 1 where the output is linear.

    Source: Saxe, McClelland and Ganguli 2013, section 3; Mezzadri 2007, equation 5.3.
    """

    summary: ClassVar[str] = "A random orthogonal matrix times `gain`."
    reference: ClassVar[str] = "Saxe, McClelland and Ganguli 2013; Mezzadri 2007, section 5."
    conditions: ClassVar[str] = (
        "Deep plain networks, above all linear and tanh. ReLU breaks the exact isometry, though "
        "the mean signal is kept with the right gain."
    )
    example: ClassVar[dict[str, str]] = {"gain": "auto"}

    gain: Gain

    @property
    def reads(self) -> Neighbour | None:
        """Which activation the gain is taken from."""
        return neighbour(self.gain)

    def weight(self, layer: Layer, generator: torch.Generator) -> Tensor:
        """Return the matrix, computed in float64 on the CPU."""
        rows, columns = layer.weight_shape[0], math.prod(layer.weight_shape[1:])
        matrix = resolve_gain(self.gain, layer) * haar(rows, columns, generator)
        return matrix.reshape(layer.weight_shape).to(torch.float32)

    def weight_std(self, layer: Layer) -> float:
        """Return gain / sqrt(longer side): the root mean square of the entries."""
        rows, columns = layer.weight_shape[0], math.prod(layer.weight_shape[1:])
        return resolve_gain(self.gain, layer) / math.sqrt(max(rows, columns))
