"""A small vision transformer for images that come as rows of pixels."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from initsweep.architectures import ARCHITECTURES, Architecture
from initsweep.architectures.activations import ACTIVATIONS, Activation, ActivationName
from initsweep.architectures.image_parts import Image, image_of
from initsweep.architectures.mlp import BlankLinear
from initsweep.core.errors import ParamsError
from initsweep.core.params import Count
from initsweep.core.records import ModelOption

Pooling = Literal["class_token", "mean"]


class BlankEmbedding(nn.Embedding):
    """A lookup table that waits for its initializer: zeros, and no random draw when built."""

    def reset_parameters(self) -> None:
        """Set all rows to zero."""
        nn.init.zeros_(self.weight)


class SelfAttention(nn.Module):
    """Every token looks at all tokens: (batch, tokens, width) to the same shape.

    Query, key and value have a linear layer each, so that initializers see three square matrices
    and not one packed one, and `torch.func` can stack the network.

    Source: Vaswani et al. 2017, equation 1 and section 3.2.2.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.query, self.key = BlankLinear(width, width), BlankLinear(width, width)
        self.value, self.out = BlankLinear(width, width), BlankLinear(width, width)
        self.heads = heads

    def forward(self, signal: Tensor) -> Tensor:
        """Return what the tokens gather."""
        query, key, value = (self._split(one(signal)) for one in (self.query, self.key, self.value))
        looks = (query @ key.mT / query.shape[-1] ** 0.5).softmax(-1)
        gathered: Tensor = self.out((looks @ value).transpose(1, 2).flatten(2))
        return gathered

    def _split(self, signal: Tensor) -> Tensor:
        """Return (batch, heads, tokens, width / heads)."""
        shape = (signal.shape[0], signal.shape[1], self.heads, -1)
        return signal.reshape(shape).transpose(1, 2)


class EncoderBlock(nn.Module):
    """Attention and a hidden layer, each normalized before and added to its input."""

    def __init__(self, width: int, heads: int, hidden: int, activation: Activation) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), SelfAttention(width, heads)
        self.norm2, self.hidden = nn.LayerNorm(width), BlankLinear(width, hidden)
        self.out = BlankLinear(hidden, width)
        self.activation = activation

    def forward(self, signal: Tensor) -> Tensor:
        """Return the tokens, shape (batch, tokens, width)."""
        signal = signal + self.attention(self.norm1(signal))
        added: Tensor = self.out(self.activation(self.hidden(self.norm2(signal))))
        return signal + added


class Vit(nn.Module):
    """Patches as tokens, learned positions, encoder blocks, a norm and a linear head.

    Parameters are called `patches.weight`, `positions.weight`, `blocks.0.attention.query.weight`,
    `head.weight`, and so on.
    """

    order: Tensor

    def __init__(
        self,
        *,
        image: Sequence[int],
        n_outputs: int,
        patch: int,
        width: int,
        depth: int,
        heads: int,
        hidden: int,
        activation: ActivationName,
        pooling: Pooling,
    ) -> None:
        super().__init__()
        phi = ACTIVATIONS[activation]
        # A linear layer on cut patches: the same as a convolution of that stride.
        self.patches = BlankLinear(image[0] * patch**2, width)
        tokens = (image[1] // patch) * (image[2] // patch)
        self.class_token = BlankEmbedding(1, width) if pooling == "class_token" else None
        tokens += self.class_token is not None
        self.positions = BlankEmbedding(tokens, width)
        self.register_buffer("order", torch.arange(tokens), persistent=False)
        self.blocks = nn.ModuleList(EncoderBlock(width, heads, hidden, phi) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(width), BlankLinear(width, n_outputs)
        self.grid = (image[0], image[1] // patch, patch, image[2] // patch, patch)
        self.activation_after: Mapping[str, Activation] = {
            f"blocks.{index}.hidden": phi for index in range(depth)
        }

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the outputs, shape (batch, n_outputs), for inputs of (batch, n_features)."""
        cut = inputs.reshape(-1, *self.grid).permute(0, 2, 4, 1, 3, 5)
        signal = self.patches(cut.flatten(3).flatten(1, 2))
        if self.class_token is not None:
            token = self.class_token(self.order[:1])
            signal = torch.cat([token.expand(signal.shape[0], -1, -1), signal], dim=1)
        signal = signal + self.positions(self.order)
        for block in self.blocks:
            signal = block(signal)
        signal = self.norm(signal)
        pooled = signal.mean(1) if self.class_token is None else signal[:, 0]
        outputs: Tensor = self.head(pooled)
        return outputs


@ARCHITECTURES.register("vit")
class VitArchitecture(Architecture):
    """Options of the vision transformer."""

    summary: ClassVar[str] = (
        "Small vision transformer: patches, learned positions, pre-norm encoder blocks of "
        "attention and one hidden layer."
    )
    reference: ClassVar[str] = (
        "Dosovitskiy et al. 2021, section 3.1; attention: Vaswani et al. 2017; mean pooling: Zhai "
        "et al. 2022."
    )
    trained_by: ClassVar[str] = "torch"
    example: ClassVar[Mapping[str, ModelOption]] = {
        "patch": 2,
        "width": 32,
        "depth": 2,
        "heads": 4,
        "hidden": 64,
        "activation": "gelu",
        "pooling": "class_token",
        "image": None,
    }

    patch: Count
    width: Count
    depth: Count
    heads: Count
    hidden: Count
    activation: ActivationName
    pooling: Pooling
    image: Image | None

    def build(self, n_features: int, n_outputs: int) -> Vit:
        """Return the network with all weights zero, waiting for an initializer.

        Raises:
            ParamsError: If `n_features` values do not make such an image, patches do not fill it,
                or the heads do not divide the width.
        """
        image = image_of(self.image, n_features)
        if image[1] % self.patch or image[2] % self.patch:
            raise ParamsError(
                f"model.patch: patches of {self.patch} x {self.patch} do not fill an image of "
                f"{image[1]} x {image[2]}. Use a size that divides both."
            )
        if self.width % self.heads:
            raise ParamsError(
                f"model.heads: {self.heads} heads do not divide model.width, {self.width}."
            )
        return Vit(n_outputs=n_outputs, **{**dict(self), "image": image})

    def short_name(self) -> str:
        """Return e.g. "vit-p2-2x32-h4-64-gelu-class_token"."""
        size = f"p{self.patch}-{self.depth}x{self.width}-h{self.heads}-{self.hidden}"
        return f"vit-{size}-{self.activation}-{self.pooling}"
