"""Delta-orthogonal kernels: a convolution that rotates channels and does nothing else."""

from typing import ClassVar

import torch
from torch import Tensor

from initsweep.initializers import INITIALIZERS, Initializer
from initsweep.initializers.laws.gain_option import Gain, neighbour, resolve_gain
from initsweep.initializers.laws.matrices import (
    at_the_centre,
    haar,
    refuse_tables,
    root_mean_square_at_the_centre,
)
from initsweep.initializers.layers import Layer, Neighbour


@INITIALIZERS.register("delta_orthogonal")
class DeltaOrthogonal(Initializer):
    """A random orthogonal matrix at the centre of the kernel, zeros around it; biases zero.

    Each group has its own matrix. A linear layer is a kernel of one position, so it gets the
    matrix alone. With fewer outputs than inputs the rows are orthonormal, which shortens signals.

    Source: Xiao et al. 2018, "Dynamical isometry and a mean field theory of CNNs", on
        delta-orthogonal kernels; gain as for `orthogonal`.
    """

    summary: ClassVar[str] = "A random orthogonal matrix at the kernel's centre times `gain`."
    reference: ClassVar[str] = "Xiao et al. 2018 (delta-orthogonal kernels); Mezzadri 2007."
    conditions: ClassVar[str] = (
        "Deep plain convolutional networks, above all tanh, with stride 1, odd kernels and no "
        "fewer outputs than inputs: only there lengths are kept exactly. Refuses lookup tables "
        "and bilinear layers."
    )
    example: ClassVar[dict[str, str]] = {"gain": "auto"}

    gain: Gain = "auto"

    @property
    def reads(self) -> Neighbour | None:
        """Which activation the gain is taken from."""
        return neighbour(self.gain)

    def refuses(self, layer: Layer) -> str | None:
        """Return why layers without an identity map cannot be filled."""
        return refuse_tables(layer)

    def weight(self, layer: Layer, generator: torch.Generator) -> Tensor:
        """Return the kernel; the matrices are computed in float64 on the CPU."""
        groups, outputs, inputs, *_ = layer.block_shape
        matrices = torch.stack([haar(outputs, inputs, generator) for _ in range(groups)])
        return at_the_centre(resolve_gain(self.gain, layer) * matrices, layer)

    def weight_std(self, layer: Layer) -> float:
        """Return the root mean square of all entries, zeros included."""
        _, outputs, inputs, *_ = layer.block_shape
        gain = resolve_gain(self.gain, layer)
        return root_mean_square_at_the_centre(gain**2 * min(outputs, inputs), layer)
