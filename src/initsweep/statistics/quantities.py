"""Every number about a scheme with its uncertainty over seeds, as one long table."""

import math
from collections.abc import Sequence

from initsweep.core.records import DivergenceRow, Quantity, QuantityRow
from initsweep.statistics.grid import Array
from initsweep.statistics.intervals import mean_interval
from initsweep.statistics.learning import areas, epochs_to, loss_curves, median_interval, median_of
from initsweep.statistics.proportions import share_interval, superiority_interval
from initsweep.statistics.resamples import seed_draws
from initsweep.statistics.scheme_summary import Summary
from initsweep.statistics.seed_resamples import BestOfAll, Drawn
from initsweep.statistics.selection import Choice
from initsweep.statistics.sensitivity import Point
from initsweep.statistics.stability import stability_rows
from initsweep.statistics.thresholds import Yardstick


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
    summaries: Sequence[Summary], choice: Choice, yardstick: Yardstick
) -> list[QuantityRow]:
    """Return every quantity of every scheme with its interval, schemes in the order given.

    What is measured on the tuning seeds is measured again for every draw of those seeds, the same
    draw for all schemes, because regret is against the best of all.
    """
    shares, _ = seed_draws(summaries[0].grid.seeds)
    best = BestOfAll.of(summaries, shares)
    target = target_loss(summaries, choice, yardstick)
    epochs = max((row.epoch for s in summaries for row in s.evidence.curves), default=0)
    rows: list[QuantityRow] = []
    for summary in summaries:
        drawn = Drawn(summary, shares, best, yardstick)
        rows += drawn.basins() + stability_rows(summary) + drawn.losses()
        rows += _learning(summary, epochs, target, yardstick)
        rows += _superiority(summary, choice)
    return rows


def target_loss(summaries: Sequence[Summary], choice: Choice, yardstick: Yardstick) -> float | None:
    """Return the loss that `time_to_target` counts epochs to; None if no scheme is trainable.

    It is the mean validation loss of the best scheme's fresh runs plus the basin tolerance, so a
    scheme reaches it once it is as good as a rate within the best one's basin.
    """
    best = next((s for s in summaries if s.scheme == choice.best), None)
    return None if best is None else yardstick.basin_threshold(best.mean_validation)


def _learning(
    summary: Summary, epochs: int, target: float | None, yardstick: Yardstick
) -> list[QuantityRow]:
    """Return epochs to the target and area under the curve of the fresh runs."""
    seeds = [run.seed for run in summary.evidence.confirm]
    cap = yardstick.validation_constant
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
