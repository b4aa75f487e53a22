"""Trains every scheme at every rate under many seeds and splits, and keeps what came of it.

A pool is what studies are redrawn from and what the truth is read from. Outer splits set test rows
apart; inner ones part the rest into training and validation rows, one for all seeds (`fixed`, for
some of the outer splits) or one per seed (`rotating`). What people do without a study is measured
on the rows of the latter: Adam, and the rates that learning-rate finders suggest. All of it is kept
in one compressed table per task.
"""

import copy
import itertools
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from ruamel.yaml import YAML
from torch import Tensor

from benchmarks.answer_tasks import TASKS, Task
from benchmarks.common import ROOT
from initclaims.laboratory.rate_finders import RULES, Curve, Rule
from initsweep.architectures import build_model
from initsweep.core.params import Params, parse_params
from initsweep.core.randomness import batch_order, stream_seed
from initsweep.datasets import Dataset
from initsweep.datasets.fitness import check_dataset
from initsweep.datasets.loading import load
from initsweep.datasets.splitting import Prepared, split_rows, standardize
from initsweep.engine.lanes import Lane, Problem, Split
from initsweep.engine.train_lanes import train_lanes
from initsweep.initializers import initial_states, make_initializer
from initsweep.metrics import loss_of, recorded, score_of

SCHEMES = (
    "torch_default",
    "xavier_normal",
    "xavier_uniform",
    "he_normal",
    "lecun_normal",
    "orthogonal",
    "random_scaled",
    "random_normal_small",
)
RATES = tuple(float(f"{10 ** (-4 + step / 4):.6g}") for step in range(17))  # 1e-4 to 1
OUTER, SEEDS, MOST_STEPS = 10, 20, 10_000
INNER = ("fixed", "rotating")
FIXED_OUTER = 4  # of the outer splits; it costs as much as rotating and only settles which to use
FINDERS = {name: RULES[name] for name in ("fastai valley", "Lightning steepest")}
ADAM_RATE = 0.001
MEASURES = (
    "validation_loss", "validation_score", "test_loss", "test_score",
    "best_epoch", "best_validation_loss", "best_validation_score", "best_test_loss",
    "best_test_score", "third_validation_loss", "third_validation_score",
)  # fmt: skip
"""After the last epoch; at the epoch of the lowest validation loss; after a third of the epochs."""

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
FOLDER = ROOT / "benchmarks/pools"


@dataclass(frozen=True, kw_only=True)
class Pool:
    """All that was measured of one task.

    Attributes:
        runs: By measure, shape (inner, outer, schemes, rates, seeds); NaN where a run diverged.
        constants: Loss and score of the constant predictor, on validation and test: shape
            (inner, outer, seeds, 4).
        adam: Test loss and score of PyTorch's start under Adam at 0.001, shape (outer, seeds, 2);
            NaN where a run diverged.
        finders: What each of FINDERS suggests for PyTorch's start, shape (outer, seeds, finders).
        rows: Numbers of training, validation and test rows.
    """

    name: str
    classes: bool
    runs: Mapping[str, Array]
    constants: Array
    adam: Array
    finders: Array
    rows: tuple[int, int, int]


def read(name: str) -> Pool:
    """Return the pool of a task that was kept."""
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as kept:
        return Pool(
            name=name,
            classes=bool(kept["classes"]),
            runs={measure: kept[measure].astype(np.float64) for measure in MEASURES},
            constants=kept["constants"].astype(np.float64),
            adam=kept["adam"].astype(np.float64),
            finders=kept["finders"].astype(np.float64),
            rows=tuple(kept["rows"].tolist()),
        )


def params_of(task: Task, file: str, rows: int) -> Params:
    """Return the parameters of a task: those of the default study, for a smaller network."""
    content = YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text("utf-8"))
    content["data"]["source"] = task.source or f"csv:{file}"
    steps_per_epoch = max(1, round(0.6 * rows / task.batch))
    epochs = max(3, round(min(task.steps, MOST_STEPS) / steps_per_epoch))
    content["training"] |= {"batch_size": task.batch, "epochs": epochs}
    content["model"] |= {"depth": 2, "width": 64}
    for key, value in task.settings.items():
        section, _, name = key.partition(".")
        if name:
            content[section][name] = value
        else:
            content[section] = value
    return parse_params(content)


def train_pool(name: str) -> None:
    """Train what is missing of a task's pool, outer split by outer split."""
    task = TASKS[name]
    with tempfile.TemporaryDirectory() as folder:
        dataset, params = _dataset(task, Path(folder))
    parts = [_part(name, dataset, params, outer) for outer in range(OUTER)]
    whole = {
        key: np.stack([part[key] for part in parts], axis=1) for key in (*MEASURES, "constants")
    }
    whole |= {key: np.stack([part[key] for part in parts]) for key in ("adam", "finders")}
    np.savez_compressed(
        FOLDER / f"{name}.npz",
        classes=np.array(dataset.task == "classification"),
        rows=parts[0]["rows"],
        **{key: value.astype(np.float32) for key, value in whole.items()},
    )


