"""One scheme in numbers: the fresh runs at its chosen rate and its learning-rate response."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from initsweep.records import Interval, Outcome, SchemeRow
from initsweep.statistics.comparison import Losses
from initsweep.statistics.evidence import Evidence
from initsweep.statistics.grid import GridRuns, grid_runs
from initsweep.statistics.intervals import mean_interval, mean_of
from initsweep.statistics.sensitivity import (
    Point,
    Sensitivity,
    evenly_spaced,
    failed,
    measure,
    own_best,
    points_of,
)
from initsweep.statistics.wording import decades
from initsweep.statistics.yardstick import Yardstick


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Summary:
    """Everything the decision reads about one scheme.

    Attributes:
        untrainable: Why the scheme counts as untrainable, or None if it is trainable.
        validation: Capped validation losses of the fresh runs, shape (seeds,), by seed.
        test: Capped test losses of the same runs; empty for a re-tuning, which has none.
        scores: Test scores of the same runs; None if a diverged run has none, because the mean
            over the surviving runs would flatter the scheme.
        failed_runs: Fresh runs that diverged or removed too little of the constant loss.
    """

    scheme: str
    learning_rate: float
    evidence: Evidence
    points: list[Point]
    grid: GridRuns
    sensitivity: Sensitivity
    untrainable: str | None
    validation: Losses
    test: Losses
    scores: Losses | None
    failed_runs: int

    @property
    def mean_validation(self) -> float:
        """Mean capped validation loss over the fresh runs."""
        return mean_of(self.validation)

    @property
    def basin_width(self) -> float:
        """Width of the scheme's own basin in decades; 0 without one."""
        basin = self.sensitivity.basin
        return 0.0 if basin is None else basin.width

    @property
    def basin_decades(self) -> str:
        """That width in words, with "at least" if the basin reaches the end of the rates tried."""
        basin = self.sensitivity.basin
        return decades(self.basin_width, at_least=basin is not None and basin.censored != "no")


def summarize(evidence: Sequence[Evidence], yardstick: Yardstick) -> list[Summary]:
    """Measure every scheme, each against the best of all.

    Returns:
        One summary per scheme, in the order given.
    """
    points = [points_of(one.tuning, yardstick) for one in evidence]
    best_of_all = min(own_best(of_one).mean_loss for of_one in points)
    return [
        _summary(one, of_one, best_of_all, yardstick)
        for one, of_one in zip(evidence, points, strict=True)
    ]


def _summary(
    one: Evidence, points: list[Point], best_of_all: float, yardstick: Yardstick
) -> Summary:
    runs = sorted(one.confirm, key=lambda run: run.seed)
    # `check_evidence` has made sure that every fresh run has one, except those of re-tunings.
    test = [run.capped_test_loss for run in runs if run.capped_test_loss is not None]
    scores = [run.test_score for run in runs if run.test_score is not None]
    chosen = one.selection.learning_rate
    validation = np.array([run.capped_loss for run in runs])
    return Summary(
        scheme=one.scheme,
        learning_rate=chosen,
        evidence=one,
        points=points,
        grid=grid_runs(one.tuning, yardstick),
        sensitivity=measure(points, one.tuning, chosen, best_of_all, yardstick),
        untrainable=why_untrainable(points, validation, yardstick),
        validation=validation,
        test=np.array(test),
        scores=np.array(scores) if len(scores) == len(runs) else None,
        failed_runs=sum(failed(run, yardstick) for run in runs),
    )


def why_untrainable(
    points: Sequence[Point], validation: Losses, yardstick: Yardstick
) -> str | None:
    """Say why a scheme counts as untrainable, or return None if it is trainable.

    This is about loss, not about score. A scheme must remove the required share of the constant
    predictor's loss twice: at some rate of
    the grid, averaged over the tuning seeds, and at its chosen rate, averaged over fresh seeds.

    Returns:
        The rest of the sentence "it reached such a loss ...", or None.
    """
    if all(point.mean_loss > yardstick.ceiling for point in evenly_spaced(points)):
        if all(point.mean_loss > yardstick.ceiling for point in points):
            return "at no learning rate tried"
        return "only between the rates of the grid"
    if mean_of(validation) > yardstick.ceiling:
        return "during tuning, but not on fresh seeds"
    return None


def scheme_row(
    summary: Summary, yardstick: Yardstick, *, outcome: Outcome, in_tie_set: bool, pareto: bool
) -> SchemeRow:
    """Return a scheme's line of the verdict table.

    `failed_runs` and `runs` count the fresh runs at the chosen rate; `divergence_rate` is the
    share of the tuning runs on the shared grid that diverged.
    """
    measured = summary.sensitivity
    trainable = summary.untrainable is None
    basin = measured.basin if trainable else None
    wide = measured.global_basin if trainable else None
    validation = mean_interval(summary.validation, (0.0, yardstick.cap("validation")))
    test = mean_interval(summary.test, (0.0, yardstick.cap("test")))
    score = None if summary.scores is None else mean_interval(summary.scores, yardstick.scores)
    return SchemeRow(
        scheme=summary.scheme,
        outcome=outcome,
        trainable=trainable,
        in_tie_set=in_tie_set,
        pareto=pareto,
        learning_rate=summary.learning_rate,
        validation_loss=validation.estimate,
        validation_low=validation.low,
        validation_high=validation.high,
        test_loss=test.estimate,
        test_low=test.low,
        test_high=test.high,
        test_score=_estimate(score),
        test_score_low=None if score is None else score.low,
        test_score_high=None if score is None else score.high,
        failed_runs=summary.failed_runs,
        runs=len(summary.validation),
        basin_width=None if basin is None else basin.width,
        basin_low=None if basin is None else basin.low,
        basin_high=None if basin is None else basin.high,
        basin_censored="no" if basin is None else basin.censored,
        global_basin_width=None if wide is None else wide.width,
        largest_stable_rate=measured.largest_stable_rate if trainable else None,
        first_unstable_rate=measured.first_unstable_rate if trainable else None,
        safety_margin=measured.safety_margin if trainable else None,
        regret=measured.regret,
        tuned_gap=measured.tuned_gap,
        sensitivity=measured.sensitivity,
        wortsman_sensitivity=measured.wortsman,
        divergence_rate=measured.divergence_rate,
    )


def _estimate(interval: Interval | None) -> float | None:
    return None if interval is None else interval.estimate
