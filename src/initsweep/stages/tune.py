"""Tune the learning rate of one scheme: shared grid, extension, refinement, all by seed."""

from collections.abc import Sequence
from math import inf
from pathlib import Path
from statistics import fmean

from initsweep.core import artifacts, numbers
from initsweep.core.params import Params
from initsweep.core.progress import Progress, progress
from initsweep.core.randomness import stream_seed
from initsweep.core.records import (
    Censored,
    CurveRow,
    RunRow,
    Schema,
    Selection,
    TrialKind,
    TrialRow,
)
from initsweep.running import inputs
from initsweep.stages.experiment import Experiment, load_experiment
from initsweep.stages.own_loop import OwnLoop
from initsweep.stages.trained import Trained
from initsweep.stages.tuning import Study, Trial
from initsweep.statistics import racing


def run(params: Params, scheme: str) -> None:
    """Write `results/tune/<scheme>/`: trials, runs, curves and the selected rate.

    Each re-tuning does the same on its own seeds; its runs and its rate go into a folder inside.
    """
    into(artifacts.tune_folder(scheme), params, scheme)


def into(folder: Path, params: Params, scheme: str) -> None:
    """Tune a scheme, and write what came of it into a folder."""
    experiment, tune = load_experiment(params), params.tune
    rates = tune.grid.points + racing.refinements(tune)
    total = rates * len(tune.seeds) * (tune.retunes + 1)
    for outdated in artifacts.retune_folders(folder):
        artifacts.remove_folder(outdated)
    with progress(total, f"tune {scheme}", "run") as bar:
        study, batches = _tune(experiment, scheme, 0, bar)
        again = [_tune(experiment, scheme, number + 1, bar) for number in range(tune.retunes)]
    inputs.check()  # before the work behind it is let go
    runs = batches.runs
    curves = [row for batch in batches.done for row in batch.curves]
    artifacts.write_rows(folder / "runs.csv", runs, RunRow)
    artifacts.write_rows(folder / "curves.csv", curves, CurveRow)
    rows = [_trial_row(scheme, trial, runs) for trial in study.trials]
    artifacts.write_rows(folder / "trials.csv", rows, TrialRow)
    selection = _selection(experiment, scheme, study, batches)
    artifacts.write_json(folder / "selection.json", selection)
    for inside, (study, batches) in zip(
        artifacts.retune_folders(folder, tune.retunes), again, strict=True
    ):
        artifacts.write_rows(inside / "runs.csv", batches.runs, RunRow)
        selection = _selection(experiment, scheme, study, batches)
        artifacts.write_json(inside / "selection.json", selection)
    artifacts.remove_folder(experiment.checkpoint(scheme, "tune"))


def _tune(
    experiment: Experiment | OwnLoop, scheme: str, number: int, bar: Progress
) -> tuple[Study, "_Batches"]:
    """Tune on the seeds of a re-tuning, or on the study's own for number 0.

    Returns:
        The finished study and what it trained.
    """
    tune = experiment.params.tune
    batches, seeds = _Batches(experiment, scheme, bar), tune.retune_seeds(number)
    # Not by scheme: equal responses must lead to equal rates.
    address = ("tune", tune.sampler_seed, number) if number else ("tune", tune.sampler_seed)
    study = Study(
        tune,
        batches.evaluate,
        stream_seed(*address) % 2**32,
        seeds=seeds,
        constant=experiment.schema.judged.constant_validation_loss,
        announce=bar.extend,
    )
    study.run()
    return study, batches


class _Batches:
    """Trains what the study asks for and keeps what came out."""

    def __init__(self, experiment: Experiment | OwnLoop, scheme: str, bar: Progress) -> None:
        self.done: list[Trained] = []
        self._experiment, self._scheme, self._bar = experiment, scheme, bar
        self._best = (inf, 0.0)

    @property
    def runs(self) -> list[RunRow]:
        """All runs, in the order in which they were asked for."""
        return [row for batch in self.done for row in batch.runs]

    @property
    def engine(self) -> str:
        """The paths that trained them."""
        return "; ".join(sorted({batch.engine for batch in self.done}))

    def evaluate(
        self, kind: TrialKind, batch: Sequence[tuple[int, float]], seeds: Sequence[int]
    ) -> list[list[tuple[float, float]]]:
        """Return capped and uncapped losses of a batch by seed."""
        trained = self._experiment.run(self._scheme, kind, batch, seeds, bar=self._bar)
        self.done.append(trained)
        schema, losses = self._experiment.schema, []
        for number, rate in batch:
            rows = [row for row in trained.runs if row.trial == number]
            values = [schema.value(row.validation_loss, row.validation_score) for row in rows]
            raw = [inf if value is None else value for value in values]
            losses.append([(row.capped_loss, one) for row, one in zip(rows, raw, strict=True)])
            self._best = min(self._best, (fmean(row.capped_loss for row in rows), rate))
        self._bar.note(
            f"best loss {numbers.loss(self._best[0])} at rate {numbers.rate(self._best[1])}"
        )
        return losses


def _trial_row(scheme: str, trial: Trial, runs: Sequence[RunRow]) -> TrialRow:
    rows = [row for row in runs if row.trial == trial.number]
    losses = [row.capped_loss for row in rows]
    return TrialRow(
        scheme=scheme,
        trial=trial.number,
        kind=trial.kind,
        learning_rate=trial.learning_rate,
        mean_loss=trial.loss,
        best_loss=min(losses),
        worst_loss=max(losses),
        diverged=sum(row.status == "diverged" for row in rows),
        seeds=len(rows),
    )


def best_by(schema: Schema, runs: Sequence[RunRow]) -> float:
    """Return the rate with the lowest mean of what a schema selects by.

    A score counts rows and often ties: then the lower loss decides, then the lower rate. Rates that
    left a race do not enter: on fewer seeds it takes less to look good.
    """
    by_rate: dict[float, list[RunRow]] = {}
    for run in runs:
        by_rate.setdefault(run.learning_rate, []).append(run)

    def key(rate: float) -> tuple[float, float, float]:
        means = [
            fmean(one.capped_of(run) for run in by_rate[rate]) for one in (schema, schema.other)
        ]
        return means[0], means[1], rate

    seeds = {rate: len({run.seed for run in of_one}) for rate, of_one in by_rate.items()}
    whole = max(seeds.values())
    return min((rate for rate in by_rate if seeds[rate] == whole), key=key)


def _selection(
    experiment: Experiment | OwnLoop, scheme: str, study: Study, batches: "_Batches"
) -> Selection:
    best, rates = study.best, study.rates
    on_edge: dict[float, Censored] = {rates[0]: "low", rates[-1]: "high"}
    return Selection(
        scheme=scheme,
        initializer=experiment.params.initializer(scheme)[0],
        options=experiment.params.arm_options(scheme),
        learning_rate=best.learning_rate,
        other_learning_rate=best_by(experiment.schema.other, batches.runs),
        mean_loss=best.loss,
        grid=rates,
        censored=on_edge.get(best.learning_rate, "no"),
        engine=batches.engine,
        provenance=experiment.provenance(scheme, "tune"),
    )
