"""What tuning measures, measured again for every draw of its seeds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from initsweep.core.records import Quantity, QuantityRow, Unit
from initsweep.statistics.grid import Array, Basins, Flags, basins
from initsweep.statistics.resamples import bounds, means_over, student_bounds, tidy
from initsweep.statistics.scheme_summary import Summary
from initsweep.statistics.sensitivity import Basin, lowest_mean, own_best
from initsweep.statistics.thresholds import Thresholds

Side = Literal["no", "high"]


def means_of(summary: Summary, shares: Array) -> Array:
    """Return the mean loss by draw of seeds and evenly spaced rate, shape (draws, rates)."""
    return means_over(shares, summary.grid.losses)


def drawn_basins(summary: Summary, means: Array, best: Array, thresholds: Thresholds) -> Basins:
    """Return a scheme's basin for every draw of tuning seeds.

    Args:
        summary: The scheme.
        means: Its mean loss by draw and rate, refined ones included: shape (draws, rates).
        best: What the basin is around by draw, its own lowest mean or that of all schemes.
        thresholds: The tolerance.
    """
    threshold = np.minimum(best + thresholds.tolerance, thresholds.ceiling)
    return basins(means, summary.curve.rates, threshold)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BestOfAll:
    """The lowest mean losses of any scheme, which regret and global basins are measured against.

    Attributes:
        leader: The scheme with the lowest loss on its evenly spaced rates.
        spaced: That loss for every draw of seeds, shape (draws,).
        anywhere: The lowest at any rate, refined ones included, shape (draws,).
        lowest: The same without redrawing.
    """

    leader: Summary
    spaced: Array
    anywhere: Array
    lowest: float

    @classmethod
    def of(cls, summaries: Sequence[Summary], shares: Array) -> "BestOfAll":
        """Return the lowest of all these schemes."""
        return cls(
            leader=min(summaries, key=lambda s: own_best(s.points).mean_loss),
            spaced=np.min([means_of(s, shares).min(axis=1) for s in summaries], axis=0),
            anywhere=np.min(
                [means_over(shares, s.curve.losses).min(axis=1) for s in summaries], axis=0
            ),
            lowest=min(lowest_mean(s.points) for s in summaries),
        )


class SeedResamples:
    """The quantities of one scheme measured anew for every draw of its tuning seeds."""

    def __init__(
        self, summary: Summary, shares: Array, best: BestOfAll, thresholds: Thresholds
    ) -> None:
        self._summary, self._shares, self._thresholds = summary, shares, thresholds
        self._best = best
        self._leads = summary is best.leader
        self._own_edge, self._edge_of_all = at_edge(summary), at_edge(best.leader)
        self._means = means_of(summary, shares)

    def basins(self) -> list[QuantityRow]:
        """Return the widths of both basins of a trainable scheme, where it has them."""
        if self._summary.untrainable:
            return []
        measured, own = self._summary.sensitivity, lowest_mean(self._summary.points)
        means, best = means_over(self._shares, self._summary.curve.losses), self._best
        found = (
            self._basin("basin_width", measured.basin, means, (own, means.min(axis=1))),
            self._basin(
                "global_basin_width", measured.global_basin, means, (best.lowest, best.anywhere)
            ),
        )
        return [row for row in found if row is not None]

    def _basin(
        self, name: Quantity, basin: Basin | None, means: Array, best: tuple[float, Array]
    ) -> QuantityRow | None:
        if basin is None:
            return None
        thresholds = self._thresholds
        found = drawn_basins(self._summary, means, best[1], thresholds)
        row = self._row(name, "decades", basin.width, found.widths, found.open_ended)
        censored: Side = "no" if basin.censored == "no" else "high"
        return replace(row, censored=censored, against=thresholds.basin_threshold(best[0]))

    def losses(self) -> list[QuantityRow]:
        """Return what is averaged over the shared grid, with what censored optima do to it."""
        measured, grid = self._summary.sensitivity, self._summary.grid
        average = self._means[:, grid.shared].mean(axis=1)
        own = self._means.min(axis=1)
        published = means_over(self._shares, grid.published[grid.shared])
        wortsman = published.mean(axis=1) - published.min(axis=1)
        diverged = grid.diverged[grid.shared].mean(axis=0, keepdims=True)
        lower_best: Side = "high" if self._own_edge else "no"
        return [
            replace(
                self._row("regret", "loss", measured.regret, average - self._best.spaced),
                censored="high" if self._edge_of_all else "no",
            ),
            self._tuned_gap(own - self._best.spaced),
            replace(
                self._row("sensitivity", "loss", measured.sensitivity, average - own),
                censored=lower_best,
            ),
            self._row("wortsman_sensitivity", "loss", measured.wortsman, wortsman),
            self._row(
                "divergence_rate",
                "share",
                measured.divergence_rate,
                means_over(self._shares, diverged)[:, 0],
            ),
        ]

    def _tuned_gap(self, drawn: Array) -> QuantityRow:
        row = self._row("tuned_gap", "loss", self._summary.sensitivity.tuned_gap, drawn)
        if self._leads:
            return row
        if self._own_edge:
            return replace(row, censored="both" if self._edge_of_all else "low")
        return replace(row, censored="high" if self._edge_of_all else "no")

    def _row(
        self,
        name: Quantity,
        unit: Unit,
        estimate: float,
        drawn: Array,
        open_ended: Flags | None = None,
    ) -> QuantityRow:
        seeds = self._summary.grid.seeds
        low = high = None
        if seeds > 1:
            ends = student_bounds(drawn[:, np.newaxis], np.array([estimate]), seeds)
            low, high = (float(end[0]) for end in ends)
            low, high = max(low, 0.0), min(high, 1.0) if unit == "share" else high
            if open_ended is not None:
                upper = np.where(open_ended, np.inf, drawn)
                high = max(high, float(bounds(upper[:, np.newaxis], seeds)[1][0]))
        if low is not None and high is not None:
            low, high = min(tidy(low), estimate), max(tidy(high), estimate)
        return QuantityRow(
            scheme=self._summary.scheme,
            quantity=name,
            unit=unit,
            low=low,
            estimate=estimate,
            high=None if high is None or math.isinf(high) else high,
            censored="no",
            against=None,
            seeds=seeds,
            method="bootstrap" if seeds > 1 else "none",
        )


def at_edge(summary: Summary) -> bool:
    """Return whether the best of the evenly spaced rates is the first or last of them."""
    best = own_best(summary.points).learning_rate
    return best in {float(summary.grid.rates[0]), float(summary.grid.rates[-1])}
