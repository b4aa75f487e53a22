"""Judge networks of kinds that the calibration hardly saw: other convolutional ones, transformers.

    python -m benchmarks.diagnosis_transfer                           # some minutes
    python -m benchmarks.diagnosis_transfer --networks 1 --schemes 1   # tiny

Nothing is fitted here: the thresholds are those of `initsweep/probes/thresholds.py`. Trains each
case as the calibration does, transformers at every second rate under one seed because they need
the slow path of the engine, and prints the error rates, and every case that was judged wrongly.
"""

import argparse
import random
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.common import count, parser_of
from benchmarks.diagnosis_cases import (
    SCHEMES,
    Network,
    networks,
    prepared_data,
    split_of,
    task_of,
    train,
)
from benchmarks.diagnosis_fit import rates_in_words
from initsweep.engine.devices import pin_matmul
from initsweep.initializers import initial_state, make_initializer
from initsweep.metrics import loss_of
from initsweep.params import Runtime
from initsweep.probes.reading import read
from initsweep.probes.summary import diagnosis
from initsweep.probes.verdict import is_alarming

BATCH, SEEDS = 128, (0, 1, 2)
TRAINABLE = 0.1  # share of the constant predictor's loss that training removes


class Block(nn.Module):
    """One layer of a transformer, its projections as layers of their own."""

    def __init__(self, width: int, heads: int, *, norm_first: bool) -> None:
        """Build it for tokens of `width` numbers."""
        super().__init__()
        self.heads, self.norm_first = heads, norm_first
        self.norm_mix, self.norm_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return tokens of the same shape, (batch, tokens, width)."""
        if self.norm_first:
            x = x + self._mixed(self.norm_mix(x))
            return x + self.down(functional.gelu(self.up(self.norm_mlp(x))))
        x = self.norm_mix(x + self._mixed(x))
        return self.norm_mlp(x + self.down(functional.gelu(self.up(x))))

    def _mixed(self, x: Tensor) -> Tensor:
        q, k, v = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(dim=-1)
        mixed: Tensor = self.out((weights @ v).transpose(1, 2).flatten(2))
        return mixed


class Transformer(nn.Module):
    """Reads an image of digits row by row, eight tokens of eight pixels."""

    def __init__(self, depth: int, width: int, *, norm_first: bool) -> None:
        """Build it for 64 features and 10 classes."""
        super().__init__()
        self.read = nn.Linear(8, width)
        self.blocks = nn.Sequential(*(Block(width, 4, norm_first=norm_first) for _ in range(depth)))
        self.head = nn.Linear(8 * width, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, shape (batch, 10)."""
        logits: Tensor = self.head(self.blocks(self.read(x.unflatten(1, (8, 8)))).flatten(1))
        return logits


@dataclass(frozen=True)
class TransformerOnDigits(Network):
    """A transformer in place of a registered architecture; options: depth, width, norm_first."""

    @property
    def name(self) -> str:
        """Data set, kind and options in one word."""
        return f"digits/transformer-{'-'.join(str(value) for _, value in self.options)}"

    def build(self) -> nn.Module:
        """Return the network, its weights not yet drawn."""
        return Transformer(**dict(self.options))  # type: ignore[arg-type]


def chosen() -> dict[str, list[Network]]:
    """Return the networks by kind."""
    shapes = [(1, 16, True), (2, 16, True), (2, 16, False)]
    names = ("depth", "width", "norm_first")
    return {
        "convolutional": networks(seed=1, mlps=0, cnns=8),
        "transformers": [
            TransformerOnDigits("digits", "transformer", tuple(zip(names, shape, strict=True)))
            for shape in shapes
        ],
    }


def is_alarmed(network: Network, scheme: str) -> tuple[bool, str]:
    """Return whether the diagnosis for SGD gives an alarm, and what it says."""
    model, (name, options) = network.build(), SCHEMES[scheme]
    initializer = make_initializer(name, options)  # type: ignore[arg-type]
    split, loss = split_of(network.data, "train"), loss_of(task_of(network.data)).function  # type: ignore[arg-type]
    readings = [
        read(
            model, initial_state(model, initializer, seed), split.features[:BATCH],
            split.targets[:BATCH], loss, with_sharpness=False,
        )
        for seed in SEEDS
    ]  # fmt: skip
    row = diagnosis(scheme, [r for r in readings if r], prepared_data(network.data)[1], "sgd")
    return is_alarming(row.verdict), f"{row.verdict}. {row.reason}"


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    made = parser_of(__doc__)
    made.add_argument("--kind", choices=list(chosen()), help="only these")
    made.add_argument("--networks", type=count, help="of each kind (default: all)")
    made.add_argument("--schemes", type=count, help="for each network (default: 5 or 6)")
    return made


def main() -> None:
    """Train, judge, print."""
    options = parser().parse_args()
    pin_matmul()
    torch.set_num_threads(1)
    runtime = Runtime(device="cpu", threads=1, workers=1, engine="auto", lanes_per_chunk="auto")
    for kind, members in chosen().items():
        if options.kind not in (None, kind):
            continue
        draw, slow = random.Random(7), kind == "transformers"
        alarms, failed, names = [], [], []
        for network in members[: options.networks]:
            for scheme in draw.sample(sorted(SCHEMES), options.schemes or (5 if slow else 6)):
                skill = train(
                    0, network, scheme, "sgd", runtime,
                    every=2 if slow else 1, seeds=SEEDS[:1] if slow else SEEDS[:2],
                ).skill  # fmt: skip
                alarmed, words = is_alarmed(network, scheme)
                alarms.append(alarmed)
                failed.append(skill < TRAINABLE)
                names.append(network.name)
                mark = "" if alarmed == failed[-1] else "WRONG "
                print(f"{mark}{network.name} {scheme}: skill {skill:.2f}; {words}", flush=True)
        false_alarms, misses = rates_in_words(np.array(alarms), np.array(failed), names)
        print(
            f"{kind}: {len(set(names))} networks, {len(alarms)} cases, {sum(failed)} untrainable: "
            f"false alarms {false_alarms}, misses {misses}\n"
        )


if __name__ == "__main__":
    main()
