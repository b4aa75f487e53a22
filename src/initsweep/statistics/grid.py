"""The evenly spaced rates of one scheme as arrays, and what they give for any draw of seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from initsweep.records import RunRow
from initsweep.statistics.yardstick import Yardstick

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GridRuns:
    """The tuning runs of one scheme on the grid and its extensions, without refinement.

    Attributes:
        rates: Ascending, shape (rates,).
        shared: Which of them all schemes share, shape (rates,).
        losses: Capped validation losses, shape (rates, seeds), seeds ascending.
        published: The same, capped at each run's own loss at initialization.
        failed: Which runs diverged or removed too little of the constant loss.
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


def grid_runs(runs: Sequence[RunRow], yardstick: Yardstick) -> GridRuns:
    """Arrange the tuning runs of one scheme, which `check_evidence` has found complete.

    Returns:
        Arrays with one row per rate and one column per seed.
    """
    spaced = sorted(
        (run for run in runs if run.kind in {"grid", "extension"}),
        key=lambda run: (run.learning_rate, run.seed),
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
        failed=diverged | (losses > yardstick.ceiling),
        diverged=diverged,
    )


def _published(run: RunRow, constant: float) -> float:
    cap = constant if run.initial_loss is None else run.initial_loss
    loss = cap if run.validation_loss is None else min(run.validation_loss, cap)
    return cap if run.status == "diverged" else loss


def basin_widths(means: Array, rates: Array, threshold: Array) -> tuple[Array, Flags]:
    """Return the width of the basin around the best rate, for every draw of seeds.

    Args:
        means: Mean loss by draw and rate, shape (draws, rates).
        rates: Ascending, shape (rates,).
        threshold: The highest mean loss within the basin, shape (draws,).

    Returns:
        Widths in decades, 0 without a basin, and whether the basin reaches an end of the rates;
        both of shape (draws,).
    """
    best = means.argmin(axis=1)
    below = means <= threshold[:, np.newaxis]
    index = np.arange(len(rates))
    blocked_above = ~below & (index > best[:, np.newaxis])
    blocked_below = ~below & (index < best[:, np.newaxis])
    last = np.where(blocked_above.any(axis=1), blocked_above.argmax(axis=1) - 1, len(rates) - 1)
    first = len(rates) - blocked_below[:, ::-1].argmax(axis=1)
    first = np.where(blocked_below.any(axis=1), first, 0)
    exists = below[np.arange(len(means)), best]
    decades = np.log10(rates)
    widths = np.where(exists, decades[last] - decades[first], 0.0)
    return widths, exists & ((first == 0) | (last == len(rates) - 1))


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
