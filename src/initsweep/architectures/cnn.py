"""A small convolutional network for images that come as rows of pixels."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from initsweep.architectures import ARCHITECTURES, Architecture
from initsweep.architectures.activations import ACTIVATIONS, Activation, ActivationName
from initsweep.architectures.image_parts import BlankConv2d, Image, Kernel, check_halvings, image_of
from initsweep.architectures.mlp import BlankLinear
from initsweep.core.params import Count
from initsweep.core.records import ModelOption


class ConvBlock(nn.Module):
    """Convolution, activation, max-pool by 2: (batch, c, h, w) to (batch, c', h // 2, w // 2)."""

    def __init__(self, fan_in: int, channels: int, kernel: int, activation: Activation) -> None:
        super().__init__()
        self.conv = BlankConv2d(fan_in, channels, kernel, padding=kernel // 2)
        self.activation = activation

    def forward(self, signal: Tensor) -> Tensor:
        """Return the pooled activations."""
        return functional.max_pool2d(self.activation(self.conv(signal)), 2)


class Cnn(nn.Module):
    """Convolutional blocks, then a hidden dense layer if there is one, and a linear head.

    Parameters are called `blocks.0.conv.weight`, `dense.weight`, `head.weight`, and so on.
    """

    def __init__(
        self,
        *,
        image: Sequence[int],
        n_outputs: int,
        channels: Sequence[int],
        kernel: int,
        activation: ActivationName,
        dense: int | None,
    ) -> None:
        super().__init__()
        phi = ACTIVATIONS[activation]
        depths = [image[0], *channels]
        self.blocks = nn.ModuleList(
            ConvBlock(fan_in, fan_out, kernel, phi) for fan_in, fan_out in pairwise(depths)
        )
        pooled = 2 ** len(channels)
        width = depths[-1] * (image[1] // pooled) * (image[2] // pooled)
        self.dense = None if dense is None else BlankLinear(width, dense)
        self.head = BlankLinear(width if dense is None else dense, n_outputs)
        self.image, self.activation = tuple(image), phi
        self.activation_after: Mapping[str, Activation] = {
            **{f"blocks.{index}.conv": phi for index in range(len(channels))},
            **({} if dense is None else {"dense": phi}),
        }

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the outputs, shape (batch, n_outputs), for inputs of (batch, n_features)."""
        signal = inputs.reshape(-1, *self.image)
        for block in self.blocks:
            signal = block(signal)
        signal = signal.flatten(1)
        if self.dense is not None:
            signal = self.activation(self.dense(signal))
        outputs: Tensor = self.head(signal)
        return outputs


@ARCHITECTURES.register("cnn")
class CnnArchitecture(Architecture):
    """Options of the convolutional network."""

    summary: ClassVar[str] = (
        "Convolutional network: blocks of convolution, activation and pooling, then dense layers."
    )
    reference: ClassVar[str] = "LeCun et al. 1998, with max-pooling: Ranzato et al. 2007."
    trained_by: ClassVar[str] = "compiled"
    example: ClassVar[Mapping[str, ModelOption]] = {
        "channels": [16, 32],
        "kernel": 3,
        "activation": "relu",
        "dense": 64,
        "image": None,
    }

    channels: Annotated[list[Count], Field(min_length=1)]
    kernel: Kernel
    activation: ActivationName
    dense: Count | None
    image: Image | None

    def build(self, n_features: int, n_outputs: int) -> Cnn:
        """Return the network with all weights zero, waiting for an initializer.

        Raises:
            ParamsError: If `n_features` values do not make such an image, or one too small.
        """
        image = image_of(self.image, n_features)
        check_halvings(image, len(self.channels), "model.channels")
        options = {**dict(self), "image": image}
        return Cnn(n_outputs=n_outputs, **options)

    def short_name(self) -> str:
        """Return e.g. "cnn-16-32-k3-relu-dense64"."""
        dense = "" if self.dense is None else f"-dense{self.dense}"
        depths = "-".join(map(str, self.channels))
        return f"cnn-{depths}-k{self.kernel}-{self.activation}{dense}"
