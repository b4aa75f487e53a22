"""Orthogonal weights: every direction of the signal keeps its length."""

import math
from typing import ClassVar, Literal

import torch
from pydantic import field_validator
from torch import Tensor

from initsweep.initializers import INITIALIZERS, Initializer
from initsweep.initializers.gains import forward_gain
from initsweep.initializers.layers import Layer


@INITIALIZERS.register("orthogonal")
class Orthogonal(Initializer):
    """A random (semi-)orthogonal matrix times a gain; biases zero.

    The weight is seen as a matrix (first axis, all others). Its rows, or its columns if there are
    fewer of them, are orthonormal times the gain. `gain: auto` takes 1 / sqrt(E phi(z)²) of the
    activation that follows the layer, and 1 where the output is linear.

    Source: Saxe, McClelland and Ganguli 2013, section 3; sign correction after Mezzadri 2007,
        equation 5.3, without which QR does not give the uniform (Haar) law.
    """

    summary: ClassVar[str] = "A random orthogonal matrix times `gain`."
    reference: ClassVar[str] = "Saxe, McClelland and Ganguli 2013; Mezzadri 2007, section 5."
    conditions: ClassVar[str] = (
        "Deep plain networks, above all linear and tanh. ReLU breaks the exact isometry, though "
        "the mean signal is kept with the right gain."
    )
    example: ClassVar[dict[str, str]] = {"gain": "auto"}

    gain: float | Literal["auto"]

    @field_validator("gain", mode="plain")
    @classmethod
    def _is_positive_or_auto(cls, value: object) -> float | Literal["auto"]:
        if value == "auto":
            return "auto"
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and 0 < value < math.inf:  # type: ignore[operator]
            return float(value)  # type: ignore[arg-type]
        raise ValueError(f"write a finite number above 0, or auto; received {value!r}")

    def weight(self, layer: Layer, generator: torch.Generator) -> Tensor:
        """Return the matrix, computed in float64 on the CPU."""
        rows, columns = layer.weight_shape[0], math.prod(layer.weight_shape[1:])
        long, short = max(rows, columns), min(rows, columns)
        normal = torch.randn(long, short, generator=generator, dtype=torch.float64)
        q, r = torch.linalg.qr(normal)
        q = torch.where(r.diagonal() < 0, -q, q)
        matrix = q if rows >= columns else q.T
        return (self._gain(layer) * matrix).reshape(layer.weight_shape).to(torch.float32)

    def weight_std(self, layer: Layer) -> float:
        """Return gain / sqrt(longer side): the root mean square of the entries."""
        rows, columns = layer.weight_shape[0], math.prod(layer.weight_shape[1:])
        return self._gain(layer) / math.sqrt(max(rows, columns))

    def _gain(self, layer: Layer) -> float:
        if self.gain != "auto":
            return self.gain
        return 1.0 if layer.activation is None else forward_gain(layer.activation)
