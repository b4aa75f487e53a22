"""The tuning runs of one scheme as arrays, and what they give for any draw of seeds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from initsweep.core.records import RunRow, TrialKind
from initsweep.statistics.failing import failed
from initsweep.statistics.intervals import mean_of
from initsweep.statistics.thresholds import Thresholds

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
    runs: Sequence[RunRow], thresholds: Thresholds, kinds: Sequence[TrialKind] = EVENLY_SPACED
) -> GridRuns:
    """Arrange the tuning runs of one scheme, which `check_evidence` has found complete.

    Args:
        runs: All tuning runs.
        thresholds: The caps.
        kinds: Which of them; by default without refinement.

    Returns:
        Arrays with one row per rate and one column per seed. What was not trained, because a rate
        left a race, is filled in: losses by `filled`, failures by repeating those seen.
    """
    groups = by_rate(runs)
    seeds = max((of_one.keys() for of_one in groups.values()), key=len)
    kept = [key[1] in kinds for key in groups]

    def table(value: Callable[[RunRow], float]) -> Array:
        found = [{seed: value(run) for seed, run in one.items()} for one in groups.values()]
        return filled(found, list(seeds))[kept]

    def flags(value: Callable[[RunRow], bool]) -> Flags:
        seen = [[value(run) for run in one.values()] for one in groups.values()]
        return np.array([np.resize(row, len(seeds)) for row in seen])[kept]

    return GridRuns(
        rates=np.array([rate for rate, _ in groups])[kept],
        shared=np.array([kind == "grid" for _, kind in groups])[kept],
        losses=table(lambda run: run.capped_loss),
        published=table(lambda run: _published(run, thresholds.initial_cap)),
        failed=flags(lambda run: failed(run, thresholds)),
        diverged=flags(lambda run: run.status == "diverged"),
    )


def by_rate(runs: Iterable[RunRow]) -> dict[tuple[float, TrialKind], dict[int, RunRow]]:
    """Return runs by rate and kind, then by seed, all ascending."""
    groups: dict[tuple[float, TrialKind], dict[int, RunRow]] = {}
    for run in sorted(runs, key=lambda run: (run.learning_rate, run.kind, run.seed)):
        groups.setdefault((run.learning_rate, run.kind), {})[run.seed] = run
    return groups


def filled(losses: Sequence[Mapping[int, float]], seeds: Sequence[int]) -> Array:
    """Return losses as a table, with what a rate that left a race would have had on other seeds.

    It is taken to be as far behind the best of the rates with all seeds as on those that it was
    trained on, within 0 and the highest loss seen. A rate without a seed in common with that one
    keeps its own mean.

    Args:
        losses: By rate, then by seed.
        seeds: The columns.

    Returns:
        Shape (rates, seeds).
    """
    whole = [[of_one[seed] for seed in seeds] for of_one in losses if {*seeds} <= {*of_one}]
    lowest = min(whole, key=mean_of)
    best = dict(zip(seeds, lowest, strict=True))
    highest = max(max(of_one.values()) for of_one in losses)

    def row(of_one: Mapping[int, float]) -> list[float]:
        common = [seed for seed in seeds if seed in of_one]
        if not common:
            return [mean_of([*of_one.values()])] * len(seeds)
        behind = mean_of([of_one[seed] - best[seed] for seed in common])
        return [
            of_one[seed] if seed in of_one else min(max(best[seed] + behind, 0.0), highest)
            for seed in seeds
        ]

    return np.array([row(of_one) for of_one in losses], dtype=np.float64)


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
