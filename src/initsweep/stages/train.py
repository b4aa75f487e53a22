"""Train one scheme at its chosen rate on fresh seeds, and look at the test rows, once."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from safetensors.torch import save as to_safetensors
from torch import Tensor

from initsweep import artifacts
from initsweep.experiment import Experiment, finite, load_experiment
from initsweep.metrics import measures_of, recorded
from initsweep.params import Params
from initsweep.progress import progress
from initsweep.records import (
    Confirmation,
    CurveRow,
    EvaluationSplit,
    MeasureRow,
    PredictionRow,
    RunRow,
    Selection,
)
from initsweep.running import inputs

Outputs = dict[EvaluationSplit, Tensor | None]
"""What one network makes of each split, shape (rows, outputs); None if it diverged."""


def run(params: Params, scheme: str) -> None:
    """Write `results/train/<scheme>/`: runs with test results, curves, test rows, the kept model.

    The kept model is the one of the seed with the median validation loss, so that it is
    neither the luckiest nor chosen on test.
    """
    name, options = params.initializer(scheme)
    experiment = load_experiment(params)
    selection = artifacts.read_record(artifacts.tune_folder(scheme) / "selection.json", Selection)
    seeds, rate = params.confirm.seeds, selection.learning_rate
    with progress(len(seeds), f"train {scheme}", "run") as bar:
        bar.note(f"rate {rate:.3g}")
        trained = experiment.run(
            scheme,
            "confirm",
            [(0, rate)],
            seeds,
            keep_states=True,
            on_progress=lambda lanes, _: bar.advance(lanes),
        )
    folder = artifacts.train_folder(scheme)
    outputs = _outputs(experiment, scheme, trained.states)
    row_losses = _row_losses(experiment, [made["test"] for made in outputs])
    runs = [
        _with_test(experiment, row, made["test"])
        for row, made in zip(trained.runs, outputs, strict=True)
    ]
    inputs.check()  # before the work behind it is let go
    artifacts.write_rows(folder / "runs.csv", runs, RunRow)
    artifacts.write_rows(folder / "curves.csv", trained.curves, CurveRow)
    measured = [
        measure
        for row, made in zip(runs, outputs, strict=True)
        for measure in _measures(experiment, row, made)
    ]
    artifacts.write_rows(folder / "measures.csv", measured, MeasureRow)
    median = median_run(runs)
    predictions = []
    if median is not None:
        targets = _targets(experiment, "test", runs[median].seed)
        predictions = _predictions(experiment, outputs[median]["test"], targets)
    artifacts.write_rows(folder / "predictions.csv", predictions, PredictionRow)
    artifacts.write_array(folder / "test_rows.npy", row_losses)
    if median is not None:
        content = to_safetensors(_on_cpu(trained.states[median]))
        artifacts.write_bytes(folder / "model.safetensors", content)
    record = Confirmation(
        scheme=scheme,
        initializer=name,
        options=options,
        learning_rate=rate,
        seeds=list(seeds),
        median_seed=None if median is None else runs[median].seed,
        engine=trained.engine,
        provenance=experiment.provenance(scheme, "confirm"),
    )
    artifacts.write_json(folder / "record.json", record)
    _train_retuned(experiment, scheme, {rate: runs})
    _train_other(experiment, scheme, selection)
    artifacts.remove_folder(experiment.checkpoint(scheme, "confirm"))


def _train_retuned(experiment: Experiment, scheme: str, known: dict[float, list[RunRow]]) -> None:
    """Train the same seeds at the rate of each re-tuning, for validation alone.

    Runs at a rate that has been trained already are taken from there. Their test losses are left
    out: tuning again must not become a second look at the test rows.
    """
    folder, seeds = artifacts.train_folder(scheme), experiment.params.confirm.seeds
    for outdated in artifacts.retune_folders(folder):
        artifacts.remove_folder(outdated)
    tuned = artifacts.retune_folders(artifacts.tune_folder(scheme))
    for number, (tune, train) in enumerate(
        zip(tuned, artifacts.retune_folders(folder, len(tuned)), strict=True), start=1
    ):
        rate = artifacts.read_record(tune / "selection.json", Selection).learning_rate
        if rate not in known:
            known[rate] = experiment.run(scheme, "confirm", [(0, rate)], seeds).runs
        runs = [
            replace(row, trial=number, test_loss=None, test_score=None, capped_test_loss=None)
            for row in known[rate]
        ]
        artifacts.write_rows(train / "runs.csv", runs, RunRow)


def _train_other(experiment: Experiment, scheme: str, selection: Selection) -> None:
    """Train the same seeds at the rate that the other of loss and score chose, if it is another.

    So that the verdict can say what it would have been by the other, measured as fairly.
    """
    rate, runs = selection.other_learning_rate, list[RunRow]()
    if rate != selection.learning_rate:
        seeds = experiment.params.confirm.seeds
        trained = experiment.run(scheme, "confirm", [(0, rate)], seeds, keep_states=True)
        outputs = experiment.outputs(scheme, "test", seeds, trained.states)
        runs = [
            _with_test(experiment, row, made)
            for row, made in zip(trained.runs, outputs, strict=True)
        ]
    inputs.check()
    artifacts.write_rows(artifacts.train_folder(scheme) / "other.csv", runs, RunRow)


def median_run(runs: Sequence[RunRow]) -> int | None:
    """Return the index of the run with the median validation loss, None if all diverged.

    Diverged runs are left out, as there is no network to keep; of an even number of runs the
    lower of the two middle ones is taken.
    """
    finished = [index for index, row in enumerate(runs) if row.validation_loss is not None]
    finished.sort(key=lambda index: (runs[index].capped_loss, runs[index].seed))
    return finished[(len(finished) - 1) // 2] if finished else None


def _outputs(
    experiment: Experiment, scheme: str, states: Sequence[dict[str, Tensor] | None]
) -> list[Outputs]:
    """Return what each trained network makes of the rows that it was not trained on.

    Once for each: on images this takes about as long as the training of a small study.
    """
    seeds = experiment.params.confirm.seeds
    validation, test = (
        experiment.outputs(scheme, name, seeds, states) for name in ("validation", "test")
    )
    return [{"validation": one, "test": other} for one, other in zip(validation, test, strict=True)]


def _targets(experiment: Experiment, split: EvaluationSplit, seed: int) -> Tensor:
    return experiment.split(split, experiment.params.confirm.seeds).of(seed).targets


def _row_losses(experiment: Experiment, outputs: Sequence[Tensor | None]) -> np.ndarray:
    """Return the recorded loss of every test row, shape (seeds, rows); NaN where a run diverged.

    The loss of a run is the mean of its row.
    """
    seeds = experiment.params.confirm.seeds
    losses = np.full((len(seeds), experiment.schema.rows["test"]), np.nan, np.float32)
    for row, seed, made in zip(losses, seeds, outputs, strict=True):
        if made is not None:
            targets = _targets(experiment, "test", seed)
            row[:] = experiment.recorded_loss(made[:, None], targets[:, None]).numpy()
    return losses


def _with_test(experiment: Experiment, row: RunRow, outputs: Tensor | None) -> RunRow:
    if outputs is None:
        return replace(row, capped_test_loss=experiment.schema.capped_test(None, None))
    targets = _targets(experiment, "test", row.seed)
    loss = finite(float(experiment.recorded_loss(outputs, targets)))
    score = finite(float(experiment.score(outputs, targets)))
    return replace(
        row,
        test_loss=loss,
        test_score=score,
        capped_test_loss=experiment.schema.capped_test(loss, score),
    )


def _measures(experiment: Experiment, row: RunRow, made: Outputs) -> list[MeasureRow]:
    rows = []
    for name, outputs in made.items():
        for metric in measures_of(experiment.schema.task):
            value = None
            if outputs is not None:
                function = recorded(metric, experiment.schema)
                value = finite(float(function(outputs, _targets(experiment, name, row.seed))))
            rows.append(
                MeasureRow(
                    scheme=row.scheme, seed=row.seed, split=name, measure=metric.name, value=value
                )
            )
    return rows


def _predictions(
    experiment: Experiment, outputs: Tensor | None, targets: Tensor
) -> list[PredictionRow]:
    if outputs is None:
        return []
    classes = experiment.schema.task == "classification"
    predicted = outputs.argmax(dim=-1) if classes else outputs.squeeze(-1)
    return [
        PredictionRow(example=index, target=float(target), prediction=float(prediction))
        for index, (target, prediction) in enumerate(zip(targets, predicted, strict=True))
    ]


def _on_cpu(state: dict[str, Tensor] | None) -> dict[str, Tensor]:
    return {name: tensor.cpu().contiguous() for name, tensor in (state or {}).items()}
