"""Sparse weights: few strong connections per unit instead of many weak ones."""

import math
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from initsweep.core.params import Positive
from initsweep.initializers import INITIALIZERS, Initializer
from initsweep.initializers.laws.gain_option import Gain, neighbour, resolve_gain
from initsweep.initializers.layers import Layer, Neighbour


@INITIALIZERS.register("sparse")
class Sparse(Initializer):
    """Every output unit keeps the same number of random incoming weights; biases zero.

    Of n incoming weights k = n - floor(sparsity n) are normal, the others zero. Their standard
    deviation is `std` or, if that is null, such that the variance of all n is gain² / fan_in, so
    that the signal is kept as by a dense layer. Both which and how much come from the layer's
    generator; torch's `sparse_` draws the mask from the global one.

    Source: Martens 2010, "Deep learning via Hessian-free optimization", on sparse initialization (a
        fixed number of incoming connections per unit); the scale follows from LeCun et al. 1998,
        equation 16.
    """

    summary: ClassVar[str] = "Normal weights of which each unit keeps a share of 1 - `sparsity`."
    reference: ClassVar[str] = "Martens 2010 (sparse initialization)."
    conditions: ClassVar[str] = (
        "Keeps units different from each other in wide layers. With few incoming weights the "
        "signal varies much from unit to unit."
    )
    example: ClassVar[dict[str, float | str | None]] = {
        "sparsity": 0.9,
        "gain": "auto",
        "std": None,
    }

    sparsity: Annotated[float, Field(ge=0, lt=1)]
    gain: Gain = "auto"
    std: Positive | None = None

    @property
    def reads(self) -> Neighbour | None:
        """Which activation the gain is taken from, if it counts."""
        return neighbour(self.gain) if self.std is None else None

    def weight(self, layer: Layer, generator: torch.Generator) -> Tensor:
        """Return the weight; which entries are kept is drawn first."""
        incoming, kept = self.counts(layer)
        shape = math.prod(layer.weight_shape) // incoming, incoming
        ranks = torch.rand(shape, generator=generator, dtype=torch.float64).argsort(dim=1)
        values = torch.randn(shape, generator=generator, dtype=torch.float64)
        values = values * self.kept_std(layer) * (ranks < kept)
        return layer.from_blocks(values.reshape(layer.block_shape)).to(torch.float32)

    def weight_std(self, layer: Layer) -> float:
        """Return the standard deviation over all entries, zeros included."""
        incoming, kept = self.counts(layer)
        return self.kept_std(layer) * math.sqrt(kept / incoming)

    def counts(self, layer: Layer) -> tuple[int, int]:
        """Return how many weights enter an output unit, and how many of them are kept."""
        incoming = math.prod(layer.block_shape[2:])
        return incoming, incoming - math.floor(self.sparsity * incoming)

    def kept_std(self, layer: Layer) -> float:
        """Return the standard deviation of the weights that are kept."""
        if self.std is not None:
            return self.std
        incoming, kept = self.counts(layer)
        return resolve_gain(self.gain, layer) * math.sqrt(incoming / (kept * layer.fan_in))
