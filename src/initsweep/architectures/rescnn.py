"""A residual convolutional network for images that come as rows of pixels."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from initsweep.architectures import ARCHITECTURES, Architecture
from initsweep.architectures.activations import ACTIVATIONS, Activation, ActivationName
from initsweep.architectures.image_parts import BlankConv2d, Image, Kernel, check_halvings, image_of
from initsweep.architectures.mlp import BlankLinear
from initsweep.core.params import Count
from initsweep.core.records import ModelOption

ConvNorm = Literal["none", "batch"]


class NormedConv(nn.Module):
    """Convolution, then norm: (batch, c, h, w) to (batch, c', h, w)."""

    def __init__(self, fan_in: int, channels: int, kernel: int, norm: ConvNorm) -> None:
        super().__init__()
        # Batch norm subtracts any bias again; see `mlp.HiddenLayer`.
        self.conv = BlankConv2d(fan_in, channels, kernel, padding=kernel // 2, bias=norm != "batch")
        self.norm = nn.BatchNorm2d(channels) if norm == "batch" else nn.Identity()

    def forward(self, signal: Tensor) -> Tensor:
        """Return the normalized pre-activations."""
        normed: Tensor = self.norm(self.conv(signal))
        return normed


class ResidualBlock(nn.Module):
    """The sum of its input and two convolutions, then an activation; the shape stays."""

    def __init__(self, channels: int, kernel: int, activation: Activation, norm: ConvNorm) -> None:
        super().__init__()
        self.first = NormedConv(channels, channels, kernel, norm)
        self.second = NormedConv(channels, channels, kernel, norm)
        self.activation = activation

    def forward(self, signal: Tensor) -> Tensor:
        """Return the block's activations."""
        return self.activation(signal + self.second(self.activation(self.first(signal))))


class Stage(nn.Module):
    """A convolution to more channels, residual blocks, and max-pooling by 2."""

    def __init__(
        self,
        fan_in: int,
        channels: int,
        blocks: int,
        kernel: int,
        activation: Activation,
        norm: ConvNorm,
    ) -> None:
        super().__init__()
        self.widen = NormedConv(fan_in, channels, kernel, norm)
        self.blocks = nn.ModuleList(
            ResidualBlock(channels, kernel, activation, norm) for _ in range(blocks)
        )
        self.activation = activation

    def forward(self, signal: Tensor) -> Tensor:
        """Return the pooled activations: (batch, c, h, w) to (batch, c', h // 2, w // 2)."""
        signal = self.activation(self.widen(signal))
        for block in self.blocks:
            signal = block(signal)
        return functional.max_pool2d(signal, 2)


class ResCnn(nn.Module):
    """Stages of residual blocks and a linear head.

    Parameters are called `stages.0.widen.conv.weight`, `stages.0.blocks.0.first.conv.weight`,
    `head.weight`, and so on.
    """

    def __init__(
        self,
        *,
        image: Sequence[int],
        n_outputs: int,
        channels: Sequence[int],
        blocks: int,
        kernel: int,
        activation: ActivationName,
        norm: ConvNorm,
    ) -> None:
        super().__init__()
        phi, depths = ACTIVATIONS[activation], [image[0], *channels]
        self.stages = nn.ModuleList(
            Stage(fan_in, fan_out, blocks, kernel, phi, norm)
            for fan_in, fan_out in zip(depths, channels, strict=False)
        )
        pooled = 2 ** len(channels)
        width = depths[-1] * (image[1] // pooled) * (image[2] // pooled)
        self.head = BlankLinear(width, n_outputs)
        self.image = tuple(image)
        # What follows a block's last convolution is the sum, not yet the activation; as in He et
        # al. 2015 its gain is the one of the activation that the sum goes through.
        self.activation_after: Mapping[str, Activation] = {
            name: phi for name, module in self.named_modules() if isinstance(module, BlankConv2d)
        }

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the outputs, shape (batch, n_outputs), for inputs of (batch, n_features)."""
        signal = inputs.reshape(-1, *self.image)
        for stage in self.stages:
            signal = stage(signal)
        outputs: Tensor = self.head(signal.flatten(1))
        return outputs


@ARCHITECTURES.register("rescnn")
class ResCnnArchitecture(Architecture):
    """Options of the residual convolutional network."""

    summary: ClassVar[str] = (
        "Residual convolutional network: stages of a widening convolution, residual blocks of two "
        "convolutions, and pooling."
    )
    reference: ClassVar[str] = (
        "He et al. 2016 (deep residual learning), figure 2; without norm: Zhang, Dauphin and Ma "
        "2019."
    )
    trained_by: ClassVar[str] = "compiled"
    example: ClassVar[Mapping[str, ModelOption]] = {
        "channels": [16, 32],
        "blocks": 1,
        "kernel": 3,
        "activation": "relu",
        "norm": "batch",
        "image": None,
    }

    channels: Annotated[list[Count], Field(min_length=1)]
    blocks: Count
    kernel: Kernel
    activation: ActivationName
    norm: ConvNorm
    image: Image | None

    def build(self, n_features: int, n_outputs: int) -> ResCnn:
        """Return the network with all weights zero, waiting for an initializer.

        Raises:
            ParamsError: If `n_features` values do not make such an image, or one too small.
        """
        image = image_of(self.image, n_features)
        check_halvings(image, len(self.channels), "model.channels")
        return ResCnn(n_outputs=n_outputs, **{**dict(self), "image": image})

    def short_name(self) -> str:
        """Return e.g. "rescnn-16-32-b1-k3-relu-batchnorm"."""
        norm = "" if self.norm == "none" else f"-{self.norm}norm"
        depths = "-".join(map(str, self.channels))
        return f"rescnn-{depths}-b{self.blocks}-k{self.kernel}-{self.activation}{norm}"
