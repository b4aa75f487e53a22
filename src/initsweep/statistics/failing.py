"""Which runs failed, and which learned but are wrong with confidence.

A network may name the right class in most rows and yet have a loss beyond that of a constant
predictor, because it is sure of itself where it errs. It has learned; its loss has not.
"""

from collections.abc import Sequence

from initsweep.core.records import RunRow, in_study_unit
from initsweep.statistics.intervals import mean_of
from initsweep.statistics.thresholds import Thresholds


def failed(run: RunRow, thresholds: Thresholds) -> bool:
    """Return whether a run diverged, or is no better than guessing by loss and by score."""
    return run.status == "diverged" or _guesses(
        _loss(run, thresholds), _score(run, thresholds), thresholds
    )


def overconfident(run: RunRow, thresholds: Thresholds) -> bool:
    """Return whether a run is better than guessing by score and not by loss."""
    return not failed(run, thresholds) and _loss(run, thresholds) > thresholds.loss_ceiling


def guesses(runs: Sequence[RunRow], thresholds: Thresholds) -> bool:
    """Return whether runs are on average no better than guessing, by loss and by score.

    Better means that the required share of what a constant predictor lacks is made up for. A
    diverged run has the constant predictor's loss and score.
    """
    loss = mean_of([_loss(run, thresholds) for run in runs])
    return _guesses(loss, mean_of([_score(run, thresholds) for run in runs]), thresholds)


def _guesses(loss: float, score: float, thresholds: Thresholds) -> bool:
    return loss > thresholds.loss_ceiling and score < thresholds.score_floor


def _loss(run: RunRow, thresholds: Thresholds) -> float:
    cap = thresholds.initial_cap
    if run.validation_loss is None:
        return cap
    return min(in_study_unit(run.validation_loss, run.constant_loss, cap), cap)


def _score(run: RunRow, thresholds: Thresholds) -> float:
    """Return a run's score; any where scores do not enter, and the floor is infinite."""
    score = thresholds.score_constant if run.validation_score is None else run.validation_score
    return 0.0 if score is None else score
