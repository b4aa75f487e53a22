"""The product's race over rates, run in a redrawn study: `tune.strategy: racing`."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.answer_pools import RATES
from benchmarks.answer_studies import GRID, TUNING, Array
from initsweep.core.params import Grid, Tune
from initsweep.core.records import TrialKind
from initsweep.stages.tuning import Study

SETTINGS = Tune(
    seeds=tuple(range(TUNING)),
    grid=Grid(low=GRID[0], high=GRID[-1], points=len(GRID)),
    extension_rounds=0,  # the pool has no rates beyond
    refinement_trials=8,
    sampler_seed=0,
    retunes=0,
    strategy="racing",
)


def race(table: Array) -> NDArray[np.int64]:
    """Return how many seeds the product would train each rate of a scheme on.

    Args:
        table: What is to be small, as a share of the constant predictor's: (rates, seeds).

    Returns:
        Shape (rates,). The chosen rate is the best of those with all tuning seeds.
    """

    def evaluate(
        _: TrialKind, batch: Sequence[tuple[int, float]], seeds: Sequence[int]
    ) -> list[list[tuple[float, float]]]:
        rows = [table[place_of(rate)] for _, rate in batch]
        return [[(float(row[seed]),) * 2 for seed in seeds] for row in rows]

    seen = np.zeros(len(RATES), dtype=np.int64)
    study = Study(SETTINGS, evaluate, 0, seeds=SETTINGS.seeds, constant=1.0)
    for trial in study.run():
        seen[place_of(trial.learning_rate)] = len(trial.runs)
    return seen


def place_of(rate: float) -> int:
    """Return the place of the pool's rate that is nearest."""
    return int(np.abs(np.log(np.array(RATES) / rate)).argmin())
