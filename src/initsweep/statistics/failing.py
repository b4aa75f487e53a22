"""Which runs failed, and which learned but are wrong with confidence.

A network may name the right class in most rows and yet have a loss beyond that of a constant
predictor, because it is sure of itself where it errs. It has learned; its loss has not.
"""

from collections.abc import Sequence

from initsweep.core.records import RunRow, in_study_unit
from initsweep.statistics.intervals import mean_of
from initsweep.statistics.thresholds import Yardstick


def failed(run: RunRow, yardstick: Yardstick) -> bool:
    """Return whether a run diverged, or is no better than guessing by loss and by score."""
    return run.status == "diverged" or guesses([run], yardstick)


def overconfident(run: RunRow, yardstick: Yardstick) -> bool:
    """Return whether a run is better than guessing by score and not by loss."""
    return not failed(run, yardstick) and _loss(run, yardstick) > yardstick.loss_ceiling


def guesses(runs: Sequence[RunRow], yardstick: Yardstick) -> bool:
    """Return whether runs are on average no better than guessing, by loss and by score.

    Better means that the required share of what a constant predictor lacks is made up for. A
    diverged run has the constant predictor's loss and score.
    """
    if mean_of([_loss(run, yardstick) for run in runs]) <= yardstick.loss_ceiling:
        return False
    constant = yardstick.score_constant
    if constant is None:
        return True
    scores = [constant if run.validation_score is None else run.validation_score for run in runs]
    return mean_of(scores) < yardstick.score_floor


def _loss(run: RunRow, yardstick: Yardstick) -> float:
    cap = yardstick.initial_cap
    if run.validation_loss is None:
        return cap
    return min(in_study_unit(run.validation_loss, run.constant_loss, cap), cap)
