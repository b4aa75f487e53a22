"""Up to which rate training is stable, and how far that differs between seeds."""

import math
from dataclasses import replace

import numpy as np

from initsweep.core.records import Quantity, QuantityRow, Unit
from initsweep.statistics.grid import last_stable
from initsweep.statistics.scheme_summary import Summary
from initsweep.statistics.sensitivity import own_best


def stability_rows(summary: Summary) -> list[QuantityRow]:
    """Return up to which rate training is stable, from the first seed to fail to the last.

    No confidence intervals: resampling seeds cannot make one fail earlier than all did. A further
    seed would fail below this range once in (seeds + 1) times.
    """
    measured, grid = summary.sensitivity, summary.grid
    stable = measured.largest_stable_rate
    if summary.untrainable:
        return []
    best = int(np.flatnonzero(grid.rates == own_best(summary.points).learning_rate)[0])
    beyond = last_stable(grid.failed, best) + 1
    first_fail = [
        float(grid.rates[index]) if index < len(grid.rates) else math.inf for index in beyond
    ]
    rows = []
    if stable is not None:
        ends = grid.rates[np.maximum(beyond - 1, 0)]
        last = None if math.isinf(max(first_fail)) else float(ends.max())
        row = _ranged(summary, "largest_stable_rate", "learning rate", stable, last)
        rows.append(replace(row, censored="high" if math.isinf(min(first_fail)) else "no"))
    if measured.first_unstable_rate is not None:
        rate, last_fail = measured.first_unstable_rate, max(first_fail)
        high = None if math.isinf(last_fail) else last_fail
        rows.append(_ranged(summary, "first_unstable_rate", "learning rate", rate, high))
    edge = measured.first_unstable_rate or float(grid.rates[-1])
    margins = [math.log10(rate / summary.learning_rate) for rate in (edge, max(first_fail))]
    row = _ranged(
        summary, "safety_margin", "decades", margins[0],
        None if math.isinf(margins[1]) else margins[1],
    )  # fmt: skip
    never = measured.first_unstable_rate is None
    return [*rows, replace(row, censored="high" if never else "no")]


def _ranged(
    summary: Summary, name: Quantity, unit: Unit, estimate: float, high: float | None
) -> QuantityRow:
    seeds = summary.grid.seeds
    return QuantityRow(
        scheme=summary.scheme, quantity=name, unit=unit, low=estimate if seeds > 1 else None,
        estimate=estimate, high=high if seeds > 1 else None, censored="no", against=None,
        seeds=seeds, method="range" if seeds > 1 else "none",
    )  # fmt: skip
