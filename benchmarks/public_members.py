"""Public networks with something to learn: what `benchmarks.public_training` trains."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from itertools import chain, zip_longest
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.diagnosis_cases import split_of
from benchmarks.network_families import tokens_of
from benchmarks.public_networks import CONFIGURED, NETWORKS
from initsweep import initialize_
from initsweep.core.errors import unheard
from initsweep.diagnosis.diagnose import AS_BUILT
from initsweep.engine.lanes import Split
from initsweep.graph.forms import answer
from initsweep.probes.reading import Loss

SCALED = {"weights x 0.05": 0.05, "weights x 5": 5.0}
STARTS = (AS_BUILT, *SCALED, "he_normal")
"""As its authors start it, and three that are not."""

RESERVED, MASK, MASKED = 3, 98, 0.3
"""Tokens that mean something to a network, one of them, and how many it takes the place of."""

PATCHED = {"img_size": 32, "patch_size": 8, "embed_dim": 48, "depth": 3}
STAGED = {"depths": (1, 1, 1, 1), "dims": (16, 32, 48, 64)}
WINDOWED = {
    "img_size": 32, "patch_size": 4, "window_size": 4, "embed_dim": 24, "depths": (1, 1),
    "num_heads": (2, 2),
}  # fmt: skip
SHRUNK: dict[str, dict[str, Any]] = {
    "vit_tiny_patch16_224": PATCHED, "deit_tiny_distilled_patch16_224": PATCHED,
    "cait_xxs24_224": PATCHED, "eva02_tiny_patch14_224": PATCHED, "xcit_nano_12_p16_224": PATCHED,
    "convnext_atto": STAGED, "convnextv2_atto": STAGED, "mambaout_femto": STAGED,
    "swin_tiny_patch4_window7_224": WINDOWED, "swinv2_tiny_window8_256": WINDOWED,
    "resnet18": {"layers": (1, 1, 1, 1), "channels": (16, 32, 64, 128)},
    "resnext50_32x4d": {"layers": (1, 1, 1, 1), "channels": (16, 32, 32, 32), "cardinality": 4},
    "densenet121": {"growth_rate": 8, "block_config": (2, 2, 2, 2)},
    "hiera_tiny_224": {"img_size": (32, 32), "embed_dim": 16, "stages": (1, 1, 1, 1)},
    "levit_128s": {
        "img_size": 32, "embed_dim": (32, 48, 64), "depth": (1, 1, 1), "num_heads": (2, 2, 2),
    },
    "mobilenetv3_small_050": {},
}  # fmt: skip
"""Of timm, those that can be made small by settings, or are."""

ATTENTIVE = {"vit", "dinov2", "beit", "swin", "vit_tiny_patch16_224", "cait_xxs24_224",
             "deit_tiny_distilled_patch16_224", "eva02_tiny_patch14_224", "xcit_nano_12_p16_224",
             "swin_tiny_patch4_window7_224", "swinv2_tiny_window8_256", "hiera_tiny_224",
             "levit_128s"}  # fmt: skip
SPECIAL = {
    **dict.fromkeys(("mamba", "falcon_mamba"), "state space"),
    **dict.fromkeys(("mixtral", "qwen3_moe", "olmoe", "gpt_oss"), "experts"),
}
HEADS = {"CausalLM": "decoder", "MaskedLM": "encoder", "Seq2SeqLM": "encoder-decoder",
         "AudioClassification": "audio", "": "series"}  # fmt: skip


class Answering(nn.Module):
    """A network that takes one tensor and returns another, classes on axis 1."""

    def __init__(self, body: nn.Module, take: Callable[[Tensor], dict[str, Tensor]] | None) -> None:
        """Wrap a network; `take` makes named arguments of the tensor."""
        super().__init__()
        self.body, self.take = body, take

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, shape (batch, classes) or (batch, classes, tokens), or numbers."""
        returned = self.body(x) if self.take is None else self.body(**self.take(x))
        logits = answer(returned)[1]
        if x.dtype == torch.long:
            return logits.mT
        return logits


@dataclass(frozen=True, slots=True, kw_only=True)
class Public:
    """A network of a library, and what it learns.

    Attributes:
        name: As in `benchmarks.public_networks`.
        family: What it is.
        make: Builds it as its authors start it.
        data: By the role of a split.
        take: Makes its arguments of one tensor.
        loss: What it is trained by.
    """

    name: str
    family: str
    make: Callable[[], nn.Module]
    data: Callable[[str], Split]
    take: Callable[[Tensor], dict[str, Tensor]] | None
    loss: Loss

    @property
    def constant(self) -> float:
        """What the best constant prediction costs."""
        targets = self.data("train").targets
        if targets.is_floating_point():
            return float(targets.double().var(dim=0, correction=0).mean())
        shares = torch.unique(targets, return_counts=True)[1].double() / targets.numel()
        return float(torch.special.entr(shares).sum())

    def split(self, role: str) -> Split:
        """Return one split of its data."""
        return self.data(role)

    def started(self, scheme: str, seed: int) -> nn.Module:
        """Return the network under a start."""
        torch.manual_seed(seed)
        model = Answering(self.make(), self.take)
        if scheme in SCALED:
            with torch.no_grad():
                for weight in (one for one in model.parameters() if one.dim() > 1):
                    weight.mul_(SCALED[scheme])
        elif scheme != AS_BUILT:
            with unheard():
                initialize_(model, scheme, seed, unknown="keep")
        return model


