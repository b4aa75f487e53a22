"""Which rates get another seed where a scheme's rates race: those not yet behind the best."""

from collections.abc import Sequence
from statistics import fmean

from initsweep.core.params import Tune

HOPELESS = 0.2
"""A rate this far behind the best on one seed leaves, as a share of the constant predictor's loss.

A single seed must say much: at the edge of stability a rate may be the best of all on one seed and
fail on the next, and it must not take the others down with it."""

BEHIND = 0.05
"""The same with more seeds: so far, the default basin ends."""

MOST = 3
"""How many rates go on after two seeds: the best ones."""

EXPECTED = 0.65
"""Share of the grid that comes to its second seed, as on the bench of answers."""

REFINEMENTS = 2
"""Rates tried between those of the grid: halfway from the best to its neighbours."""

Runs = Sequence[tuple[float, float]]
"""Capped and uncapped loss of a rate by seed, as far as it has come; seeds are common to all."""


def goes_on(rates: Sequence[Runs], place: int, constant: float) -> bool:
    """Return whether a rate gets another seed.

    It is compared on its own seeds, with all rates that have these seeds too.

    Args:
        rates: The runs of every rate that has entered.
        place: Which of them is asked about.
        constant: The constant predictor's loss, in the unit of the capped ones.
    """
    seeds = len(rates[place])
    if not seeds:
        return True
    ranked = sorted(
        (_mean(runs[:seeds], 0), _mean(runs[:seeds], 1), number)
        for number, runs in enumerate(rates)
        if len(runs) >= seeds
    )
    rank = [number for *_, number in ranked].index(place)
    behind = ranked[rank][0] - ranked[0][0]
    if seeds == 1:
        return behind <= HOPELESS * constant
    return rank < MOST and behind <= BEHIND * constant


def _mean(runs: Runs, which: int) -> float:
    return fmean(run[which] for run in runs)


def refinements(tune: Tune) -> int:
    """Return how many rates are tried after the grid, at most."""
    most = tune.refinement_trials
    return min(most, REFINEMENTS) if tune.strategy == "racing" else most


def rungs(tune: Tune, rates: int) -> list[int]:
    """Return how many of so many rates are expected to be trained, seed after seed."""
    seeds = len(tune.seeds)
    if tune.strategy == "full":
        return [rates] * seeds
    return [rates, max(1, round(EXPECTED * rates)), *[min(MOST, rates)] * seeds][:seeds]


def trainings(tune: Tune) -> int:
    """Return how many trainings one tuning is expected to take, extensions left out."""
    return sum(rungs(tune, tune.grid.points)) + refinements(tune) * len(tune.seeds)
