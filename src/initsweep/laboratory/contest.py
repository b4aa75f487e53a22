"""Schemes against another, each at its own best rate, on a grid that grows until it holds it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from initsweep.laboratory.claim import Answer, Effect
from initsweep.laboratory.data import Data
from initsweep.laboratory.lab import FRESH_SEED, TUNING_SEED, Lab, Scheme, Setup
from initsweep.laboratory.runs import Runs, Tuned
from initsweep.laboratory.table import Measurement, Table, exactly
from initsweep.records import Interval
from initsweep.statistics.intervals import mean_interval

RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Half-decade steps in which SGD with momentum finds the best rate of most networks here."""
TRAIN = "training loss"
LOSS, SCORE, CHOSEN, EDGE = "test loss", "test score", "validation loss", "best rate at the edge"
LEARNED = 0.95
"""A mean loss above this share of the constant predictor's has no best rate worth finding."""
MOST_STEPS = 6
FEWEST = 5
Seeds = tuple[int, int]


def contest(
    lab: Lab,
    setup: Setup,
    schemes: Mapping[str, str | Scheme],
    *,
    seeds: Seeds,
    rates: Sequence[float] = RATES,
    setting: float = 0.0,
    on_training_rows: bool = False,
) -> list[Measurement]:
    """Give every scheme its own best rate and test it on fresh seeds.

    Args:
        lab: The bench.
        setup: Network and data.
        schemes: By arm.
        seeds: How many to tune on and how many to test on.
        rates: Where the search begins; see `tune`.
        setting: Where along the horizontal axis this contest stands.
        on_training_rows: Whether to choose rates by the loss on the training rows and to report
            that one. Deep networks without regularization fit digits long before their test loss
            stops rising, so where the question is what trains, the test loss would punish the
            scheme that does.

    Returns:
        For each arm the test loss and score of the fresh seeds, the mean validation loss by which
        the rate was chosen, the rate, and whether it lies at the edge all the same.
    """
    rows = []
    if on_training_rows:
        setup = replace(setup, data=seen(setup.data))
    for arm, scheme in schemes.items():
        rows += measured(tune(lab, setup, scheme, rates, seeds=seeds), arm, setting)
    if on_training_rows:
        names = {LOSS: TRAIN, SCORE: "training score"}
        rows = [replace(row, quantity=names.get(row.quantity, row.quantity)) for row in rows]
    return rows


def seen(data: Data) -> Data:
    """Return data whose validation and test rows are the training rows."""
    return replace(
        data,
        name=f"{data.name}, training rows",
        splits=dict.fromkeys(data.splits, data.train),
        constant_loss=dict.fromkeys(data.constant_loss, data.constant_loss["train"]),
    )


def tune(
    lab: Lab, setup: Setup, scheme: str | Scheme, rates: Sequence[float] = RATES, *, seeds: Seeds
) -> Tuned:
    """Return a scheme at its best rate; the grid grows while the best rate is at its edge.

    It grows by half-decade steps, six at most, and not for a scheme that learns nothing anywhere.
    """
    response = respond(lab, setup, scheme, rates, seeds=seeds[0])
    fresh = range(FRESH_SEED, FRESH_SEED + seeds[1])
    runs = lab.train(setup, scheme, [response.best_rate], fresh, split="test")
    return Tuned(response=response, fresh=runs)


def respond(
    lab: Lab, setup: Setup, scheme: str | Scheme, rates: Sequence[float] = RATES, *, seeds: int
) -> Runs:
    """Return the runs of a scheme on the tuning seeds, on a grid grown as `tune` says."""
    tuning = range(TUNING_SEED, TUNING_SEED + seeds)
    response = lab.train(setup, scheme, rates, tuning)
    for _ in range(MOST_STEPS):
        beyond = next_rate(response)
        if beyond is None:
            break
        response = joined(response, lab.train(setup, scheme, [beyond], tuning))
    return response


def half_decade(rate: float, steps: int) -> float:
    """Return the rate so many half decades up, of the form 1eN or 3eN."""
    return float(f"{10 ** (math.log10(rate) + steps / 2):.0e}")