@cache
def images(role: str) -> Split:
    """Return digits as 32 by 32 images of three channels."""
    split = split_of("digits", role)
    small = split.features.unflatten(1, (1, 8, 8)).expand(-1, 3, -1, -1)
    return Split(features=functional.interpolate(small, scale_factor=4.0), targets=split.targets)


@cache
def text(role: str, kind: str) -> Split:
    """Return digits as sentences of 16 words, and what is to be said of them."""
    words = tokens_of(split_of("digits", role).features) + RESERVED
    if kind == "CausalLM":
        return Split(features=words[:, :-1], targets=words[:, 1:])
    if kind == "Seq2SeqLM":
        return Split(features=words[:, :-1], targets=words[:, 8:])
    hidden = torch.rand(words.shape, generator=torch.Generator().manual_seed(0)) < MASKED
    return Split(features=words.masked_fill(hidden, MASK), targets=words)


@cache
def waves(role: str, kind: str) -> Split:
    """Return noisy waves: low or high, to be told apart, or to be continued."""
    generator = torch.Generator().manual_seed(int(role == "train"))
    draw = partial(torch.rand, generator=generator)
    high, phase = torch.randint(2, (512,), generator=generator), 6.28 * draw(512, 1)
    if kind == "AudioClassification":
        turns = torch.arange(400) * (0.2 + 0.6 * high[:, None])
        return Split(features=(turns + phase).sin() + 0.3 * draw(512, 400), targets=high)
    turns = torch.arange(40) * (0.3 + 0.1 * draw(512, 1)) + phase
    both = torch.stack([turns.sin(), turns.cos()], dim=-1) + 0.1 * draw(512, 40, 2)
    return Split(features=both[:, :32], targets=both[:, 32:])


def _of_transformers(name: str) -> Public:
    head = CONFIGURED[name][0]
    make: Callable[[], nn.Module] = lambda: NETWORKS[name]()[0]  # noqa: E731 - has no other name
    data, argument = partial(text, kind=head), "input_ids"
    family = SPECIAL.get(name, HEADS.get(head, _seen(name)))
    if head == "ImageClassification":
        data, argument = images, "pixel_values"
    elif head in {"AudioClassification", ""}:
        data = partial(waves, kind=head)
        argument = "past_values" if head == "" else "input_values"
    take = _both if head == "Seq2SeqLM" else partial(_named, argument)
    return Public(
        name=name, family=family, make=partial(_forecasting, make) if head == "" else make,
        data=data, take=take, loss=functional.mse_loss if head == "" else functional.cross_entropy,
    )  # fmt: skip


def _named(argument: str, x: Tensor) -> dict[str, Tensor]:
    return {argument: x}


def _both(x: Tensor) -> dict[str, Tensor]:
    return {"input_ids": x[:, :8], "decoder_input_ids": x[:, 7:]}


def _forecasting(make: Callable[[], Any]) -> nn.Module:
    """Return the network with the head of its library that continues a series."""
    bare, transformers = make(), import_module("transformers")
    kind = getattr(transformers, type(bare).__name__.replace("Model", "ForPrediction"))
    made: nn.Module = kind(bare.config)
    return made


def _seen(name: str) -> str:
    return "vision transformer" if name in ATTENTIVE else "convolutional"


def _of_images(name: str, library: str, **settings: object) -> Public:
    make = {"timm": "create_model", "torchvision": "get_model"}[library]
    module = "torchvision.models" if library == "torchvision" else library
    return Public(
        name=f"{library}/{name}", family=_seen(name), data=images, take=None,
        make=lambda: getattr(import_module(module), make)(name, num_classes=10, **settings),
        loss=functional.cross_entropy,
    )  # fmt: skip


def _in_turn() -> list[Public]:
    found = [
        *map(_of_transformers, CONFIGURED),
        *(_of_images(name, "timm", **settings) for name, settings in SHRUNK.items()),
        _of_images("shufflenet_v2_x0_5", "torchvision"),
        _of_images("mobilenet_v3_small", "torchvision", width_mult=0.25),
    ]
    by_family: dict[str, list[Public]] = {}
    for one in found:
        by_family.setdefault(one.family, []).append(one)
    return [one for one in chain(*zip_longest(*by_family.values())) if one is not None]


MEMBERS = {one.name: one for one in _in_turn()}
"""By name, families in turn."""
