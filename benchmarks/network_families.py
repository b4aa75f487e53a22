"""Networks of other forms than the diagnosis was fitted on, and the schemes they start under.

`networks` draws sixty-four of them, half convolutional, half transformers. Each starts as its
authors start it ("as_built") or under a scheme, and reads digits.
"""

import random
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.diagnosis_cases import SCHEMES, prepared_data, split_of
from benchmarks.network_forms import Convolutional, Transformer
from initsweep.core.errors import unheard
from initsweep.diagnosis.diagnose import AS_BUILT
from initsweep.engine.lanes import Split
from initsweep.initializers import initial_state, make_initializer
from initsweep.probes.reading import Loss

DEAD_BIAS = -20.0  # of a layer whose every unit is off on every example


def _patches(images: Tensor) -> Tensor:
    """Return 64 pixels as 16 patches of 4, shape (batch, 16, 4)."""
    return images.unflatten(1, (4, 2, 4, 2)).transpose(2, 3).flatten(3).flatten(1, 2)


def tokens_of(features: Tensor) -> Tensor:
    """Return standardized digits as 16 tokens, levels of grey from 0 to 16, shape (batch, 16)."""
    fitted = prepared_data("digits")[0].preprocessing
    raw = features * torch.tensor(fitted.scale) + torch.tensor(fitted.mean)
    return _patches(raw).mean(dim=-1).round().long()


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
        levels = tokens_of(split.features)
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