def next_rate(response: Runs) -> float | None:
    """Return the rate beyond the edge that the best one lies at, or None if there is no need."""
    best = response.best_rate
    if response.final_losses.mean(axis=1).min() > LEARNED * response.constant_loss:
        return None
    step = {min(response.rates): -1, max(response.rates): 1}.get(best)
    return None if step is None else half_decade(best, step)


def joined(first: Runs, second: Runs) -> Runs:
    """Return the runs of two sets of rates as one."""

    def both(pick: Callable[[Runs], NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate([pick(first), pick(second)])

    return replace(
        first,
        rates=first.rates + second.rates,
        states=first.states + second.states,
        losses=both(lambda runs: runs.losses),
        scores=both(lambda runs: runs.scores),
        raw_losses=both(lambda runs: runs.raw_losses),
        train_losses=both(lambda runs: runs.train_losses),
        diverged=both(lambda runs: runs.diverged),
    )


def measured(tuned: Tuned, arm: str, setting: float = 0.0) -> list[Measurement]:
    """Return what `contest` tells of one arm."""
    response, fresh = tuned.response, tuned.fresh
    single = {
        "best rate": tuned.rate,
        CHOSEN: float(response.final_losses[response.at(tuned.rate)].mean()),
        EDGE: float(next_rate(response) is not None),
    }
    columns = {LOSS: tuned.test_losses, SCORE: tuned.test_scores}
    rows = [
        (name, seed, v)
        for name, vs in columns.items()
        for seed, v in zip(fresh.seeds, vs, strict=True)
    ]
    rows += [(name, 0, value) for name, value in single.items()]
    return [
        Measurement(arm=arm, quantity=name, setting=setting, seed=seed, value=float(value))
        for name, seed, value in rows
    ]


def best_arm(table: Table, arms: Sequence[str], setting: float | None = None) -> str:
    """Return the arm with the lowest validation loss, chosen without a look at the test rows."""
    return min(arms, key=lambda arm: float(table.values(CHOSEN, arm, setting)[0]))


def common_difference(table: Table, quantity: str, arm: str, other: str) -> Interval | None:
    """Return the mean of `arm` minus `other` over the seeds that both have, None if few.

    For quantities that a diverged run does not have; fewer than five seeds say nothing.
    """
    first, second = (
        {row.seed: row.value for row in table.rows if (row.arm, row.quantity) == (name, quantity)}
        for name in (arm, other)
    )
    paired = [first[seed] - second[seed] for seed in first if seed in second]
    return mean_interval(paired) if len(paired) >= FEWEST else None


def beyond(difference: Interval, margin: float) -> bool | None:
    """Return whether a difference exceeds a margin, None where its interval holds the margin."""
    if difference.low > margin:
        return True
    return False if difference.high < margin else None


def within(difference: Interval, margin: float) -> bool | None:
    """Return whether a difference stays below a margin, None where its interval holds it."""
    exceeds = beyond(difference, margin)
    return None if exceeds is None else not exceeds


def close(difference: Interval, margin: float) -> bool | None:
    """Return whether a difference lies within a margin either way, None where that is open."""
    if difference.low > -margin and difference.high < margin:
        return True
    return False if difference.low > margin or difference.high < -margin else None


def all_of(parts: Sequence[bool | None]) -> bool | None:
    """Return whether all parts hold: False if one does not, None if that is open."""
    if False in parts:
        return False
    return None if None in parts else True


def verdict(parts: Sequence[bool | None]) -> Answer:
    """Return what several comparisons say together.

    Supported or refuted if all agree, depends if one holds and another does not, and otherwise,
    with at least one open and none against the rest, we cannot tell.
    """
    if all(part is True for part in parts):
        return "supported"
    if all(part is False for part in parts):
        return "refuted"
    return "depends" if True in parts and False in parts else "cannot tell"


def edges(table: Table) -> list[Effect]:
    """Return how many best rates lie at the edge of their grid; nothing where none does."""
    found = sum(row.value for row in table.rows if row.quantity == EDGE)
    name = "best rates at the edge of the grid (these could be better still)"
    return [Effect(name=name, value=exactly(found))] if found else []
