"""Sweep the network that rates were predicted for, to see how far off they are.

No stage of DVC: whoever predicts does not want to pay for this, but for learning what to trust.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from initsweep.core import artifacts, numbers
from initsweep.core.params import Params
from initsweep.core.records import Provenance, RunRow, Selection, rounded
from initsweep.core.sizes import at_size
from initsweep.stages import tune
from initsweep.stages.experiment import Experiment, load_experiment
from initsweep.stages.own_loop import OwnLoop
from initsweep.statistics.transfer import SizeRuns, Transfer
from initsweep.statistics.transfer_rates import locate
from initsweep.statistics.transfer_results import SchemeTransfer

SWEPT = artifacts.SCRATCH / "at_target"


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep at the target says of one prediction.

    Attributes:
        predicted: What was predicted.
        found: The best rate, between those tried.
        edge: The end of the rates tried at which it lies, "" for none.
        error: Decades from there up to the predicted rate.
        loss: Mean validation loss at the best of the rates tried.
        lost: How much more it is at the predicted rate, on the same seeds.
        trainings: What the sweep took.
    """

    predicted: SchemeTransfer
    found: float
    edge: str
    error: float
    loss: float
    lost: float
    trainings: int

    @property
    def kept(self) -> bool:
        """Whether no more is lost than was promised."""
        return self.lost <= self.predicted.promised_loss

    @property
    def sentence(self) -> str:
        """What came of it, for a person."""
        one, at = self.predicted, f"the {self.edge} rate tried, " if self.edge else ""
        promised = numbers.loss(one.promised_loss)
        said = f"at most {promised} promised: {'kept' if self.kept else 'NOT kept'}"
        return (
            f"{one.scheme}: predicted {numbers.rate(one.rate)}, swept {numbers.rate(self.found)}, "
            f"{at}{abs(self.error):.2f} decades off; the predicted rate loses "
            f"{numbers.difference(self.lost)} of {numbers.loss(self.loss)}, "
            f"{said if one.trusted else 'nothing promised'}; {self.trainings} trainings"
        )


def sweep(params: Params, prediction: Transfer) -> list[Swept]:
    """Tune every scheme at the target, and train at the predicted rate; what is done is kept.

    Returns:
        What that says of each prediction.
    """
    size = int(prediction.target)
    return [_swept(params, size, one) for one in prediction.schemes]


def tuned(params: Params, size: int, scheme: str, folder: Path) -> Experiment | OwnLoop:
    """Tune a scheme at a size, unless the same has been done.

    Args:
        params: Of the study.
        size: Of the network.
        scheme: The scheme.
        folder: Where it is kept.

    Returns:
        Who trains networks of that size.
    """
    there = at_size(params, size)
    experiment = load_experiment(there)
    if not _is_of(folder, experiment.provenance(scheme, "tune")):
        artifacts.remove_folder(folder)
        tune.into(folder, there, scheme)
    return experiment


def _swept(params: Params, size: int, one: SchemeTransfer) -> Swept:
    folder = SWEPT / params.transfer.keys[0] / str(size) / one.scheme
    experiment = tuned(params, size, one.scheme, folder)
    runs = artifacts.read_rows(folder / "runs.csv", RunRow)
    at_predicted = _losses(experiment, one, folder)
    schema, decide = experiment.schema, params.decide
    constant = schema.judged.constant_validation_loss
    found = locate(
        SizeRuns.of(size, one.scheme, runs, constant),
        decide.basin_tolerance,
        decide.margin,
        decide.trainable_skill,
    )
    loss = artifacts.read_record(folder / "selection.json", Selection).mean_loss
    return Swept(
        predicted=one,
        found=10**found.best.value,
        edge=found.edge,
        error=math.log10(one.rate) - found.best.value,
        loss=loss,
        lost=fmean(at_predicted) - loss,
        trainings=len(runs),
    )


def _losses(experiment: Experiment | OwnLoop, one: SchemeTransfer, folder: Path) -> list[float]:
    """Return the losses at the predicted rate on the tuning seeds, trained unless they are kept."""
    file, seeds = folder / "predicted.csv", experiment.params.tune.seeds
    rate = rounded(one.rate)
    runs = artifacts.read_rows(file, RunRow) if file.exists() else []
    if [(run.learning_rate, run.seed) for run in runs] != [(rate, seed) for seed in seeds]:
        trained = experiment.run(one.scheme, "refinement", [(0, rate)], seeds)
        artifacts.write_rows(file, trained.runs, RunRow)
        runs = artifacts.read_rows(file, RunRow)  # with the digits that records have
    return [run.capped_loss for run in runs]


def _is_of(folder: Path, today: Provenance) -> bool:
    """Return whether a sweep lies there that comes from what it would come from today."""
    file = folder / "selection.json"
    return file.exists() and artifacts.read_record(file, Selection).provenance == today
