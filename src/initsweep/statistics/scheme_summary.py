"""One scheme in numbers: the fresh runs at its chosen rate and its learning-rate response."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from initsweep.core.records import RunRow
from initsweep.statistics.comparison import Losses, Runs
from initsweep.statistics.evidence import Evidence
from initsweep.statistics.failing import failed, guesses, overconfident
from initsweep.statistics.grid import ALL_TUNING, GridRuns, grid_runs
from initsweep.statistics.intervals import mean_of
from initsweep.statistics.over_rows import explained_rows, row_means
from initsweep.statistics.sensitivity import (
    Censoring,
    Point,
    Sensitivity,
    evenly_spaced,
    lowest_mean,
    measure,
    own_best,
    points_of,
)
from initsweep.statistics.thresholds import Thresholds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Summary:
    """Everything the decision reads about one scheme.

    Attributes:
        grid: The tuning runs on evenly spaced rates.
        curve: All of them, refinement included.
        untrainable: Why the scheme counts as untrainable, or None if it is trainable.
        validation: Capped validation losses of the fresh runs, shape (seeds,), by seed.
        test: Capped test losses of the same runs; empty for a re-tuning, which has none.
        test_rows: Mean loss of each test row over the runs below the cap, shape (rows,); None where
            runs are compared by score, which is no mean over rows.
        score_rows: What each test row adds to the mean score, about zero, shape (rows,); None where
            that is not known.
        scores: Test scores of the same runs; None if a diverged run has none, because the mean
            over the surviving runs would flatter the scheme.
        failed: Which fresh runs failed, shape (seeds,).
        overconfident_runs: Fresh runs that learned by score and not by loss.
    """

    scheme: str
    learning_rate: float
    evidence: Evidence
    points: list[Point]
    grid: GridRuns
    curve: GridRuns
    sensitivity: Sensitivity
    untrainable: str | None
    validation: Losses
    test: Losses
    test_rows: Losses | None
    score_rows: Losses | None
    scores: Losses | None
    failed: NDArray[np.bool_]
    overconfident_runs: int

    @property
    def failed_runs(self) -> int:
        """How many fresh runs failed."""
        return int(self.failed.sum())

    @property
    def fresh(self) -> Runs:
        """The fresh runs as they are compared on validation."""
        return Runs(losses=self.validation, failed=self.failed)

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
    def basin_censored(self) -> Censoring:
        """At which end of the rates tried the basin may go on."""
        basin = self.sensitivity.basin
        return "no" if basin is None else basin.censored


def summarize(evidence: Sequence[Evidence], thresholds: Thresholds) -> list[Summary]:
    """Measure every scheme, each against the best of all.

    Returns:
        One summary per scheme, in the order given.
    """
    points = [points_of(one.tuning, thresholds) for one in evidence]
    best = min(own_best(of_one).mean_loss for of_one in points), min(map(lowest_mean, points))
    return [
        _summary(one, of_one, best, thresholds)
        for one, of_one in zip(evidence, points, strict=True)
    ]


def _summary(
    one: Evidence, points: list[Point], best_of_all: tuple[float, float], thresholds: Thresholds
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
        grid=grid_runs(one.tuning, thresholds),
        curve=grid_runs(one.tuning, thresholds, ALL_TUNING),
        sensitivity=measure(points, one.tuning, chosen, *best_of_all, thresholds),
        untrainable=why_untrainable(points, runs, thresholds),
        validation=validation,
        test=np.array(test),
        test_rows=row_means(one.test_rows, thresholds.cap("test")),
        score_rows=explained_rows(one.test_rows, one.test_targets, mean_of(scores or [0.0])),
        scores=np.array(scores) if len(scores) == len(runs) else None,
        failed=np.array([failed(run, thresholds) for run in runs]),
        overconfident_runs=sum(overconfident(run, thresholds) for run in runs),
    )


def why_untrainable(
    points: Sequence[Point], fresh: Sequence[RunRow], thresholds: Thresholds
) -> str | None:
    """Say why a scheme counts as untrainable, or return None if it is trainable.

    A scheme must be better than guessing, by loss or by score, twice: at some rate of the grid,
    averaged over the tuning seeds, and at its chosen rate, averaged over fresh seeds.

    Returns:
        The rest of the sentence "it was better than guessing ...", or None.
    """
    if all(point.guesses for point in evenly_spaced(points)):
        if all(point.guesses for point in points):
            return "at no learning rate tried"
        return "only between the rates of the grid"
    if guesses(fresh, thresholds):
        return "during tuning, but not on fresh seeds"
    return None
