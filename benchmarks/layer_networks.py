"""Small networks, one for each kind of layer that people use: what `benchmarks.layers` times.

All read 64 numbers: eight steps of eight, sixteen patches of four, an image of 8 by 8, or words.
"""

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.network_forms import CLASSES, Attention, Convolutional, Transformer

WIDTH, WORDS = 32, 100


class Recurrent(nn.Module):
    """Reads the rows of an image one after the other."""

    def __init__(self, kind: type[nn.RNNBase]) -> None:
        """Build it of one kind of cell."""
        super().__init__()
        self.cells = kind(8, WIDTH, batch_first=True)
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, shape (batch, classes)."""
        logits: Tensor = self.head(self.cells(x.unflatten(1, (8, 8)))[0][:, -1])
        return logits


class Words(nn.Module):
    """Reads whole numbers that a table holds as floats, and takes the mean of what they mean."""

    def __init__(self) -> None:
        """Build it with a table of words."""
        super().__init__()
        self.embed = nn.Embedding(WORDS, WIDTH)
        self.body = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, shape (batch, classes)."""
        words = (10 * x.abs()).long().clamp(max=WORDS - 1)
        logits: Tensor = self.body(self.embed(words).mean(dim=1))
        return logits


class Attentive(nn.Module):
    """Sixteen patches look at each other once, through torch's fused function."""

    def __init__(self) -> None:
        """Build it with four heads."""
        super().__init__()
        self.embed, self.mix = nn.Linear(4, WIDTH), Attention(WIDTH, fused=True, causal=False)
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, shape (batch, classes)."""
        x = self.embed(x.unflatten(1, (16, 4)))
        logits: Tensor = self.head((x + self.mix(x)).mean(dim=1))
        return logits


class Patches(nn.Module):
    """A pre-norm transformer of one block."""

    def __init__(self) -> None:
        """Build it as `benchmarks.network_forms` has it."""
        super().__init__()
        self.inner = Transformer(
            {
                "task": "patches", "depth": 1, "width": WIDTH, "norm_first": True, "norm": "layer",
                "activation": "gelu", "attention": "fused", "start": "torch", "pool": "mean",
                "layer_scale": None, "shared": False, "zero_head": False,
            }
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, shape (batch, classes)."""
        logits: Tensor = self.inner(x.unflatten(1, (16, 4)))
        return logits


class ResidualBlock(nn.Module):
    """Two convolutions with batch norm beside the stream, which a third one makes smaller."""

    def __init__(self, inputs: int, outputs: int) -> None:
        """Build one that halves height and width."""
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride=2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return half the height and width."""
        return torch.relu(self.shortcut(x) + self.body(x))


class ResidualLayers(nn.Module):
    """Dense layers beside the stream, at a scale that is learned."""

    def __init__(self) -> None:
        """Build three blocks."""
        super().__init__()
        self.stem, self.head = nn.Linear(64, WIDTH), nn.Linear(WIDTH, CLASSES)
        self.blocks = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.scale = nn.Parameter(torch.full((3, 1), 0.5))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, shape (batch, classes)."""
        x = self.stem(x)
        for block, scale in zip(self.blocks, self.scale, strict=True):
            x = x + scale * torch.relu(block(x))
        logits: Tensor = self.head(x)
        return logits


def images(*layers: nn.Module) -> nn.Module:
    """Return layers that read an image, then the mean over its positions and a head."""
    width = [layer for layer in layers if isinstance(layer, nn.Conv2d)][-1].out_channels
    ends = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, CLASSES))
    return nn.Sequential(nn.Unflatten(1, (1, 8, 8)), *layers, *ends)


def dense(*kinds: Callable[[], nn.Module]) -> nn.Module:
    """Return two hidden layers, each followed by layers of these kinds."""
    first, second = ([kind() for kind in kinds] for _ in range(2))
    return nn.Sequential(
        nn.Linear(64, WIDTH), *first, nn.Linear(WIDTH, WIDTH), *second, nn.Linear(WIDTH, CLASSES)
    )


def convolutional(style: str, norm: str) -> nn.Module:
    """Return a network of two blocks as `benchmarks.network_forms` has it."""
    return Convolutional(
        {
            "style": style, "depth": 2, "width": 16, "norm": norm, "activation": "relu",
            "start": "torch", "pool": True, "zero_gamma": False, "layer_scale": None,
        }
    )  # fmt: skip


def strided() -> nn.Module:
    """Return convolutions that take every second position."""
    first, second = nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.Conv2d(16, 32, 3, 2, 1)
    return images(first, nn.ReLU(), second, nn.ReLU())


def dilated() -> nn.Module:
    """Return convolutions that look further and further."""
    first, second = nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=2, dilation=2)
    return images(first, nn.ReLU(), second, nn.ReLU())


def pooled() -> nn.Module:
    """Return convolutions with a mean over windows between them."""
    first, second = nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1)
    return images(first, nn.ReLU(), nn.AvgPool2d(2), second, nn.ReLU())


def residual() -> nn.Module:
    """Return a small ResNet."""
    blocks = nn.Sequential(ResidualBlock(16, 16), ResidualBlock(16, 32))
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), blocks,
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, CLASSES),
    )  # fmt: skip


NETWORKS: Mapping[str, Callable[[], nn.Module]] = {
    "GRU": partial(Recurrent, nn.GRU),
    "LSTM": partial(Recurrent, nn.LSTM),
    "RNN": partial(Recurrent, nn.RNN),
    "embedding, mean": Words,
    "attention": Attentive,
    "transformer": Patches,
    "GroupNorm": partial(convolutional, "plain", "group"),
    "InstanceNorm": partial(convolutional, "plain", "instance"),
    "RMSNorm": lambda: dense(partial(nn.RMSNorm, WIDTH), nn.ReLU),
    "strided": strided,
    "dilated": dilated,
    "depthwise": partial(convolutional, "depthwise", "batch"),
    "average pooling": pooled,
    "dropout": lambda: dense(nn.ReLU, partial(nn.Dropout, 0.2)),
    "residual, dense": ResidualLayers,
    "residual, images": residual,
}
