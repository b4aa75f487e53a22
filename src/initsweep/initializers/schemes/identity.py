"""Identity maps: of linear layers, and of convolutions (Dirac kernels)."""

from typing import ClassVar

import torch
from torch import Tensor

from initsweep.core.params import Positive
from initsweep.initializers import INITIALIZERS, Initializer
from initsweep.initializers.laws.matrices import at_the_centre, refuse_tables
from initsweep.initializers.layers import Layer


class _Identity(Initializer):
    """The first outputs are the first inputs times `gain`, whatever is left over is zero."""

    deterministic: ClassVar[bool] = True

    gain: Positive = 1.0

    def refuses(self, layer: Layer) -> str | None:
        """Return why layers without an identity map cannot be filled."""
        return refuse_tables(layer)

    def weight(self, layer: Layer, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return the identity of every group, at the centre of the kernel."""
        groups, outputs, inputs, *_ = layer.block_shape
        matrix = torch.eye(outputs, inputs, dtype=torch.float64)
        return at_the_centre(self.gain * matrix.expand(groups, outputs, inputs), layer)

    def weight_mean(self, layer: Layer) -> None:  # noqa: ARG002
        """Return None: the weights follow no law."""
        return


@INITIALIZERS.register("identity")
class Identity(_Identity):
    """The (partial) identity in linear layers, projections and gates; biases zero."""

    summary: ClassVar[str] = "The identity matrix times `gain`, for layers without a kernel."
    reference: ClassVar[str] = (
        "Le, Jaitly and Hinton 2015 (recurrent weights); Bartlett, Helmbold and Long 2018 (deep "
        "linear networks)."
    )
    conditions: ClassVar[str] = (
        "Recurrent ReLU layers, residual and deep linear networks of one width. Outputs beyond "
        "the inputs stay dead in plain networks. Refuses lookup tables, bilinear layers and "
        "convolutions, for which there is `dirac`."
    )

    def refuses(self, layer: Layer) -> str | None:
        """Return why it fills no convolution, as `dirac` does."""
        if layer.kind in {"convolution", "transposed"}:
            return "a convolution has a kernel, of which `dirac` makes an identity."
        return super().refuses(layer)


@INITIALIZERS.register("dirac")
class Dirac(_Identity):
    """Kernels that pass channels on unchanged, group by group; biases zero.

    A linear layer is a kernel of one position and gets the (partial) identity.
    """

    summary: ClassVar[str] = "Kernels that copy the first channels, times `gain`."
    reference: ClassVar[str] = "Zagoruyko and Komodakis 2017 (DiracNets); torch.nn.init.dirac_."
    conditions: ClassVar[str] = (
        "Residual or very deep networks of one width, stride 1, odd kernels. Outputs beyond the "
        "inputs stay dead in plain networks. Refuses lookup tables and bilinear layers."
    )