def _dataset(task: Task, folder: Path) -> tuple[Dataset, Params]:
    file = folder / "table.csv"
    if task.table is not None:
        task.table().to_csv(file, index=False)
    draft = params_of(task, str(file), 1000)
    dataset = load(draft.data)
    check_dataset(draft.data.source, dataset)
    return dataset, params_of(task, str(file), len(dataset.targets))


def _part(name: str, dataset: Dataset, params: Params, outer: int) -> dict[str, Any]:
    """Return all runs of one outer split, from the folder of parts if they are there."""
    kept = FOLDER / ".parts.partial" / f"{name}-{outer}.npz"  # git leaves it out
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(".partial.npz")
        np.savez_compressed(partial, **_measured(dataset, params, outer))
        partial.replace(kept)
    with np.load(kept, allow_pickle=False) as part:
        return dict(part)


def _measured(dataset: Dataset, params: Params, outer: int) -> dict[str, Any]:
    apart = split_rows("", dataset, params.data.model_copy(update={"split_seed": outer}))
    shape = (len(INNER), len(SCHEMES), len(RATES), SEEDS)
    found = {measure: np.full(shape, np.nan) for measure in MEASURES}
    constants = np.full((len(INNER), SEEDS, 4), np.nan)
    adam, finders = np.full((SEEDS, 2), np.nan), np.full((SEEDS, len(FINDERS)), np.nan)
    every = list(range(SEEDS))
    groups = [(0, None, every)] if outer < FIXED_OUTER else []
    groups += [(1, (outer, seed), [seed]) for seed in every]
    for place, address, seeds in groups:
        prepared = standardize(dataset, _rows(dataset, params, apart, address))
        for number, scheme in enumerate(SCHEMES):
            ledger = _Ledger(dataset, params, prepared)
            constants[place, seeds] = ledger.constants
            problem = _problem(dataset, params, prepared, scheme, ledger)
            for measure, value in _trained(problem, ledger, params, seeds).items():
                found[measure][place, number][:, seeds] = value
            if scheme == "torch_default" and address is not None:
                adam[seeds] = _under_adam(problem, ledger, params, seeds)
                finders[seeds] = [
                    _suggested(problem, params, rule, seeds[0]) for rule in FINDERS.values()
                ]
    sizes = [len(apart[split]) for split in ("train", "validation", "test")]
    return {
        **found, "constants": constants, "adam": adam, "finders": finders, "rows": np.array(sizes),
    }  # fmt: skip


def _under_adam(problem: Problem, ledger: "_Ledger", params: Params, seeds: Sequence[int]) -> Array:
    """Return test losses and scores under Adam at its usual rate, shape (seeds, 2)."""
    results = train_lanes(
        problem,
        [Lane(learning_rate=ADAM_RATE, seed=seed) for seed in seeds],
        training=params.training,
        optimizer=params.optimizer.model_copy(update={"name": "adam"}),
        runtime=params.runtime,
    )
    last = ledger.rows(results.validation_score)[:, -1, 2:]
    return np.where((results.diverged_at_step >= 0)[:, None], np.nan, last)


def _suggested(problem: Problem, params: Params, rule: Rule, seed: int) -> float:
    """Return the rate that a finder suggests after a sweep of 100 steps with a rising rate."""
    model = copy.deepcopy(problem.model)
    model.load_state_dict(dict(problem.initial_state(seed)), strict=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0, momentum=params.optimizer.momentum)
    losses, rates = list[float](), np.geomspace(rule.first, rule.last, 100)
    for rate, rows in zip(rates, _batches(problem, params, seed), strict=False):
        optimizer.param_groups[0]["lr"] = float(rate)
        loss = problem.loss(model(problem.train.features[rows]), problem.train.targets[rows])
        if not torch.isfinite(loss):
            break
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    curve: Curve = np.array(losses)
    return rule.suggest(rates[: len(curve)], curve)


def _batches(problem: Problem, params: Params, seed: int) -> Iterator[Tensor]:
    """Yield the rows of each batch, epoch after epoch."""
    for epoch in itertools.count():
        order = batch_order(seed, epoch, len(problem.train.targets))
        yield from order.split(params.training.batch_size)


