"""Convolutional networks and transformers in the forms that people ship, small enough to train.

Two classes with options stand for the families; `networks` draws sixty-four of them. Each
starts as its authors start it ("as_built") or under a scheme. All read 8 by 8 images of digits: as
one channel of pixels, as 16 patches, or as 16 tokens of 17 levels.
"""

import math
import random
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.diagnosis_cases import SCHEMES, prepared_data, split_of
from initsweep.engine.lanes import Split
from initsweep.errors import unheard
from initsweep.initializers import initial_state, make_initializer
from initsweep.probes.reading import Loss

CLASSES, LEVELS, TOKENS = 10, 17, 16
AS_BUILT = "as_built"
DEAD_BIAS = -20.0  # of a layer whose every unit is off on every example

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


def _patches(images: Tensor) -> Tensor:
    """Return 64 pixels as 16 patches of 4, shape (batch, 16, 4)."""
    return images.unflatten(1, (4, 2, 4, 2)).transpose(2, 3).flatten(3).flatten(1, 2)


def _raw(features: Tensor) -> Tensor:
    """Return standardized digits as the levels of grey that they were, 0 to 16."""
    fitted = prepared_data("digits")[0].preprocessing
    return features * torch.tensor(fitted.scale) + torch.tensor(fitted.mean)


@dataclass(frozen=True)
class Member:
    """A network of a family, and the schemes it starts under."""

    family: str
    options: tuple[tuple[str, object], ...]
    schemes: tuple[str, ...]

    @property
    def name(self) -> str:
        """Family and options in one word."""
        said = "-".join(
            key if value is True else f"{key}={value}" if isinstance(value, float) else str(value)
            for key, value in self.options
            if value not in (None, False, "none")
        )
        return f"{self.family}/{said}"

    @property
    def depth(self) -> int:
        """Number of blocks."""
        return int(dict(self.options)["depth"])  # type: ignore[call-overload]

    @property
    def constant(self) -> float:
        """The loss of the training rows' class shares."""
        targets = self.split("train").targets
        shares = torch.unique(targets, return_counts=True)[1].double() / targets.numel()
        return float(torch.special.entr(shares).sum())

    @property
    def loss(self) -> Loss:
        """The mean loss that it is trained by."""
        return functional.cross_entropy

    def build(self, seed: int = 0) -> nn.Module:
        """Return the network as its authors start it."""
        torch.manual_seed(seed)
        kind = Convolutional if self.family == "convolutional" else Transformer
        return kind(dict(self.options))

    def started(self, scheme: str, seed: int) -> nn.Module:
        """Return the network under a scheme."""
        model = self.build(seed)
        if scheme == AS_BUILT:
            return model
        if scheme == "dead_layer":
            *_, last = (m for n, m in model.named_modules() if n.endswith((".second", ".up")))
            nn.init.constant_(last.bias, DEAD_BIAS)  # type: ignore[arg-type]
            return model
        name, options = SCHEMES[scheme]
        with unheard():  # layer scales, tokens and positions keep their values
            state = initial_state(model, make_initializer(name, options), seed)  # type: ignore[arg-type]
        model.load_state_dict(state, strict=False)
        return model

    def split(self, role: str) -> Split:
        """Return one split of the digits as the network reads them."""
        split = split_of("digits", role)
        if self.family == "convolutional":
            return split
        options = dict(self.options)
        if options["task"] == "patches":
            return Split(features=_patches(split.features), targets=split.targets)
        levels = _patches(_raw(split.features)).mean(dim=-1).round().long()
        targets = levels[:, 1:] if options["task"] == "next" else split.targets
        return Split(features=levels, targets=targets)


def networks(seed: int = 0, convolutional: int = 32, transformers: int = 32) -> list[Member]:
    """Return the published set, always the same for a seed, families in turn."""
    draw = random.Random(seed)
    found: dict[str, dict[str, Member]] = {"convolutional": {}, "transformer": {}}
    for family, number in zip(found, (convolutional, transformers), strict=True):
        while len(found[family]) < number:
            member = _drawn(draw, family)
            found[family].setdefault(member.name, member)
    return [*found["convolutional"].values(), *found["transformer"].values()]


def _drawn(draw: random.Random, family: str) -> Member:
    others = draw.sample(sorted({*SCHEMES, "dead_layer"} - {"constant_0.1"}), 2)
    options = _convolutional(draw) if family == "convolutional" else _transformer(draw)
    return Member(family, tuple(options.items()), (AS_BUILT, others[0]))


def _convolutional(draw: random.Random) -> dict[str, object]:
    style = draw.choice(["plain", "residual", "residual", "before", "depthwise"])
    norm = draw.choice(["none", "batch", "batch", "group", "instance"])
    return {
        "style": style,
        "depth": draw.choice([1, 2, 4, 6]),
        "width": draw.choice([8, 16]),
        "norm": norm,
        "activation": draw.choice(["relu", "relu", "relu", "gelu", "silu", "tanh", "sigmoid"]),
        "start": draw.choice(["torch", "he", "timm"]),
        "pool": draw.random() < 0.7,
        "zero_gamma": style == "residual" and norm == "batch" and draw.random() < 0.6,
        "layer_scale": draw.choice([None, 1e-6]) if style in {"before", "depthwise"} else None,
    }


def _transformer(draw: random.Random) -> dict[str, object]:
    return {
        "task": draw.choice(["patches", "patches", "tokens", "next"]),
        "depth": draw.choice([1, 2, 4, 6]),
        "width": draw.choice([16, 32]),
        "norm_first": draw.random() < 0.6,
        "norm": draw.choice(["layer", "layer", "rms", "none"]),
        "activation": draw.choice(["relu", "gelu", "gelu", "swiglu"]),
        "attention": draw.choice(["plain", "fused", "native"]),
        "start": draw.choice(["torch", "small", "gpt2"]),
        "pool": draw.choice(["mean", "token"]),
        "layer_scale": draw.choice([None, None, None, 1e-4]),
        "shared": draw.random() < 0.15,
        "zero_head": draw.random() < 0.15,
    }
