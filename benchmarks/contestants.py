"""Ways to train the same networks, as functions that say how long they took: see `engine.py`."""

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from initsweep.architectures import build_model
from initsweep.engine.devices import pin_matmul
from initsweep.engine.lanes import Lane, Problem, Split
from initsweep.engine.reference import torch_optimizer
from initsweep.engine.train import train_lanes
from initsweep.errors import PathError
from initsweep.initializers import initial_state, make_initializer
from initsweep.metrics import METRICS
from initsweep.params import Optimizer, Runtime, Training

BATCH, N_OUTPUTS, RATE = 128, 10, 1e-3
ROWS, VALIDATION_ROWS = 1078, 359  # those of scikit-learn's digits


@dataclass(frozen=True)
class Case:
    """A network and an optimizer.

    Attributes:
        name: For the table.
        model: The architecture's name and options.
        n_features: Inputs per example.
        optimizer: "sgd" (with momentum) or "adam".
        epochs: Of 8 steps each, such that a measurement takes about a second.
    """

    name: str
    model: tuple[str, dict[str, object]]
    n_features: int
    optimizer: str
    epochs: int

    @property
    def steps(self) -> int:
        """Updates of one training."""
        return self.epochs * (ROWS // BATCH)

    def network(self) -> nn.Module:
        """Return the network under He's initializer."""
        name, options = self.model
        network = build_model(name, options, n_features=self.n_features, n_outputs=N_OUTPUTS)
        network.load_state_dict(_initial(network, 0), strict=False)
        return network

    def settings(self) -> Optimizer:
        """Return the optimizer's settings."""
        return Optimizer(
            name=self.optimizer,  # type: ignore[arg-type]
            momentum=0.9,
            nesterov=False,
            beta1=0.9,
            beta2=0.999,
            epsilon=1e-8,
            weight_decay=0.0,
        )

    def operations(self) -> float:
        """Return the floating-point operations of one step's products, first to last layer."""
        sizes: list[float] = []
        network = self.network()
        handles = [
            layer.register_forward_hook(lambda layer, _, out: sizes.append(_work(layer, out)))
            for layer in network.modules()
            if isinstance(layer, nn.Linear | nn.Conv2d)
        ]
        network(torch.zeros(BATCH, self.n_features))
        for handle in handles:
            handle.remove()
        return 3 * sum(sizes) - sizes[0]  # nobody asks for the gradient of the features


def _work(layer: nn.Module, output: Tensor) -> float:
    weight = layer.weight
    return 2.0 * output.numel() * weight[0].numel()


def _initial(network: nn.Module, seed: int) -> dict[str, Tensor]:
    return initial_state(network, make_initializer("he_normal", {}, scheme="he_normal"), seed)


@cache
def rows(n: int, n_features: int) -> tuple[Tensor, Tensor]:
    """Return random features (n, n_features) and targets (n,)."""
    generator = torch.Generator().manual_seed(n)
    features = torch.randn(n, n_features, generator=generator)
    return features, torch.randint(0, N_OUTPUTS, (n,), generator=generator)


def _batches_by_loader(case: Case) -> Callable[[], Iterator[Sequence[Tensor]]]:
    data = TensorDataset(*rows(ROWS, case.n_features))
    loader = DataLoader(data, batch_size=BATCH, shuffle=True, drop_last=True)
    return lambda: iter(loader)


def _batches_by_index(case: Case) -> Callable[[], Iterator[Sequence[Tensor]]]:
    features, targets = rows(ROWS, case.n_features)

    def epoch() -> Iterator[Sequence[Tensor]]:
        order = torch.randperm(ROWS)
        for start in range(0, ROWS - BATCH + 1, BATCH):
            index = order[start : start + BATCH]
            yield features[index], targets[index]

    return epoch


def loop(case: Case, kind: str) -> float:
    """Train one network as tutorials do, on one thread.

    Returns:
        Seconds per step; validation after each epoch is part of it.
    """
    torch.set_num_threads(1)
    model, loss = case.network(), nn.CrossEntropyLoss()
    optimizer = torch_optimizer(model, RATE, case.settings())
    batches = (_batches_by_loader if kind == "DataLoader" else _batches_by_index)(case)
    validation = rows(VALIDATION_ROWS, case.n_features)
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


def engine(case: Case, path: str, workers: int, lanes: int) -> float | None:
    """Train `lanes` networks by a path of the engine.

    Returns:
        Seconds per step and network, None if the path does not cover the network.
    """
    start = time.perf_counter()
    try:
        trained(case, path, workers, lanes, case.epochs)
    except PathError:
        return None
    return (time.perf_counter() - start) / case.steps / lanes


def _split(n: int, case: Case) -> Split:
    features, targets = rows(n, case.n_features)
    return Split(features=features, targets=targets)


def trained(case: Case, path: str, workers: int, lanes: int, epochs: int) -> str:
    """Train `lanes` networks.

    Returns:
        The name that results are recorded under.
    """
    network, loss = case.network(), METRICS.get("cross_entropy")
    problem = Problem(
        model=copy.deepcopy(network),
        initial_state=lambda seed: _initial(network, seed),
        train=_split(ROWS, case),
        validation=_split(VALIDATION_ROWS, case),
        loss=loss.function,
        loss_name=loss.name,
        score=METRICS.get("accuracy").function,
        constant_loss=2.3,
    )
    results = train_lanes(
        problem,
        [Lane(learning_rate=RATE, seed=seed) for seed in range(lanes)],
        training=Training(
            epochs=epochs,
            batch_size=BATCH,
            schedule="constant",
            warmup_fraction=0.0,
            gradient_clip=None,
        ),
        optimizer=case.settings(),
        runtime=Runtime(
            device="cpu", engine=path, threads=1, lanes_per_chunk="auto", workers=workers
        ),
    )
    return results.engine


pin_matmul()
