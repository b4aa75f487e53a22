"""The tuning runs of one scheme as arrays, and what they give for any draw of seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from initsweep.records import RunRow, TrialKind
from initsweep.statistics.failing import failed
from initsweep.statistics.yardstick import Yardstick

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

EVENLY_SPACED: tuple[TrialKind, ...] = ("grid", "extension")
ALL_TUNING: tuple[TrialKind, ...] = (*EVENLY_SPACED, "refinement")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GridRuns:
    """The tuning runs of one scheme.

    Attributes:
        rates: Ascending, shape (rates,).
        shared: Which of them all schemes share, shape (rates,).
        losses: Capped validation losses, shape (rates, seeds), seeds ascending.
        published: The same, capped at each run's own loss at initialization.
        failed: Which runs failed.
        diverged: Which runs diverged.
    """

    rates: Array
    shared: Flags
    losses: Array
    published: Array
    failed: Flags
    diverged: Flags

    @property
    def seeds(self) -> int:
        """The number of tuning seeds."""
        return int(self.losses.shape[1])


def grid_runs(
    runs: Sequence[RunRow], yardstick: Yardstick, kinds: Sequence[TrialKind] = EVENLY_SPACED
) -> GridRuns:
    """Arrange the tuning runs of one scheme, which `check_evidence` has found complete.

    Args:
        runs: All tuning runs.
        yardstick: The caps.
        kinds: Which of them; by default without refinement.

    Returns:
        Arrays with one row per rate and one column per seed.
    """
    spaced = sorted(
        (run for run in runs if run.kind in kinds),
        key=lambda run: (run.learning_rate, run.kind, run.seed),
    )
    shape = (-1, len({run.seed for run in spaced}))

    def table(values: list[float]) -> Array:
        return np.array(values, dtype=np.float64).reshape(shape)

    losses = table([run.capped_loss for run in spaced])
    diverged = table([run.status == "diverged" for run in spaced]) > 0
    return GridRuns(
        rates=table([run.learning_rate for run in spaced])[:, 0],
        shared=table([run.kind == "grid" for run in spaced])[:, 0] > 0,
        losses=losses,
        published=table([_published(run, yardstick.initial_cap) for run in spaced]),
        failed=table([failed(run, yardstick) for run in spaced]) > 0,
        diverged=diverged,
    )


def _published(run: RunRow, constant: float) -> float:
    cap = constant if run.initial_loss is None else run.initial_loss
    loss = cap if run.validation_loss is None else min(run.validation_loss, cap)
    return cap if run.status == "diverged" else loss


class Basins(NamedTuple):
    """Where basins begin and end, one per draw of seeds, in decades; shape (draws,) each.

    Attributes:
        low: The lower end; NaN without a basin.
        high: The upper end.
        open_below: Whether it reaches the lowest rate tried, so that it may go on beyond.
        open_above: Whether it reaches the highest.
    """

    low: Array
    high: Array
    open_below: Flags
    open_above: Flags

    @property
    def widths(self) -> Array:
        """In decades; 0 without a basin."""
        return np.nan_to_num(self.high - self.low)

    @property
    def open_ended(self) -> Flags:
        """Whether the true basin may be wider than measured."""
        return self.open_below | self.open_above


def basins(means: Array, rates: Array, threshold: Array) -> Basins:
    """Return the basin around the best rate, for every draw of seeds.

    It ends where the straight line, in the logarithm of the rate, from its last rate to the next
    one crosses the threshold: widths do not move in steps of the grid.

    Args:
        means: Mean loss by draw and rate, shape (draws, rates).
        rates: Ascending, shape (rates,).
        threshold: The highest mean loss within the basin, shape (draws,).
    """
    best = means.argmin(axis=1)
    decades = np.log10(rates)
    high, last = _crossing(means, decades, threshold, best)
    low, first = _crossing(means[:, ::-1], decades[::-1], threshold, len(rates) - 1 - best)
    exists = means[np.arange(len(means)), best] <= threshold
    return Basins(
        low=np.where(exists, low, np.nan),
        high=np.where(exists, high, np.nan),
        open_below=exists & (first == len(rates) - 1),
        open_above=exists & (last == len(rates) - 1),
    )


def _crossing(
    means: Array, decades: Array, threshold: Array, best: NDArray[np.int64]
) -> tuple[Array, NDArray[np.int64]]:
    """Return where the mean loss first exceeds the threshold beyond the best rate.

    Returns:
        The place in decades, and the index of the last rate below the threshold, shape (draws,).
    """
    draws, index = np.arange(len(means)), np.arange(len(decades))
    above = (means > threshold[:, np.newaxis]) & (index > best[:, np.newaxis])
    last = np.where(above.any(axis=1), above.argmax(axis=1) - 1, len(decades) - 1)
    following = np.minimum(last + 1, len(decades) - 1)
    left, right = means[draws, last], means[draws, following]
    rise = np.where(right > left, right - left, 1.0)
    part = np.where(right > left, np.clip((threshold - left) / rise, 0.0, 1.0), 0.0)
    return decades[last] + part * (decades[following] - decades[last]), last


def last_stable(failed: Flags, best: int) -> NDArray[np.int64]:
    """Return how far up from the best rate every seed goes without a failed run.

    Args:
        failed: Shape (rates, seeds).
        best: Index of the best rate.

    Returns:
        The index of the last such rate by seed, shape (seeds,); best - 1 if it fails at once.
    """
    upwards = failed[best:]
    steps = np.where(upwards.any(axis=0), upwards.argmax(axis=0), len(upwards))
    return best + steps - 1
