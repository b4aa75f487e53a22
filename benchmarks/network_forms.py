"""Convolutional networks and transformers in the forms that people ship, small enough to train.

They read 8 by 8 images of digits: as one channel of pixels, as 16 patches, or as 16 tokens of 17
levels.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

CLASSES, LEVELS, TOKENS = 10, 17, 16

ACTIVATIONS = {
    "relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid,
}  # fmt: skip
NORMS = {
    "none": lambda _: nn.Identity(),
    "batch": nn.BatchNorm2d,
    "instance": lambda width: nn.InstanceNorm2d(width, affine=True),
    "group": lambda width: nn.GroupNorm(4, width),
}


class ConvBlock(nn.Module):
    """Two convolutions, beside which the signal may pass."""

    def __init__(self, width: int, options: dict[str, object]) -> None:
        """Build it for `width` channels."""
        super().__init__()
        self.style = str(options["style"])
        make, groups = NORMS[str(options["norm"])], width if self.style == "depthwise" else 1
        inner = 2 * width if self.style == "depthwise" else width
        self.first = nn.Conv2d(width, width, 3, padding=1, groups=groups)
        self.norm_first = make(width)
        self.second = nn.Conv2d(width, inner, 1 if self.style == "depthwise" else 3, padding="same")
        self.norm_second = make(inner)
        self.third = nn.Conv2d(inner, width, 1) if inner != width else nn.Identity()
        self.activation = ACTIVATIONS[str(options["activation"])]()
        scale = options["layer_scale"]
        self.scale = None if scale is None else nn.Parameter(torch.full((width, 1, 1), scale))
        if options["zero_gamma"] and isinstance(self.norm_second, nn.BatchNorm2d):
            nn.init.zeros_(self.norm_second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return the same shape, (batch, channels, height, width)."""
        z = self.norm_second(self.second(self.activation(self.norm_first(self.first(x)))))
        if not isinstance(self.third, nn.Identity):
            z = self.third(self.activation(z))
        z = z if self.scale is None else self.scale * z
        if self.style == "plain":
            return self.activation(z)
        return self.activation(x + z) if self.style == "residual" else x + z


