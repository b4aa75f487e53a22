"""What racing costs a scheme alone: its rate and the width of its basin, beside `full`."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.answer_pools import RATES
from benchmarks.answer_rules import DECIDE, Tuner, losses_of, lowest, raced
from benchmarks.answer_studies import Array, Study, Worth, capped
from initsweep.statistics.grid import basins, filled

STRATEGIES: Mapping[str, Tuner] = {"full": lowest, "racing": raced}


class Cost(NamedTuple):
    """Means over the schemes of some studies.

    Attributes:
        trainings: For tuning, per scheme.
        loss: What the chosen rate loses on test against the one that `full` chooses, in percent of
            the constant predictor's loss.
        width: How far the basin's width is from that over all seeds of the pool, in decades.
    """

    trainings: float
    loss: float
    width: float


def costs(drawn: Sequence[Sequence[Study]], truth: Worth) -> dict[str, Cost]:
    """Return what each strategy costs.

    Args:
        drawn: The studies of each outer split.
        truth: What each pair is worth.
    """
    found: dict[str, list[Cost]] = {name: [] for name in STRATEGIES}
    worth = 100 * truth.loss.mean(axis=0)
    for study in (study for row in drawn for study in row):
        table, usual = losses_of(study), lowest(losses_of(study)).rates
        true_widths = [_width(of_one) for of_one in _all_seeds(study)]
        for name, tune in STRATEGIES.items():
            rates, seen, _ = tune(table)
            for place, true in enumerate(true_widths):
                width = _width(table[place], seen[place])
                lost = worth[place, rates[place]] - worth[place, usual[place]]
                found[name].append(Cost(float(seen[place].sum()), lost, abs(width - true)))
    return {name: Cost(*np.mean(each, axis=0).tolist()) for name, each in found.items()}


def costs_table(found: Sequence[Mapping[str, Cost]]) -> str:
    """Return the means over tasks."""
    lines = [
        "| strategy | trainings for tuning, per scheme | chosen rate loses, % of constant | "
        "basin's width off, decades |",
        "|---|---|---|---|",
    ]
    for name in STRATEGIES:
        mean = Cost(*np.mean([of_task[name] for of_task in found], axis=0).tolist())
        lines.append(f"| {name} | {mean.trainings:.1f} | {mean.loss:.2f} | {mean.width:.2f} |")
    return "\n".join(lines)


def _all_seeds(study: Study) -> Array:
    """Return the losses of all seeds that the pool has, (schemes, rates, seeds)."""
    constant = study.pool.constants[study.inner, study.outer, :, 0].mean()
    return capped(study.pool, (study.inner, study.outer), "loss") / float(constant)


def _width(table: Array, seen: Sequence[int] | None = None) -> float:
    """Return the width of a scheme's basin as the product measures it; 0 without one.

    Args:
        table: Losses, shape (rates, seeds).
        seen: On how many of the seeds each rate was trained; None for all.
    """
    seeds = [table.shape[1]] * len(table) if seen is None else seen
    tried = [place for place, count in enumerate(seeds) if count]
    losses = [dict(enumerate(table[place, : seeds[place]].tolist())) for place in tried]
    means = filled(losses, range(max(seeds))).mean(axis=1)[None]
    ceiling = 1 - DECIDE.trainable_skill
    threshold = np.minimum(means.min(axis=1) + DECIDE.basin_tolerance, ceiling)
    found = basins(means, np.array([RATES[place] for place in tried]), threshold)
    return float(found.widths[0])
