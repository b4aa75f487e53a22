"""ZerO: a network of zeros and ones, without anything random."""

import math
from typing import ClassVar

import torch
from torch import Tensor

from initsweep.initializers import INITIALIZERS, Initializer
from initsweep.initializers.laws.matrices import at_the_centre, hadamard, refuse_tables
from initsweep.initializers.layers import Layer


@INITIALIZERS.register("zero_hadamard")
class ZeroHadamard(Initializer):
    """The (partial) identity; where a layer widens, a Hadamard transform; biases zero.

    For m outputs and n inputs: I* if m <= n, else I* H I* / 2^(c/2) with c = ceil(log2 m) and H
    the Hadamard matrix of 2^c rows. In a convolution this matrix is at the kernel's centre. The
    Hadamard transform is what lets the rank grow beyond that of the input; partial identities
    alone keep it bounded for ever.

    Source: Zhao et al. 2021, "ZerO initialization", algorithms 1 (matrices) and 2 (convolutions);
        2^(c/2) as in their code.
    """

    summary: ClassVar[str] = "ZerO: partial identities, and Hadamard matrices where layers widen."
    reference: ClassVar[str] = "Zhao et al. 2021, algorithms 1 and 2."
    conditions: ClassVar[str] = (
        "Residual networks (which may add `zero_gamma`'s idea themselves) and normalized ones. "
        "Refuses lookup tables and bilinear layers."
    )
    deterministic: ClassVar[bool] = True

    def refuses(self, layer: Layer) -> str | None:
        """Return why layers without an identity map cannot be filled."""
        return refuse_tables(layer)

    def weight(self, layer: Layer, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return the matrix of every group at the centre of the kernel."""
        groups, outputs, inputs, *_ = layer.block_shape
        matrix = torch.eye(outputs, inputs, dtype=torch.float64)
        if outputs > inputs:
            order = math.ceil(math.log2(outputs))
            matrix = hadamard(order)[:outputs, :inputs] / 2 ** (order / 2)
        return at_the_centre(matrix.expand(groups, outputs, inputs), layer)

    def weight_mean(self, layer: Layer) -> None:  # noqa: ARG002
        """Return None: the weights follow no law."""
        return