def _rows(
    dataset: Dataset, params: Params, apart: dict[str, Rows], address: tuple[int, int] | None
) -> dict[str, Rows]:
    """Return the rows of each split: those given, or the rows beside test rows parted anew."""
    if address is None:
        return apart
    is_test = np.isin(np.arange(len(dataset.targets)), apart["test"])
    marked = replace(dataset, split=np.where(is_test, "test", ""))
    seed = stream_seed("inner split", *address) % 2**31
    return split_rows("", marked, params.data.model_copy(update={"split_seed": seed}))


class _Ledger:
    """Writes down what outputs are worth, on validation and on test rows, epoch by epoch.

    The engine knows one loss and one score of an epoch. The score it gets from here is the number
    of the row in which all four stand.

    Attributes:
        constants: Loss and score of the constant predictor, on validation, then on test rows.
    """

    def __init__(self, dataset: Dataset, params: Params, prepared: Prepared) -> None:
        loss = loss_of(dataset.task, params.task.loss, params.task.class_weights)
        self.loss, self.score = loss, score_of(dataset.task, params.task.score)
        weights = np.ones(max(1, len(dataset.class_names)))
        self.constants = np.array([
            metric.constant(prepared.targets["train"], prepared.targets[split], weights)
            for split in ("validation", "test") for metric in (loss, self.score)
            if metric.constant is not None
        ])  # fmt: skip
        self._cut = len(prepared.targets["validation"])
        self._lock, self._blocks, self._count = threading.Lock(), list[Tensor](), 0

    def validation_loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss on the validation rows, which come first."""
        return recorded(self.loss)(outputs[..., : self._cut, :], targets[..., : self._cut])

    def row(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Write the row of each of these outputs, (..., rows, n_outputs).

        Returns:
            The numbers of the rows, shape (...).
        """
        validation, test = slice(self._cut), slice(self._cut, None)
        worth = [
            recorded(metric)(outputs[..., part, :], targets[..., part]).double().reshape(-1)
            for part in (validation, test)
            for metric in (self.loss, self.score)
        ]
        block = torch.stack(worth, dim=-1)
        with self._lock:
            first, self._count = self._count, self._count + len(block)
            self._blocks.append(block)
        shape = outputs.shape[:-2]
        return torch.arange(first, first + len(block), dtype=torch.float64).reshape(shape)

    def rows(self, numbers: Array) -> Array:
        """Return rows by number, NaN where there is none: shape (..., 4)."""
        table = torch.cat(self._blocks).numpy()
        found: Array = np.full((*numbers.shape, 4), np.nan)
        there = ~np.isnan(numbers)
        found[there] = table[numbers[there].astype(np.int64)]
        return found


def _trained(
    problem: Problem, ledger: _Ledger, params: Params, seeds: list[int]
) -> dict[str, Array]:
    """Return every measure of a scheme, shape (rates, seeds)."""
    lanes = [Lane(learning_rate=rate, seed=seed) for rate in RATES for seed in seeds]
    results = train_lanes(
        problem, lanes,
        training=params.training, optimizer=params.optimizer, runtime=params.runtime,
    )  # fmt: skip
    epochs = ledger.rows(results.validation_score)  # (lanes, epochs + 1, 4)
    diverged = results.diverged_at_step >= 0
    epochs[diverged, -1] = np.nan
    third = epochs[:, params.training.epochs // 3]
    losses = np.where(np.isnan(epochs[..., 0]), np.inf, epochs[..., 0])
    best = losses.argmin(axis=1)
    at_best = np.take_along_axis(epochs, best[:, None, None], axis=1)[:, 0]
    columns = [*epochs[:, -1].T, best.astype(float), *at_best.T, *third[:, :2].T]
    return {
        measure: column.reshape(len(RATES), len(seeds))
        for measure, column in zip(MEASURES, columns, strict=True)
    }


def _problem(
    dataset: Dataset, params: Params, prepared: Prepared, scheme: str, ledger: _Ledger
) -> Problem:
    def split(*names: str) -> Split:
        features = np.concatenate([prepared.features[name] for name in names])
        targets = np.concatenate([prepared.targets[name] for name in names])
        return Split(features=torch.from_numpy(features), targets=torch.from_numpy(targets))

    train = split("train")
    model = build_model(
        params.model.name,
        params.model.options,
        n_features=train.features.shape[1],
        n_outputs=len(dataset.class_names) if dataset.task == "classification" else 1,
    )
    name, options = params.initializer(scheme)
    return Problem(
        model=model,
        initial_state=initial_states(model, make_initializer(name, options, scheme=scheme)),
        train=train,
        validation=split("validation", "test"),
        loss=ledger.loss.function,
        loss_name=ledger.loss.name,
        recorded_loss=ledger.validation_loss,
        score=ledger.row,
        constant_loss=float(ledger.constants[0]),
    )
