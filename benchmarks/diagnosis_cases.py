"""Untrained networks and what became of them: the cases that the diagnosis is calibrated on.

A case is a network on a data set under a scheme. Whether it can be trained is found by training
it, on the engine, over a grid of learning rates. `diagnosis_calibration.py` does the rest.
"""

import csv
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path

import torch
from torch import nn

from initsweep.architectures import build_model, describe
from initsweep.core.params import Fractions, Optimizer, Runtime, Training
from initsweep.datasets import DATASETS
from initsweep.datasets.splitting import Prepared, constant_loss, split_rows, standardize
from initsweep.engine.lanes import Lane, Problem, Split
from initsweep.engine.train_lanes import train_lanes
from initsweep.initializers import initial_state, initial_states, make_initializer
from initsweep.metrics import loss_of, score_of
from initsweep.probes.reading import Loss

# Batch size and epochs: about 240 updates on each data set.
BUDGETS = {"digits": (64, 15), "breast_cancer": (32, 24), "diabetes": (32, 30), "wine": (16, 40)}
# Half-decades. Adam's steps have the size of the rate, so that 1 is beyond every use.
RATES = {
    "sgd": [10 ** (e / 2) for e in range(-10, 1)],
    "adam": [10 ** (e / 2) for e in range(-10, -1)],
}
SEEDS = (0, 1)
ACTIVATIONS = ["relu", "relu", "relu", "tanh", "tanh", "sigmoid", "gelu", "silu", "selu"]

SCHEMES: dict[str, tuple[str, dict[str, object]]] = {
    "zeros": ("zeros", {}),
    "constant_0.1": ("constant", {"value": 0.1}),
    "xavier_normal": ("xavier_normal", {}),
    "xavier_uniform": ("xavier_uniform", {}),
    "he_normal": ("he_normal", {}),
    "he_uniform": ("he_uniform", {}),
    "he_textbook_variant": ("he_textbook_variant", {}),
    "lecun_normal": ("lecun_normal", {}),
    "lecun_uniform": ("lecun_uniform", {}),
    "orthogonal": ("orthogonal", {"gain": "auto"}),
    "torch_default": ("torch_default", {}),
    "uniform_0.05": ("random_uniform", {"low": -0.05, "high": 0.05}),
    "truncated_0.05": ("truncated_normal", {"std": 0.05}),
    **{f"normal_{std:g}": ("random_normal", {"std": std}) for std in (0.001, 0.01, 0.1, 0.3, 1.0)},
    **{
        f"scaled_{scale:g}": (
            "random_scaled",
            {"scale": float(scale), "mode": "fan_in", "distribution": "normal"},
        )
        for scale in (0.02, 0.1, 0.3, 0.6, 1.5, 3.0, 5.0, 10.0, 40.0)
    },
}


@dataclass(frozen=True)
class Network:
    """An architecture on a data set."""

    data: str
    architecture: str
    options: tuple[tuple[str, object], ...]

    @property
    def name(self) -> str:
        """Data set and architecture in one word."""
        return f"{self.data}/{describe(self.architecture, dict(self.options))}"  # type: ignore[arg-type]

    @property
    def family(self) -> str:
        """What the diagnosis takes it for."""
        return "convolutional" if self.architecture == "cnn" else "perceptron"

    @property
    def depth(self) -> int:
        """Number of weight layers."""
        if found := re.search(r"mlp-(\d+)x", self.name):
            return int(found[1]) + 1
        channels = re.search(r"cnn-((?:\d+-)+)k", self.name)
        return (channels[1].count("-") if channels else 0) + 1 + ("dense" in self.name)

    @property
    def constant(self) -> float:
        """The constant predictor's validation loss."""
        return prepared_data(self.data)[1]

    @property
    def loss(self) -> Loss:
        """The mean loss that it is trained by."""
        return loss_of(task_of(self.data)).function  # type: ignore[arg-type]

    def started(self, scheme: str, seed: int) -> nn.Module:
        """Return the network under a scheme."""
        model, (name, options) = self.build(), SCHEMES[scheme]
        state = initial_state(model, make_initializer(name, options), seed)  # type: ignore[arg-type]
        model.load_state_dict(state, strict=False)
        return model

    def split(self, role: str) -> Split:
        """Return one split of its data."""
        return split_of(self.data, role)

    def build(self) -> nn.Module:
        """Return the network, its weights not yet drawn."""
        prepared, _, outputs = prepared_data(self.data)
        n_features = prepared.features["train"].shape[1]
        options = dict(self.options)
        return build_model(self.architecture, options, n_features=n_features, n_outputs=outputs)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Outcome:
    """What training a case came to; losses are means over the seeds, capped at the constant's.

    `skill` is the share of the constant predictor's validation loss that the best rate removes;
    `stable_rate` the largest rate at which no seed diverged, "" if there is none.
    """

    number: int
    network: str
    scheme: str
    optimizer: str
    constant_loss: float
    best_loss: float
    best_rate: float
    skill: float
    worst_seed_skill: float
    stable_rate: float | str


