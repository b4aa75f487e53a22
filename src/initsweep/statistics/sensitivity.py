"""How much a scheme depends on getting the learning rate right.

Averages are over the evenly spaced rates that were run for their own sake: the grid that all
schemes share, and its extensions. Rates found by refinement crowd around the best one and would
flatter the scheme. Basins are measured on all rates, because a better rate between those of the
grid is where people will be.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from initsweep.core.records import RunRow, TrialKind, rounded
from initsweep.statistics.failing import failed, guesses
from initsweep.statistics.grid import ALL_TUNING, basins, by_rate, grid_runs
from initsweep.statistics.intervals import mean_of
from initsweep.statistics.thresholds import Thresholds

Censoring = Literal["no", "low", "high", "both"]

SHOWN = 6
"""Digits of an interpolated rate; those beyond depend on how a machine takes logarithms."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Point:
    """One learning rate of one scheme; `guesses` where its runs are on average no better.

    `losses` are those of its own runs, `mean_loss` is over all seeds (`grid.filled`).
    """

    learning_rate: float
    kind: TrialKind
    losses: NDArray[np.float64]
    mean_loss: float
    guesses: bool
    failure_rate: float
    divergence_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Basin:
    """Contiguous rates around the best one, their mean loss within a tolerance of its."""

    low: float
    high: float
    censored: Censoring

    @property
    def width(self) -> float:
        """The width in decades."""
        return math.log10(self.high / self.low)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """The learning-rate response of one scheme in a few numbers; None means not defined."""

    basin: Basin | None
    global_basin: Basin | None
    largest_stable_rate: float | None
    first_unstable_rate: float | None
    safety_margin: float | None
    regret: float
    tuned_gap: float
    sensitivity: float
    wortsman: float
    divergence_rate: float


def points_of(runs: Sequence[RunRow], thresholds: Thresholds) -> list[Point]:
    """Group the tuning runs of one scheme by learning rate.

    Returns:
        One point per rate and kind, rates ascending.
    """
    groups = by_rate(runs)
    means = map(mean_of, grid_runs(runs, thresholds, ALL_TUNING).losses)
    return [
        _point(*key, list(groups[key].values()), mean, thresholds)
        for key, mean in zip(groups, means, strict=True)
    ]


def _point(
    rate: float, kind: TrialKind, runs: list[RunRow], mean: float, thresholds: Thresholds
) -> Point:
    return Point(
        learning_rate=rate,
        kind=kind,
        losses=np.array([run.capped_loss for run in runs]),
        mean_loss=mean,
        guesses=guesses(runs, thresholds),
        failure_rate=sum(failed(run, thresholds) for run in runs) / len(runs),
        divergence_rate=sum(run.status == "diverged" for run in runs) / len(runs),
    )


def evenly_spaced(points: Iterable[Point]) -> list[Point]:
    """Return the points of the grid and its extensions, without refinement."""
    return [point for point in points if point.kind in {"grid", "extension"}]


def own_best(points: Iterable[Point]) -> Point:
    """Return the evenly spaced point with the lowest mean loss; the lower rate if tied."""
    return min(evenly_spaced(points), key=lambda point: (point.mean_loss, point.learning_rate))


def lowest_mean(points: Iterable[Point]) -> float:
    """Return the lowest mean loss at any rate, refined ones included: what basins are around."""
    return min(point.mean_loss for point in points)


def measure(
    points: Sequence[Point], runs: Sequence[RunRow], chosen: float, best_of_all: float,
    lowest_of_all: float, thresholds: Thresholds,
) -> Sensitivity:  # fmt: skip
    """Measure one scheme's sensitivity.

    Regret is what a rate drawn from the shared grid costs against the best of all schemes. It
    is the sum of the tuned gap, paid even with the best rate, and the sensitivity, paid for not
    knowing that rate.

    Args:
        points: All points of the scheme, ascending.
        runs: The tuning runs behind them.
        chosen: The learning rate that was selected for the scheme.
        best_of_all: The lowest mean loss of any scheme on its evenly spaced rates.
        lowest_of_all: The lowest mean loss of any scheme at any rate.
        thresholds: The ceiling of a run that has not failed, and the basin tolerance.

    Returns:
        Losses in the unit of the loss, widths and margins in decades.

    Source: Wortsman, M. et al. (2023), arXiv:2309.14322, section 2.2, with the cap at the
    constant predictor's loss in place of each scheme's own loss at initialization.
    """
    best = own_best(points)
    shared = [point for point in points if point.kind == "grid"]
    average = float(np.mean([point.mean_loss for point in shared]))
    stable, unstable = _stability(points, best)
    return Sensitivity(
        basin=basin_around(points, thresholds.basin_threshold(lowest_mean(points))),
        global_basin=basin_around(points, thresholds.basin_threshold(lowest_of_all)),
        largest_stable_rate=stable,
        first_unstable_rate=unstable,
        safety_margin=None if unstable is None else math.log10(unstable / chosen),
        regret=average - best_of_all,
        tuned_gap=best.mean_loss - best_of_all,
        sensitivity=average - best.mean_loss,
        wortsman=wortsman_sensitivity(runs, thresholds),
        divergence_rate=float(np.mean([point.divergence_rate for point in shared])),
    )


def basin_around(points: Sequence[Point], threshold: float) -> Basin | None:
    """Return the contiguous rates around the best one whose mean loss is at most `threshold`.

    Refined rates count, and the ends are interpolated (`grid.basins`).

    Returns:
        None if the best rate itself is above the threshold. `censored` names the ends at which the
        basin reaches the last evaluated rate, so that it may go on beyond.
    """
    found = basins(
        np.array([[point.mean_loss for point in points]]),
        np.array([point.learning_rate for point in points]),
        np.array([threshold]),
    )
    if np.isnan(found.low[0]):
        return None
    names: dict[tuple[bool, bool], Censoring] = {
        (False, False): "no", (True, False): "low", (False, True): "high", (True, True): "both",
    }  # fmt: skip
    return Basin(
        low=rounded(10 ** float(found.low[0]), SHOWN),
        high=rounded(10 ** float(found.high[0]), SHOWN),
        censored=names[bool(found.open_below[0]), bool(found.open_above[0])],
    )


def _stability(points: Iterable[Point], best: Point) -> tuple[float | None, float | None]:
    """Return the last rate without a failed run going up from `best`, and the first with one."""
    grid = evenly_spaced(points)
    upwards = grid[grid.index(best) :]
    stable = list(takewhile(lambda point: point.failure_rate == 0, upwards))
    unstable = upwards[len(stable)].learning_rate if len(stable) < len(upwards) else None
    return stable[-1].learning_rate if stable else None, unstable


def wortsman_sensitivity(runs: Sequence[RunRow], thresholds: Thresholds) -> float:
    """Return the learning-rate sensitivity as published, for comparison with other work.

    It is the mean over the shared grid of min(loss, loss at initialization), minus its minimum.
    Blind spot: a scheme that never trains stays at its initial loss everywhere and scores 0,
    "perfectly robust"; and a scheme that starts with a huge loss is charged that loss wherever
    it diverges. Rank by `Sensitivity.regret` instead.

    Args:
        runs: All tuning runs of the scheme.
        thresholds: What stands in for a loss at initialization that is not finite, in the unit of
            the loss, also where runs are compared by score.

    Returns:
        A loss, zero or positive.

    Source: Wortsman, M. et al. (2023), arXiv:2309.14322, section 2.2.
    """
    grid = grid_runs(runs, thresholds)
    means = [mean_of(losses) for losses in grid.published[grid.shared]]
    return mean_of(means) - min(means)
