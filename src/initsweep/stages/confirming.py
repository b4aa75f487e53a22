"""Trains fresh seeds at a scheme's chosen rate and looks at the test rows: no other code does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import save as to_safetensors
from torch import Tensor

from initsweep.core import artifacts
from initsweep.core.progress import Progress
from initsweep.core.records import (
    Confirmation,
    CurveRow,
    EvaluationSplit,
    MeasureRow,
    RunRow,
    Schema,
)
from initsweep.metrics import measures_of, recorded
from initsweep.stages.experiment import Experiment
from initsweep.stages.own_loop import OwnLoop
from initsweep.stages.trained import State, finite

MODEL = "model.safetensors"

Outputs = dict[EvaluationSplit, Tensor | None]
"""What one network makes of each split, shape (rows, outputs); None if it diverged."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Median:
    """The network of the seed with the median validation loss: not the luckiest one.

    Attributes:
        files: Those in which its network is kept, by their names.
        outputs: What it makes of the test rows, None where only its training function knows.
        targets: Those of the rows.
    """

    seed: int
    files: Mapping[str, bytes]
    outputs: Tensor | None
    targets: Tensor | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fresh:
    """Fresh runs of one scheme at one rate.

    Attributes:
        runs: With test results, in the order of the seeds.
        curves: Their epochs.
        measures: Scores and errors of each on validation and test rows.
        test_rows: Recorded loss of every test row, shape (seeds, rows); NaN where a run diverged.
            The loss of a run is the mean of its row.
        engine: The path that trained them.
    """

    runs: list[RunRow]
    curves: list[CurveRow]
    measures: list[MeasureRow]
    test_rows: NDArray[np.float32]
    engine: str

    @property
    def seeds(self) -> list[int]:
        """The seeds of the runs."""
        return [run.seed for run in self.runs]

    @property
    def whole(self) -> bool:
        """Whether every run has its test rows and its epochs."""
        return len(self.test_rows) == len(self.runs) and {row.seed for row in self.curves} == set(
            self.seeds
        )

    def of(self, seeds: Sequence[int]) -> "Fresh":
        """Return the runs of some of the seeds, in the order of all."""
        places = [place for place, seed in enumerate(self.seeds) if seed in seeds]
        return replace(
            self,
            runs=[self.runs[place] for place in places],
            curves=[row for row in self.curves if row.seed in seeds],
            measures=[row for row in self.measures if row.seed in seeds],
            test_rows=self.test_rows[places],
        )

    def as_of(self, scheme: str) -> "Fresh":
        """Return the runs as those of another scheme, which is the same law."""
        return replace(
            self,
            runs=[replace(row, scheme=scheme) for row in self.runs],
            curves=[replace(row, scheme=scheme) for row in self.curves],
            measures=[replace(row, scheme=scheme) for row in self.measures],
        )

    def followed_by(self, more: "Fresh") -> "Fresh":
        """Return these runs and others of the same scheme at the same rate."""
        return replace(
            self,
            runs=[*self.runs, *more.runs],
            curves=[*self.curves, *more.curves],
            measures=[*self.measures, *more.measures],
            test_rows=_joined(self.test_rows, more.test_rows),
            engine="; ".join(dict.fromkeys([*self.engine.split("; "), *more.engine.split("; ")])),
        )