def networks(seed: int = 0, mlps: int = 72, cnns: int = 8) -> list[Network]:
    """Return the published set of networks, always the same for a seed."""
    draw = random.Random(seed)
    found: dict[str, Network] = {}
    while len(found) < mlps:
        depth = draw.choice([2, 3, 5, 8, 12, 16, 20, 30])
        network = Network(
            draw.choice(["digits", "digits", "breast_cancer", "diabetes", "wine"]),
            "mlp",
            (
                ("depth", depth),
                ("width", draw.choice([16, 32, 64, 128] if depth < 12 else [16, 32, 64])),
                ("activation", draw.choice(ACTIVATIONS)),
                ("norm", draw.choice(["none", "none", "none", "batch", "layer"])),
                ("residual", draw.random() < 0.3),
            ),
        )
        found[network.name] = network
    while len(found) < mlps + cnns:
        network = Network(
            "digits",
            "cnn",
            (
                ("channels", draw.choice([[8], [8, 16], [16, 32], [8, 8, 16]])),
                ("kernel", 3),
                ("activation", draw.choice(["relu", "relu", "tanh", "gelu", "sigmoid"])),
                ("dense", draw.choice([None, 32])),
                ("image", None),
            ),
        )
        found[network.name] = network
    chosen = list(found.values())
    draw.shuffle(chosen)  # so that the first half of the list is a random half
    return chosen


def cases(number: int | None = None, seed: int = 0) -> list[tuple[Network, str]]:
    """Return the published set of cases, or its first ones: each network under eight schemes."""
    draw = random.Random(seed + 1)
    return [
        (network, scheme)
        for network in networks(seed)
        for scheme in draw.sample(sorted(SCHEMES), 8)
    ][:number]


@cache
def prepared_data(source: str) -> tuple[Prepared, float, int]:
    """Return split and standardized data, the constant predictor's validation loss, outputs."""
    dataset = DATASETS.get(source)()
    settings = Fractions(validation_fraction=0.2, test_fraction=0.2, split_seed=0)
    prepared = standardize(dataset, split_rows(source, dataset, settings))
    outputs = len(dataset.class_names) if dataset.task == "classification" else 1
    return prepared, constant_loss(dataset, prepared, "validation"), outputs


def split_of(source: str, role: str) -> Split:
    """Return one split as tensors."""
    prepared = prepared_data(source)[0]
    return Split(
        features=torch.from_numpy(prepared.features[role]),
        targets=torch.from_numpy(prepared.targets[role]),
    )


def task_of(source: str) -> str:
    """Return "classification" or "regression"."""
    return str(DATASETS.get(source)().task)


def problem(network: Network, scheme: str) -> Problem:
    """Return what the engine needs to train a case."""
    model, (name, options) = network.build(), SCHEMES[scheme]
    initializer = make_initializer(name, options)  # type: ignore[arg-type]
    loss, score = loss_of(task_of(network.data)), score_of(task_of(network.data))  # type: ignore[arg-type]
    return Problem(
        model=model,
        initial_state=initial_states(model, initializer),
        train=split_of(network.data, "train"),
        validation=split_of(network.data, "validation"),
        loss=loss.function,
        loss_name=loss.name,
        score=score.function,
        constant_loss=prepared_data(network.data)[1],
    )


def train(
    number: int,
    network: Network,
    scheme: str,
    optimizer: str,
    runtime: Runtime,
    *,
    every: int = 1,
    seeds: Sequence[int] = SEEDS,
) -> Outcome:
    """Return what training a case came to, at every rate, or some, under every seed."""
    batch, epochs = BUDGETS[network.data]
    rates = RATES[optimizer][::every]
    results = train_lanes(
        problem(network, scheme),
        [Lane(learning_rate=rate, seed=seed) for rate in rates for seed in seeds],
        training=Training(
            epochs=epochs, batch_size=batch, schedule="constant", warmup_fraction=0.0,
            gradient_clip=None,
        ),
        optimizer=Optimizer(
            name=optimizer, momentum=0.9, nesterov=False, beta1=0.9, beta2=0.999, epsilon=1e-8,  # type: ignore[arg-type]
            weight_decay=0.0,
        ),
        runtime=runtime,
    )  # fmt: skip
    constant = prepared_data(network.data)[1]
    capped = results.capped_losses(constant).reshape(len(rates), len(seeds))
    diverged = (results.diverged_at_step.reshape(capped.shape) >= 0).any(axis=1)
    best = int(capped.mean(axis=1).argmin())
    stable = [rate for rate, failed in zip(rates, diverged, strict=True) if not failed]
    return Outcome(
        number=number,
        network=network.name,
        scheme=scheme,
        optimizer=optimizer,
        constant_loss=round(constant, 6),
        best_loss=round(float(capped[best].mean()), 6),
        best_rate=float(f"{rates[best]:.4g}"),
        skill=round(1 - float(capped[best].mean()) / constant, 4),
        worst_seed_skill=round(1 - float(capped[best].max()) / constant, 4),
        stable_rate=float(f"{max(stable):.4g}") if stable else "",
    )


def train_all(
    path: Path, wanted: Sequence[tuple[Network, str]], optimizer: str, runtime: Runtime
) -> Iterator[Outcome]:
    """Train the cases that the table lacks and append them to it, one by one.

    Yields:
        Each new outcome.
    """
    known = {(row["number"], row["optimizer"]) for row in read_outcomes(path)}
    if not path.exists():
        path.write_text(",".join(f.name for f in fields(Outcome)) + "\n")
    for number, (network, scheme) in enumerate(wanted):
        if (str(number), optimizer) in known:
            continue
        outcome = train(number, network, scheme, optimizer, runtime)
        with path.open("a", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(asdict(outcome).values())
        yield outcome


def read_outcomes(path: Path) -> Sequence[dict[str, str]]:
    """Return the rows of the table, as text; none if there is no table yet."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