class Convolutional(nn.Module):
    """Stem, blocks, mean over positions, head."""

    def __init__(self, options: dict[str, object]) -> None:
        """Build it for images of one channel."""
        super().__init__()
        width = int(options["width"])  # type: ignore[call-overload]
        self.stem = nn.Conv2d(1, width, 3, padding=1)
        self.norm = NORMS[str(options["norm"])](width)
        depth = int(options["depth"])  # type: ignore[call-overload]
        self.blocks = nn.Sequential(*(ConvBlock(width, options) for _ in range(depth)))
        self.head = nn.Linear(width, CLASSES)
        self.pool = bool(options["pool"])
        if options["start"] == "he":  # as ResNet's authors start it
            for module in self.modules():
                if isinstance(module, nn.Conv2d):
                    nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if options["start"] == "timm":
            _small(self, 0.02)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, shape (batch, classes)."""
        x = functional.relu(self.norm(self.stem(x.unflatten(1, (1, 8, 8)))))
        x = self.blocks(functional.max_pool2d(x, 2) if self.pool else x)
        logits: Tensor = self.head(x.mean(dim=(2, 3)))
        return logits


def _small(model: nn.Module, std: float) -> None:
    """Start all weights at a standard deviation, biases at 0, as BERT, GPT-2 and ViT do."""
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d, nn.Embedding)):
            nn.init.trunc_normal_(module.weight, std=std)
            if getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)


class Attention(nn.Module):
    """Attention written out, or through torch's fused function."""

    def __init__(self, width: int, *, fused: bool, causal: bool) -> None:
        """Build it with four heads."""
        super().__init__()
        self.fused, self.causal = fused, causal
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return tokens of the same shape, (batch, tokens, width)."""
        q, k, v = (one.unflatten(-1, (4, -1)).transpose(1, 2) for one in self.qkv(x).chunk(3, -1))
        if self.fused:
            mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        else:
            scores = q @ k.mT / math.sqrt(q.shape[-1])
            if self.causal:
                later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
                scores = scores.masked_fill(later, -math.inf)
            mixed = scores.softmax(dim=-1) @ v
        result: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return result


class FeedForward(nn.Module):
    """Two layers with an activation, or three with a gate (SwiGLU)."""

    def __init__(self, width: int, activation: str) -> None:
        """Build it with a hidden width of four times, or 8/3 times with a gate."""
        super().__init__()
        gated = activation == "swiglu"
        inner = 8 * width // 3 if gated else 4 * width
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)
        self.gate = nn.Linear(width, inner) if gated else None
        self.activation = nn.SiLU() if gated else ACTIVATIONS[activation]()

    def forward(self, x: Tensor) -> Tensor:
        """Return tokens of the same shape."""
        if self.gate is None:
            return self.down(self.activation(self.up(x)))  # type: ignore[no-any-return]
        return self.down(self.activation(self.gate(x)) * self.up(x))  # type: ignore[no-any-return]


class TransformerBlock(nn.Module):
    """Attention and feed-forward, each beside the stream."""

    def __init__(self, width: int, options: dict[str, object]) -> None:
        """Build it for tokens of `width` numbers."""
        super().__init__()
        make = nn.RMSNorm if options["norm"] == "rms" else nn.LayerNorm
        if options["norm"] == "none":
            make = nn.Identity  # type: ignore[assignment]
        self.norm_mix, self.norm_mlp = make(width), make(width)
        causal = options["task"] == "next"
        self.native = options["attention"] == "native"
        self.mix: nn.Module = (
            nn.MultiheadAttention(width, 4, batch_first=True)
            if self.native and not causal
            else Attention(width, fused=options["attention"] == "fused", causal=causal)
        )
        self.mlp = FeedForward(width, str(options["activation"]))
        scale = options["layer_scale"]
        kept = () if scale is None else (torch.full((width,), scale) for _ in range(2))
        self.scales = nn.ParameterList(kept)
        self.first = bool(options["norm_first"])

    def forward(self, x: Tensor) -> Tensor:
        """Return tokens of the same shape."""
        one, two = self.scales or (1, 1)
        if self.first:
            x = x + one * self._mixed(self.norm_mix(x))
            return x + two * self.mlp(self.norm_mlp(x))  # type: ignore[no-any-return]
        x = self.norm_mix(x + one * self._mixed(x))
        return self.norm_mlp(x + two * self.mlp(x))  # type: ignore[no-any-return]

    def _mixed(self, x: Tensor) -> Tensor:
        if isinstance(self.mix, nn.MultiheadAttention):
            return self.mix(x, x, x, need_weights=False)[0]  # type: ignore[no-any-return]
        return self.mix(x)  # type: ignore[no-any-return]


class Transformer(nn.Module):
    """Embeds patches or tokens, adds positions, mixes, and reads out classes or next tokens."""

    def __init__(self, options: dict[str, object]) -> None:
        """Build it; `task` is "patches", "tokens" or "next"."""
        super().__init__()
        width, self.task = int(options["width"]), options["task"]  # type: ignore[call-overload]
        patches = self.task == "patches"
        self.embed = nn.Linear(4, width) if patches else nn.Embedding(LEVELS, width)
        self.position = nn.Parameter(0.02 * torch.randn(TOKENS + 1, width))
        reads_token = options["pool"] == "token" and self.task != "next"
        self.token = nn.Parameter(torch.zeros(1, 1, width)) if reads_token else None
        depth = int(options["depth"])  # type: ignore[call-overload]
        blocks = [TransformerBlock(width, options) for _ in range(depth)]
        self.blocks = nn.ModuleList([blocks[0]] * depth if options["shared"] else blocks)
        ends = options["norm_first"] and options["norm"] != "none"
        self.norm = nn.LayerNorm(width) if ends else nn.Identity()
        self.head = nn.Linear(width, LEVELS if self.task == "next" else CLASSES)
        start = options["start"]
        if start in {"small", "gpt2"}:
            _small(self, 0.02)
        if start == "gpt2":
            for block in blocks:
                for layer in (getattr(block.mix, "out", None), block.mlp.down):
                    if layer is not None:
                        nn.init.normal_(layer.weight, std=0.02 / math.sqrt(2 * depth))
        if options["zero_head"]:
            nn.init.zeros_(self.head.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, shape (batch, classes), or (batch, levels, tokens - 1)."""
        x = self.embed(x)
        if self.token is not None:
            x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1)
        x = x + self.position[: x.shape[1]]
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        if self.task == "next":
            return self.head(x[:, :-1]).mT  # type: ignore[no-any-return]
        logits: Tensor = self.head(x.mean(dim=1) if self.token is None else x[:, 0])
        return logits