def _joined(rows: NDArray[np.float32], more: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the test rows of both; where all runs of one diverged, its rows are not known."""
    count = max(rows.shape[1], more.shape[1])
    blank = (np.full((len(one), count), np.nan, np.float32) for one in (rows, more))
    return np.concatenate(
        [
            one if one.shape[1] == count else unknown
            for one, unknown in zip((rows, more), blank, strict=True)
        ]
    )


def confirm(
    experiment: Experiment | OwnLoop,
    scheme: str,
    rate: float,
    seeds: Sequence[int],
    bar: Progress | None = None,
) -> tuple[Fresh, Median | None]:
    """Train fresh seeds at a rate.

    Returns:
        The runs, and the median one; None if all diverged.
    """
    if isinstance(experiment, OwnLoop):
        return _confirm_own(experiment, scheme, rate, seeds, bar)
    trained = experiment.run(scheme, "confirm", [(0, rate)], seeds, keep_states=True, bar=bar)
    # Once for each: on images this takes about as long as the training of a small study.
    validation, test = (
        experiment.outputs(scheme, name, seeds, trained.states) for name in ("validation", "test")
    )
    made: list[Outputs] = [
        {"validation": one, "test": other} for one, other in zip(validation, test, strict=True)
    ]
    targets = [experiment.split("test", seeds).of(seed).targets for seed in seeds]
    runs = [with_test(experiment, *each) for each in zip(trained.runs, test, targets, strict=True)]
    fresh = Fresh(
        runs=runs,
        curves=trained.curves,
        measures=[row for run, one in zip(runs, made, strict=True)
                  for row in _measures(experiment, run, one, seeds)],
        test_rows=_row_losses(experiment, test, targets),
        engine=trained.engine,
    )  # fmt: skip
    if (index := median_run(runs)) is None:
        return fresh, None
    return fresh, Median(
        seed=runs[index].seed,
        files={MODEL: to_safetensors(_on_cpu(trained.states[index]))},
        outputs=test[index],
        targets=targets[index],
    )


def _confirm_own(
    loop: OwnLoop,
    scheme: str,
    rate: float,
    seeds: Sequence[int],
    bar: Progress | None,
) -> tuple[Fresh, Median | None]:
    """Train fresh seeds by a user's function, which has measured them on test data too.

    Returns:
        As `confirm`.
    """
    trained = loop.run(scheme, "confirm", [(0, rate)], seeds, bar=bar)
    runs = trained.runs
    fresh = Fresh(
        runs=runs,
        curves=trained.curves,
        measures=[row for run in runs for row in _own_measures(loop.schema, run)],
        test_rows=trained.test_rows,
        engine=trained.engine,
    )
    if (index := median_run(runs)) is None:
        return fresh, None
    chosen = runs[index]
    return fresh, Median(seed=chosen.seed, files=loop.files(chosen), outputs=None, targets=None)


def _on_cpu(state: State) -> dict[str, Tensor]:
    return {name: tensor.cpu().contiguous() for name, tensor in (state or {}).items()}


def _own_measures(schema: Schema, run: RunRow) -> list[MeasureRow]:
    """Return the score that a user's function gave a run, if it gives any."""
    values: dict[EvaluationSplit, float | None] = {
        "validation": run.validation_score,
        "test": run.test_score,
    }
    return [
        MeasureRow(
            scheme=run.scheme, seed=run.seed, split=split, measure=schema.score_name, value=value
        )
        for split, value in values.items()
    ]


def tested(
    experiment: Experiment | OwnLoop, scheme: str, rate: float, seeds: Sequence[int]
) -> list[RunRow]:
    """Return fresh runs at a rate with what they are worth on test rows, and nothing else."""
    if isinstance(experiment, OwnLoop):
        return experiment.run(scheme, "confirm", [(0, rate)], seeds).runs
    trained = experiment.run(scheme, "confirm", [(0, rate)], seeds, keep_states=True)
    outputs, test = (
        experiment.outputs(scheme, "test", seeds, trained.states),
        experiment.split("test", seeds),
    )
    return [
        with_test(experiment, row, made, test.of(row.seed).targets)
        for row, made in zip(trained.runs, outputs, strict=True)
    ]


def median_run(runs: Sequence[RunRow]) -> int | None:
    """Return the index of the run with the median validation loss, None if all diverged.

    Diverged runs are left out, as there is no network to keep; of an even number of runs the
    lower of the two middle ones is taken.
    """
    finished = [index for index, row in enumerate(runs) if row.validation_loss is not None]
    finished.sort(key=lambda index: (runs[index].capped_loss, runs[index].seed))
    return finished[(len(finished) - 1) // 2] if finished else None


def write(folder: Path, fresh: Fresh) -> None:
    """Write the tables of fresh runs."""
    artifacts.write_rows(folder / "runs.csv", fresh.runs, RunRow)
    artifacts.write_rows(folder / "curves.csv", fresh.curves, CurveRow)
    artifacts.write_rows(folder / "measures.csv", fresh.measures, MeasureRow)
    artifacts.write_array(folder / "test_rows.npy", fresh.test_rows)


def read(folder: Path) -> Fresh:
    """Return the fresh runs of a folder, with their engine from the record beside them."""
    return Fresh(
        runs=artifacts.read_rows(folder / "runs.csv", RunRow),
        curves=artifacts.read_rows(folder / "curves.csv", CurveRow),
        measures=artifacts.read_rows(folder / "measures.csv", MeasureRow),
        test_rows=artifacts.read_array(folder / "test_rows.npy"),
        engine=artifacts.read_record(folder / "record.json", Confirmation).engine,
    )


def with_test(experiment: Experiment, row: RunRow, made: Tensor | None, targets: Tensor) -> RunRow:
    """Return a run with its loss and score on test rows, of which it made outputs."""
    if made is None:
        return replace(row, capped_test_loss=experiment.schema.capped_test(None, None))
    loss = finite(float(experiment.recorded_loss(made, targets)))
    score = finite(float(experiment.score(made, targets)))
    return replace(
        row,
        test_loss=loss,
        test_score=score,
        capped_test_loss=experiment.schema.capped_test(loss, score),
    )


def _row_losses(
    experiment: Experiment, outputs: Sequence[Tensor | None], targets: Sequence[Tensor]
) -> NDArray[np.float32]:
    losses = np.full((len(outputs), experiment.schema.rows["test"]), np.nan, np.float32)
    for row, made, wanted in zip(losses, outputs, targets, strict=True):
        if made is not None:
            row[:] = experiment.recorded_loss(made[:, None], wanted[:, None]).numpy()
    return losses


def _measures(
    experiment: Experiment, row: RunRow, made: Outputs, seeds: Sequence[int]
) -> list[MeasureRow]:
    rows = []
    for name, outputs in made.items():
        for metric in measures_of(experiment.schema.task):
            value = None
            if outputs is not None:
                function = recorded(metric, experiment.schema)
                targets = experiment.split(name, seeds).of(row.seed).targets
                value = finite(float(function(outputs, targets)))
            rows.append(
                MeasureRow(
                    scheme=row.scheme, seed=row.seed, split=name, measure=metric.name, value=value
                )
            )
    return rows
