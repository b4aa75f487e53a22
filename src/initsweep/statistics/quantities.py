"""Every number about a scheme with its uncertainty over seeds, as one long table."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from initsweep.core.records import DivergenceRow, Quantity, QuantityRow, ResponseRow, Unit
from initsweep.statistics.grid import Array, last_stable
from initsweep.statistics.intervals import mean_interval
from initsweep.statistics.learning import areas, epochs_to, loss_curves, median_interval, median_of
from initsweep.statistics.proportions import share_interval, superiority_interval
from initsweep.statistics.resamples import seed_draws
from initsweep.statistics.scheme_summary import Summary
from initsweep.statistics.seed_resamples import BestOfAll, SeedResamples
from initsweep.statistics.selection import Choice
from initsweep.statistics.sensitivity import Basin, Point, own_best
from initsweep.statistics.thresholds import Thresholds


def response_rows(
    scheme: str, points: Iterable[Point], basin: Basin | None, threshold: float, cap: float
) -> list[ResponseRow]:
    """List the response of one scheme, refinement included.

    A rate is marked as in the basin if it lies between the basin's ends and its mean loss is at
    most the threshold. The interval is that of its own runs, moved with the mean.

    Returns:
        One row per point, in the order given.
    """
    rows = []
    for point in points:
        own = mean_interval(point.losses, (0.0, cap))
        moved = point.mean_loss - own.estimate
        inside = basin is not None and basin.low <= point.learning_rate <= basin.high
        rows.append(
            ResponseRow(
                scheme=scheme,
                learning_rate=point.learning_rate,
                kind=point.kind,
                low=min(point.mean_loss, max(own.low + moved, 0.0)),
                mean_loss=point.mean_loss,
                high=max(point.mean_loss, min(own.high + moved, cap)),
                best_loss=float(point.losses.min()),
                worst_loss=float(point.losses.max()),
                failure_rate=point.failure_rate,
                divergence_rate=point.divergence_rate,
                in_basin=inside and point.mean_loss <= threshold,
                seeds=len(point.losses),
            )
        )
    return rows


def divergence_rows(scheme: str, points: Sequence[Point]) -> list[DivergenceRow]:
    """Return how often each rate of one scheme diverged on the tuning seeds, rates ascending."""
    rows = []
    for point in points:
        runs = len(point.losses)
        diverged = round(point.divergence_rate * runs)
        low, high = share_interval(diverged, runs)
        rows.append(
            DivergenceRow(
                scheme=scheme,
                learning_rate=point.learning_rate,
                kind=point.kind,
                runs=runs,
                diverged=diverged,
                low=low,
                divergence_rate=point.divergence_rate,
                high=high,
            )
        )
    return rows


def quantity_rows(
    summaries: Sequence[Summary], choice: Choice, thresholds: Thresholds
) -> list[QuantityRow]:
    """Return every quantity of every scheme with its interval, schemes in the order given.

    What is measured on the tuning seeds is measured again for every draw of those seeds, the same
    draw for all schemes, because regret is against the best of all.
    """
    shares, _ = seed_draws(summaries[0].grid.seeds)
    best = BestOfAll.of(summaries, shares)
    target = target_loss(summaries, choice, thresholds)
    epochs = max((row.epoch for s in summaries for row in s.evidence.curves), default=0)
    rows: list[QuantityRow] = []
    for summary in summaries:
        drawn = SeedResamples(summary, shares, best, thresholds)
        rows += drawn.basins() + stability_rows(summary) + drawn.losses()
        rows += _learning(summary, epochs, target, thresholds)
        rows += _superiority(summary, choice)
    return rows


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


def target_loss(
    summaries: Sequence[Summary], choice: Choice, thresholds: Thresholds
) -> float | None:
    """Return the loss that `time_to_target` counts epochs to; None if no scheme is trainable.

    It is the mean validation loss of the best scheme's fresh runs plus the basin tolerance, so a
    scheme reaches it once it is as good as a rate within the best one's basin.
    """
    best = next((s for s in summaries if s.scheme == choice.best), None)
    return None if best is None else thresholds.basin_threshold(best.mean_validation)


def _learning(
    summary: Summary, epochs: int, target: float | None, thresholds: Thresholds
) -> list[QuantityRow]:
    """Return epochs to the target and area under the curve of the fresh runs."""
    seeds = [run.seed for run in summary.evidence.confirm]
    cap = thresholds.validation_constant
    losses = loss_curves(summary.evidence.curves, sorted(seeds), epochs, cap)
    area = mean_interval(areas(losses), (0.0, cap))
    many = len(seeds) > 1
    rows = [
        QuantityRow(
            scheme=summary.scheme, quantity="area_under_curve", unit="loss",
            low=area.low if many else None, estimate=area.estimate,
            high=area.high if many else None, censored="no", against=None, seeds=len(seeds),
            method="mean" if many else "none",
        )
    ]  # fmt: skip
    if target is not None:
        rows.insert(0, _time_to_target(summary.scheme, losses, target))
    return rows


def _time_to_target(scheme: str, losses: Array, target: float) -> QuantityRow:
    needed, epochs = epochs_to(losses, target), losses.shape[1] - 1
    median, many = median_of(needed), len(needed) > 1
    low, high = median_interval(needed)
    return QuantityRow(
        scheme=scheme,
        quantity="time_to_target",
        unit="epochs",
        low=min(low, float(epochs)) if many else None,
        estimate=min(median, float(epochs)),
        high=None if not many or math.isinf(high) else high,
        censored="high" if math.isinf(median) else "no",
        against=target,
        seeds=len(needed),
        method="order statistics" if many else "none",
    )


def _superiority(summary: Summary, choice: Choice) -> list[QuantityRow]:
    names: dict[str, Quantity] = {
        "validation": "probability_better_validation", "test": "probability_better_test",
    }  # fmt: skip
    rows = []
    for pair in choice.pairs:
        if pair.scheme == summary.scheme:
            low, high = superiority_interval(pair.probability_better, pair.seeds, pair.seeds)
            rows.append(
                QuantityRow(
                    scheme=pair.scheme, quantity=names[pair.family], unit="probability", low=low,
                    estimate=pair.probability_better, high=high, censored="no", against=None,
                    seeds=pair.seeds, method="score",
                )
            )  # fmt: skip
    return rows
