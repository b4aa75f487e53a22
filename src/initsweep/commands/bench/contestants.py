"""Ways to train the same networks, as functions that say how long they took."""

import copy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from typing import cast

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from initsweep.architectures import build_model
from initsweep.core.errors import PathError
from initsweep.core.params import Optimizer, Runtime, Training
from initsweep.core.records import ModelOption
from initsweep.engine.lanes import Lane, Problem, Split
from initsweep.engine.reference import torch_optimizer
from initsweep.engine.train_lanes import train_lanes
from initsweep.initializers import initial_state, make_initializer
from initsweep.metrics import METRICS

RATE = 1e-3
ROWS = 1078
"""Training examples, as many as of scikit-learn's digits."""

LANES_OF_A_SEED = 4
"""Networks that start from the same weights, as those of a sweep over learning rates do."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A network, an optimizer, and random data of the size of the digits.

    Attributes:
        name: For the table.
        model: The architecture's name and options.
        n_features: Inputs per example.
        n_outputs: Classes.
        optimizer: The optimizer's settings.
        batch_size: Examples of one update.
        epochs: Such that a measurement takes about a second.
        lanes: Networks that the engine trains in one measurement.
        validation_rows: Examples to validate on after every epoch.
    """

    name: str
    model: tuple[str, Mapping[str, ModelOption]]
    n_features: int
    n_outputs: int
    optimizer: Optimizer
    batch_size: int
    epochs: int
    lanes: int
    validation_rows: int = 359

    @property
    def steps(self) -> int:
        """Updates of one training."""
        return self.epochs * (ROWS // self.batch_size)

    def network(self) -> nn.Module:
        """Return the network under He's initializer."""
        name, options = self.model
        network = build_model(name, options, n_features=self.n_features, n_outputs=self.n_outputs)
        network.load_state_dict(_initial(network, 0), strict=False)
        return network

    def operations(self) -> float:
        """Return the floating-point operations of the layers' products per step.

        Forward, gradients of weights and of signals, and the validation of an epoch shared out
        over its steps.
        """
        sizes: list[float] = []
        network = self.network()
        handles = [
            layer.register_forward_hook(lambda layer, _, out: sizes.append(_work(layer, out)))
            for layer in network.modules()
            if isinstance(layer, nn.Linear | nn.Conv2d)
        ]
        network(torch.zeros(self.batch_size, self.n_features))
        for handle in handles:
            handle.remove()
        forward = sum(sizes)
        validation = forward * self.validation_rows / self.batch_size * self.epochs / self.steps
        return 3 * forward - sizes[0] + validation  # nobody asks for the features' gradient


def _work(layer: nn.Module, output: Tensor) -> float:
    weight = cast(Tensor, layer.weight)
    return 2.0 * output.numel() * weight[0].numel()


def _initial(network: nn.Module, seed: int) -> dict[str, Tensor]:
    return initial_state(network, make_initializer("he_normal", {}), seed)


@cache
def rows(n: int, n_features: int, n_outputs: int) -> tuple[Tensor, Tensor]:
    """Return random features (n, n_features) and targets (n,)."""
    generator = torch.Generator().manual_seed(n)
    features = torch.randn(n, n_features, generator=generator)
    return features, torch.randint(0, n_outputs, (n,), generator=generator)


def _batches_by_loader(case: Case) -> Callable[[], Iterator[Sequence[Tensor]]]:
    data = TensorDataset(*rows(ROWS, case.n_features, case.n_outputs))
    loader = DataLoader(data, batch_size=case.batch_size, shuffle=True, drop_last=True)
    return lambda: iter(loader)


def _batches_by_index(case: Case) -> Callable[[], Iterator[Sequence[Tensor]]]:
    features, targets = rows(ROWS, case.n_features, case.n_outputs)

    def epoch() -> Iterator[Sequence[Tensor]]:
        order = torch.randperm(ROWS)
        for start in range(0, ROWS - case.batch_size + 1, case.batch_size):
            index = order[start : start + case.batch_size]
            yield features[index], targets[index]

    return epoch


def loop(case: Case, kind: str) -> float:
    """Train one network as tutorials do, on one thread.

    Returns:
        Seconds per step; validation after each epoch is part of it.
    """
    torch.set_num_threads(1)
    model, loss = case.network(), nn.CrossEntropyLoss()
    optimizer = torch_optimizer(model, RATE, case.optimizer)
    batches = (_batches_by_loader if kind == "DataLoader" else _batches_by_index)(case)
    validation = rows(case.validation_rows, case.n_features, case.n_outputs)
    start = time.perf_counter()
    for _ in range(case.epochs):
        model.train()
        for features, targets in batches():
            optimizer.zero_grad()
            value = loss(model(features), targets)
            value.backward()
            optimizer.step()
            value.item()
        model.eval()
        with torch.no_grad():
            outputs = model(validation[0])
            loss(outputs, validation[1]).item()
            (outputs.argmax(1) == validation[1]).float().mean().item()
    return (time.perf_counter() - start) / case.steps


class TwoProcesses:
    """The DataLoader loop in two processes that live as long as the benchmark."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(2, mp_context=get_context("spawn"))

    def __call__(self, case: Case) -> float:
        """Train two networks at the same time, one in each.

        Returns:
            Seconds per step and network.
        """
        both = [self._pool.submit(loop, case, "DataLoader") for _ in range(2)]
        return max(each.result() for each in both) / 2


def engine(case: Case, path: str, workers: int) -> float | None:
    """Train the case's lanes by a path of the engine.

    Returns:
        Seconds per step and network, None if the path does not cover the network.
    """
    start = time.perf_counter()
    try:
        trained(case, path, workers)
    except PathError:
        return None
    return (time.perf_counter() - start) / case.steps / case.lanes


def _split(n: int, case: Case) -> Split:
    features, targets = rows(n, case.n_features, case.n_outputs)
    return Split(features=features, targets=targets)


def trained(case: Case, path: str, workers: int) -> str:
    """Train the case's lanes.

    Returns:
        The name that results are recorded under.
    """
    network, loss = case.network(), METRICS.get("cross_entropy")
    problem = Problem(
        model=copy.deepcopy(network),
        initial_state=lambda seed: _initial(network, seed),
        train=_split(ROWS, case),
        validation=_split(case.validation_rows, case),
        loss=loss.function,
        loss_name=loss.name,
        score=METRICS.get("accuracy").function,
        constant_loss=2.3,
    )
    results = train_lanes(
        problem,
        [
            Lane(
                learning_rate=RATE * 2 ** -(number % LANES_OF_A_SEED),
                seed=number // LANES_OF_A_SEED,
            )
            for number in range(case.lanes)
        ],
        training=Training(
            epochs=case.epochs,
            batch_size=case.batch_size,
            schedule="constant",
            warmup_fraction=0.0,
            gradient_clip=None,
        ),
        optimizer=case.optimizer,
        runtime=Runtime(
            device="cpu",
            engine=path,  # type: ignore[arg-type]
            threads=1,
            lanes_per_chunk="auto",
            workers=workers,
            keep_every_minutes=5.0,
        ),
    )
    return results.engine
