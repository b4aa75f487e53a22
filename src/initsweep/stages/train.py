"""Train one scheme at its chosen rate on fresh seeds, and look at the test rows, once."""

from dataclasses import replace

from initsweep.core import artifacts, numbers
from initsweep.core.params import Params
from initsweep.core.progress import progress
from initsweep.core.records import Confirmation, PredictionRow, RunRow, Schema, Selection
from initsweep.running import inputs
from initsweep.stages import confirming
from initsweep.stages.confirming import Median
from initsweep.stages.experiment import Experiment, load_experiment
from initsweep.stages.own_loop import OwnLoop


def run(params: Params, scheme: str) -> None:
    """Write `results/train/<scheme>/`: runs with test results, curves, test rows, the kept model.

    The kept model is the one of the seed with the median validation loss, so that it is
    neither the luckiest nor chosen on test.
    """
    experiment = load_experiment(params)
    selection = artifacts.read_record(artifacts.tune_folder(scheme) / "selection.json", Selection)
    seeds, rate = params.confirm.seeds, selection.learning_rate
    with progress(len(seeds), f"train {scheme}", "run") as bar:
        bar.note(f"rate {numbers.rate(rate)}")
        fresh, median = confirming.confirm(experiment, scheme, rate, seeds, bar)
    folder, runs = artifacts.train_folder(scheme), fresh.runs
    inputs.check()  # before the work behind it is let go
    confirming.write(folder, fresh)
    predictions = [] if median is None else _predictions(experiment.schema, median)
    for name, content in median.files.items() if median is not None else ():
        artifacts.write_bytes(folder / name, content)
    artifacts.write_rows(folder / "predictions.csv", predictions, PredictionRow)
    record = Confirmation(
        scheme=scheme,
        initializer=params.initializer(scheme)[0],
        options=params.arm_options(scheme),
        learning_rate=rate,
        seeds=list(seeds),
        median_seed=None if median is None else median.seed,
        engine=fresh.engine,
        provenance=experiment.provenance(scheme, "confirm"),
    )
    artifacts.write_json(folder / "record.json", record)
    _train_retuned(experiment, scheme, {rate: runs})
    _train_other(experiment, scheme, selection)
    artifacts.remove_folder(experiment.checkpoint(scheme, "confirm"))


def _train_retuned(
    experiment: Experiment | OwnLoop, scheme: str, known: dict[float, list[RunRow]]
) -> None:
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


def _train_other(experiment: Experiment | OwnLoop, scheme: str, selection: Selection) -> None:
    """Train the same seeds at the rate that the other of loss and score chose, if it is another.

    So that the verdict can say what it would have been by the other, measured as fairly.
    """
    rate, runs = selection.other_learning_rate, list[RunRow]()
    if rate != selection.learning_rate:
        runs = confirming.tested(experiment, scheme, rate, experiment.params.confirm.seeds)
    inputs.check()
    artifacts.write_rows(artifacts.train_folder(scheme) / "other.csv", runs, RunRow)


def _predictions(schema: Schema, median: Median) -> list[PredictionRow]:
    outputs, targets = median.outputs, median.targets
    if outputs is None or targets is None:
        return []
    predicted = outputs.argmax(dim=-1) if schema.task == "classification" else outputs.squeeze(-1)
    return [
        PredictionRow(example=index, target=float(target), prediction=float(prediction))
        for index, (target, prediction) in enumerate(zip(targets, predicted, strict=True))
    ]
