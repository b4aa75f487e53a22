"""Tune the learning rate of one scheme: shared grid, extension, refinement, all by seed."""

from collections.abc import Sequence
from math import inf
from statistics import fmean

from initsweep import artifacts
from initsweep.experiment import Experiment, Trained, load_experiment
from initsweep.params import Params
from initsweep.progress import Progress, progress
from initsweep.randomness import stream_seed
from initsweep.records import Censored, CurveRow, RunRow, Selection, TrialKind, TrialRow
from initsweep.tuning import Study, Trial


def run(params: Params, scheme: str) -> None:
    """Write `results/tune/<scheme>/`: trials, runs, curves and the selected rate."""
    experiment = load_experiment(params)
    seeds = params.tune.seeds
    total = (params.tune.grid.points + params.tune.refinement_trials) * len(seeds)
    with progress(total, f"tune {scheme}", "run") as bar:
        batches = _Batches(experiment, scheme, bar)
        study = Study(
            params.tune,
            batches.evaluate,
            # Not by scheme: equal responses must lead to equal rates.
            seed=stream_seed("tune", params.tune.sampler_seed) % 2**32,
        )
        trials = study.run()
    folder = artifacts.tune_folder(scheme)
    runs = [row for batch in batches.done for row in batch.runs]
    curves = [row for batch in batches.done for row in batch.curves]
    artifacts.write_rows(folder / "runs.csv", runs, RunRow)
    artifacts.write_rows(folder / "curves.csv", curves, CurveRow)
    rows = [_trial_row(scheme, trial, runs) for trial in trials]
    artifacts.write_rows(folder / "trials.csv", rows, TrialRow)
    engines = sorted({batch.engine for batch in batches.done})
    selection = _selection(experiment, scheme, study, "; ".join(engines))
    artifacts.write_json(folder / "selection.json", selection)
    artifacts.remove_folder(experiment.checkpoint(scheme, "tune"))


class _Batches:
    """Trains what the study asks for and keeps what came out."""

    def __init__(self, experiment: Experiment, scheme: str, bar: Progress) -> None:
        self.done: list[Trained] = []
        self._experiment, self._scheme, self._bar = experiment, scheme, bar
        self._best = (inf, 0.0)

    def evaluate(
        self, kind: TrialKind, batch: Sequence[tuple[int, float]]
    ) -> list[tuple[float, float]]:
        """Return capped and uncapped mean losses of a batch, trained under all tuning seeds."""
        seeds = self._experiment.params.tune.seeds
        if kind == "extension":
            self._bar.extend(len(batch) * len(seeds))
        trained = self._experiment.run(
            self._scheme, kind, batch, seeds, on_progress=lambda lanes, _: self._bar.advance(lanes)
        )
        self.done.append(trained)
        losses = []
        for number, rate in batch:
            rows = [row for row in trained.runs if row.trial == number]
            raw = [inf if row.validation_loss is None else row.validation_loss for row in rows]
            losses.append((fmean(row.capped_loss for row in rows), fmean(raw)))
            self._best = min(self._best, (losses[-1][0], rate))
        self._bar.note(f"best loss {self._best[0]:.4g} at rate {self._best[1]:.3g}")
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


def _selection(experiment: Experiment, scheme: str, study: Study, engine: str) -> Selection:
    name, options = experiment.params.initializer(scheme)
    best, rates = study.best, study.rates
    on_edge: dict[float, Censored] = {rates[0]: "low", rates[-1]: "high"}
    return Selection(
        scheme=scheme,
        initializer=name,
        options=options,
        learning_rate=best.learning_rate,
        mean_loss=best.loss,
        grid=rates,
        censored=on_edge.get(best.learning_rate, "no"),
        engine=engine,
        provenance=experiment.provenance(scheme, "tune"),
    )
