"""What trying a few learning rates leads to: the budget curve."""

import math

import numpy as np

from initsweep.core.records import BudgetRow
from initsweep.statistics.grid import Array, GridRuns
from initsweep.statistics.resamples import means_over, seed_draws, student_bounds, tidy


def expected_best(means: Array) -> Array:
    """Return the expected lowest of n losses drawn at random from a list, for every n.

    Drawn without replacement, as nobody tries a rate twice: the j-th lowest of B losses is the
    lowest of n in C(B - j, n - 1) of the C(B, n) draws. Exact, no simulation.

    Args:
        means: Losses, shape (..., B).

    Returns:
        Expected lowest losses for n = 1 ... B, shape (..., B).

    Source: Dodge, J. et al. (2019), Show your work, EMNLP, for the curve (drawn there with
    replacement); Tang, R. et al. (2020), Showing your work doesn't always work, ACL, for the
    form without replacement.
    """
    size = means.shape[-1]
    weights = [
        [math.comb(size - j, n - 1) / math.comb(size, n) for n in range(1, size + 1)]
        for j in range(1, size + 1)
    ]
    ranked = np.sort(means, axis=-1)
    # Measured from the lowest, so that equal losses stay what they are.
    above = (ranked - ranked[..., :1])[..., np.newaxis] * np.array(weights)
    return np.asarray(ranked[..., :1] + above.sum(axis=-2))


def budget_rows(scheme: str, runs: GridRuns, cap: float) -> list[BudgetRow]:
    """Return the budget curve of one scheme with its band over the tuning seeds.

    Args:
        scheme: Its name.
        runs: Its tuning runs.
        cap: The constant predictor's loss, which no capped loss exceeds.

    Returns:
        One row per number of rates tried, ascending. A single seed gives a band of no width.
    """
    losses = runs.losses[runs.shared]
    curve = expected_best(losses.mean(axis=1))
    low = high = curve
    if runs.seeds > 1:
        shares, _ = seed_draws(runs.seeds)
        low, high = student_bounds(expected_best(means_over(shares, losses)), curve, runs.seeds)
        low, high = np.maximum(low, 0.0), np.minimum(high, cap)
    return [
        BudgetRow(
            scheme=scheme,
            n=n,
            expected_best=tidy(best),
            low=min(tidy(below), tidy(best)),
            high=max(tidy(above), tidy(best)),
        )
        for n, best, below, above in zip(
            range(1, len(curve) + 1), curve.tolist(), low.tolist(), high.tolist(), strict=True
        )
    ]
