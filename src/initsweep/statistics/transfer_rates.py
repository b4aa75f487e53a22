"""Where the best rate of a scheme lies at one size, more finely than rates were tried.

The rate with the lowest mean jumps from one tried rate to the next where the response is flat, and
what is to be compared between sizes must not jump. So the best rate is the mean of all rates,
weighted by how little each loses: exp(-(loss - lowest) / margin), with the logarithm of the loss a
straight line between the rates tried. Rates that lose less than the practical margin count almost
alike, those that lose several margins not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from initsweep.core.records import RunRow
from initsweep.statistics.grid import basins, filled
from initsweep.statistics.resamples import means_over, seed_draws
from initsweep.statistics.transfer_results import Ends

Array = NDArray[np.float64]

FLOOR = 0.01
"""Added to a share of the constant predictor's loss before a logarithm is taken: 0 survives."""

PLACES = 201
"""Rates at which a response is read for the weighted mean."""

REACH = 0.1
"""Decades added to how far a basin reaches before a logarithm is taken."""

BETWEEN = 0.1
"""Error of a best rate from what lies between the rates tried, in steps of these; on the response
curves of `benchmarks/pools`, read at shifted grids of half decades, it is 0.07."""

ABOVE = 0.02
"""Of the lowest mean loss at a tried rate from the lowest there is, in logarithms."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SizeRuns:
    """The tuning runs of one scheme at one size, in any order.

    Attributes:
        size: Width, depth, rows of data or steps.
        scheme: The scheme.
        learning_rates: One per run, shape (runs,).
        seeds: Shape (runs,).
        losses: Capped validation losses (`RunRow.capped_loss`), 0 or more, shape (runs,).
        constant_loss: The constant predictor's, the unit of tolerances.
        scales_rates: Whether the scheme puts factors on rates, which may follow the size, as muP's
            do: its exponent says nothing of other schemes'.
    """

    size: float
    scheme: str
    learning_rates: Array
    seeds: NDArray[np.int64]
    losses: Array
    constant_loss: float
    scales_rates: bool = False

    @classmethod
    def of(
        cls,
        size: float,
        scheme: str,
        runs: Sequence[RunRow],
        constant_loss: float,
        *,
        scales_rates: bool = False,
    ) -> "SizeRuns":
        """Return the tuning runs of a study, refined rates included.

        Args:
            size: The size that was studied.
            scheme: The scheme.
            runs: Its tuning runs.
            constant_loss: The constant predictor's, in the unit that runs are compared in.
            scales_rates: Whether the scheme puts factors on rates.
        """
        return cls(
            size=size,
            scheme=scheme,
            learning_rates=np.array([run.learning_rate for run in runs]),
            seeds=np.array([run.seed for run in runs]),
            losses=np.array([run.capped_loss for run in runs]),
            constant_loss=constant_loss,
            scales_rates=scales_rates,
        )


class Measured(NamedTuple):
    """A number with the variance of measuring it."""

    value: float
    variance: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Response:
    """Mean losses by rate, as they are and for redrawn seeds.

    Attributes:
        decades: log10 of the rates, ascending, shape (rates,).
        means: As shares of the constant predictor's loss: first over all seeds, then for every
            draw of them, shape (1 + draws, rates).
        probability: Of each draw, shape (draws,).
        seeds: How many there are.
        margin: Differences below this do not matter, as such a share.
    """

    decades: Array
    means: Array
    probability: Array
    seeds: int
    margin: float

    @classmethod
    def of(cls, runs: SizeRuns, margin: float) -> "Response":
        """Return the response of runs; what a rate that left a race lacks is filled in."""
        rates, place = np.unique(runs.learning_rates, return_inverse=True)
        table: list[dict[int, float]] = [{} for _ in rates]
        for at, seed, loss in zip(place, runs.seeds, runs.losses, strict=True):
            table[at][int(seed)] = float(loss) / runs.constant_loss
        most = max((of_one.keys() for of_one in table), key=len)
        seeds = sorted(most)
        shares, probability = seed_draws(len(seeds))
        shares = np.concatenate([np.full((1, len(seeds)), 1 / len(seeds)), shares])
        return cls(
            decades=np.log10(rates),
            means=means_over(shares, filled(table, seeds)),
            probability=probability,
            seeds=len(seeds),
            margin=margin,
        )

    @property
    def lowest(self) -> Array:
        """The lowest mean loss, shape (1 + draws,)."""
        return np.asarray(self.means.min(axis=1))

    @cached_property
    def best(self) -> Array:
        """The best rate in decades, shape (1 + draws,)."""
        places = np.linspace(self.decades[0], self.decades[-1], PLACES)
        behind = self.losses_at(np.broadcast_to(places, (len(self.means), PLACES)))
        weights = np.exp((behind.min(axis=1, keepdims=True) - behind) / self.margin)
        return np.asarray((weights * places).sum(axis=1) / weights.sum(axis=1))

    def losses_at(self, places: Array, rows: NDArray[np.int64] | None = None) -> Array:
        """Return mean losses between and at the rates tried; the ends stand for what lies beyond.

        Args:
            places: In decades, shape (rows, places).
            rows: Which row of `means` to read in each row of places; all of them by default.
        """
        chosen = np.arange(len(self.means)) if rows is None else rows
        right = np.clip(np.searchsorted(self.decades, places), 1, len(self.decades) - 1)
        left = self.decades[right - 1]
        part = np.clip((places - left) / (self.decades[right] - left), 0.0, 1.0)
        logs = np.log(self.means + FLOOR)[chosen[:, np.newaxis], [right - 1, right]]
        return np.asarray(np.exp(logs[0] * (1 - part) + logs[1] * part) - FLOOR)

    def measured(self, values: Array, further: float = 0.0) -> Measured:
        """Return what redrawn seeds say of a number.

        Args:
            values: The number as it is, then for every draw, shape (1 + draws,).
            further: A standard deviation that redrawing does not show.
        """
        drawn, seeds = values[1:], self.seeds
        spread = self.probability @ (drawn - self.probability @ drawn) ** 2
        return Measured(float(values[0]), float(spread * seeds / max(seeds - 1, 1) + further**2))

    @property
    def step(self) -> float:
        """The widest of the gap that the best rate lies in and its neighbours, in decades."""
        right = int(np.searchsorted(self.decades, self.best[0]))
        return float(np.diff(self.decades)[max(right - 2, 0) : right + 1].max())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Located:
    """What one size says of a scheme.

    Attributes:
        scheme: The scheme.
        size: The size.
        constant: The constant predictor's loss.
        response: What it is read from.
        best: The best rate, in decades.
        below: How far the basin reaches below it: logarithm of the decades plus REACH; None if to
            the lowest rate tried.
        above: The same above.
        basin: Its ends, in decades; those of the rates tried where it reaches them.
        loss: Logarithm of the lowest mean loss plus FLOOR, in shares of the constant predictor's.
        edge: At which end of the rates tried the best one lies, "lowest" or "highest"; else "".
        trains: Whether any rate removes enough of the constant predictor's loss.
        scales_rates: As of the runs.
    """

    scheme: str
    size: float
    constant: float
    response: Response
    best: Measured
    below: Measured | None
    above: Measured | None
    basin: Ends
    loss: Measured
    edge: str
    trains: bool
    scales_rates: bool


def locate(runs: SizeRuns, tolerance: float, margin: float, skill: float) -> Located:
    """Read best rate, basin and lowest loss off the runs of one scheme at one size.

    Args:
        runs: The runs, at two rates at least.
        tolerance: How far above the best a rate may be and belong to the basin.
        margin: Differences below this do not matter.
        skill: Less than this removed is no training; a share of the constant's, as all three.

    Returns:
        All that the law is made from.
    """
    response = Response.of(runs, margin)
    lowest, best = response.lowest, response.best
    # As `Thresholds.basin_threshold`; not below the best, as not every draw of seeds may train.
    threshold = np.maximum(np.minimum(lowest + tolerance, 1 - skill), lowest)
    found = basins(response.means, 10**response.decades, threshold)
    between = BETWEEN * response.step

    def reach(distance: Array, *, open_ended: bool) -> Measured | None:
        decades = np.maximum(distance, 0.0) + REACH
        further = between / float(decades[0])
        return None if open_ended else response.measured(np.log(decades), further)

    return Located(
        scheme=runs.scheme,
        size=runs.size,
        constant=runs.constant_loss,
        response=response,
        best=response.measured(best, between),
        below=reach(best - found.low, open_ended=bool(found.open_below[0])),
        above=reach(found.high - best, open_ended=bool(found.open_above[0])),
        basin=(float(found.low[0]), float(found.high[0])),
        loss=response.measured(np.log(lowest + FLOOR), ABOVE),
        edge=_edge(response),
        trains=bool(lowest[0] <= 1 - skill),
        scales_rates=runs.scales_rates,
    )


def _edge(response: Response) -> str:
    """Return the end of the rates tried that is nearly as good as the best, "" if neither is."""
    means = response.means[0]
    # With less to lose there, much of the weighted mean would lie beyond.
    good = means[[0, -1]] - means.min() < response.margin / 2
    return "lowest" if good[0] else "highest" if good[1] else ""
