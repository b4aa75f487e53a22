"""Deep linear networks: from orthogonal weights the time to learn does not depend on depth."""

from dataclasses import replace

import numpy as np

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import verdict
from initclaims.laboratory.data import Data
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Beside, Lines
from initclaims.laboratory.runs import Runs
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.wording import span
from initsweep.core.numbers import fixed
from initsweep.core.records import Interval
from initsweep.engine.lanes import Split
from initsweep.statistics.intervals import mean_interval

STEPS, RATE = "steps to the target", "best rate"
ORTHOGONAL, GAUSSIAN = "orthogonal", "Gaussian, variance 1/n"
SCHEMES = {ORTHOGONAL: Scheme.named("orthogonal", gain=1.0), GAUSSIAN: Scheme.named("lecun_normal")}
ROWS, TARGET = 256, 0.05
SAME, MORE, NEAR = 1.5, 2.0, 0.3
READINGS = {
    "supported": (
        "Orthogonal layers keep all directions alike, so that only the rate has to shrink with "
        "depth; in a product of Gaussian matrices most directions fade, and these are learned late."
    ),
    "refuted": "None of the three parts shows in our networks.",
    "depends": "{parts}.",
    "cannot tell": "A scheme did not reach the target, or its best rate is at the grid's edge.",
}


def measure(lab: Lab) -> list[Measurement]:
    """Count full-batch steps until the training loss is 0.05 nats, at every rate and depth."""
    data, rows = first_rows(lab.data()), []
    steps = lab.pick(250, 120)
    for depth in depths(lab):
        setup = Setup(
            data=data,
            network=lab.mlp(depth, data.n_features, activation="identity"),
            epochs=steps,
            batch_size=ROWS,
            optimizer={"momentum": 0.0},
        )
        for arm, scheme in SCHEMES.items():
            grid = rates(depth, lab.pick(4, 3))
            rows += times(lab.train(setup, scheme, grid, lab.seeds(6, 2)), arm, depth, steps)
    return rows


def depths(lab: Lab) -> tuple[int, ...]:
    """Return the numbers of hidden layers."""
    return lab.pick((4, 8, 16, 32), (4, 16))


def rates(depth: int, per_decade: int) -> list[float]:
    """Return two decades and a half of rates around 1 / depth."""
    points = np.arange(-1.5 * per_decade, per_decade + 1)
    return [float(f"{10 ** (at / per_decade) / depth:.5g}") for at in points]


def first_rows(data: Data) -> Data:
    """Return the data with so few training rows that one batch holds them all."""
    train = Split(features=data.train.features[:ROWS], targets=data.train.targets[:ROWS])
    return replace(data, name=f"{data.name}, {ROWS} rows", splits={**data.splits, "train": train})


def times(runs: Runs, arm: str, depth: int, steps: int) -> list[Measurement]:
    """Return every seed's shortest time over the rates, and the rate that gave it.

    A seed that never gets there counts as one step more than it had.
    """
    below = runs.train_losses <= TARGET
    first = np.where(below.any(axis=2), below.argmax(axis=2), steps + 1)
    rows = []
    for place, seed in enumerate(runs.seeds):
        best = first[:, place].min()
        winners = [rate for rate, t in zip(runs.rates, first[:, place], strict=True) if t == best]
        found = {
            STEPS: float(best),
            RATE: float(np.exp(np.mean(np.log(winners)))),
            "at the edge": float(not {runs.rates[0], runs.rates[-1]}.isdisjoint(winners)),
            "missed": float(best > steps),
        }
        rows += [
            Measurement.of(arm, name, value, seed=seed, setting=depth)
            for name, value in found.items()
        ]
    return rows


def judge(table: Table) -> Judgement:
    """Three parts: orthogonal's time, the Gaussian's time, the slope of the best rate."""
    growths = {arm: growth(table, arm) for arm in SCHEMES}
    slopes = {arm: rate_slope(table, arm) for arm in SCHEMES}
    parts = {
        "orthogonal's time is the same at all depths": growths[ORTHOGONAL].high < SAME,
        "the Gaussian's time grows": growths[GAUSSIAN].low > MORE,
        "orthogonal's best rate falls as 1/depth": (
            slopes[ORTHOGONAL].low > -1 - NEAR and slopes[ORTHOGONAL].high < -1 + NEAR
        ),
    }
    broken = any(
        table.values(name, arm).any() for name in ("at the edge", "missed") for arm in SCHEMES
    )
    answer = "cannot tell" if broken else verdict(list(parts.values()))
    told = "; ".join(f"{name}: {'yes' if holds else 'no'}" for name, holds in parts.items())
    told = told[:1].upper() + told[1:]
    slope = slopes[ORTHOGONAL]
    resolved = (
        f" The slope of orthogonal's best rate, {fixed(slope.estimate)} ({span(slope)}), is "
        "resolved to about ±0.2 only: rates were tried in steps of a quarter of a decade (a third "
        "if quick) around 1/depth, and the depths span less than one decade."
    )
    deep, flat = (int(at) for at in (max(table.settings(STEPS)), min(table.settings(STEPS))))
    return judged(
        answer,
        {
            **{
                f"{arm}: time at {deep} layers over that at {flat}": (
                    growths[arm],
                    "the same" if arm == ORTHOGONAL else "grows",
                )
                for arm in SCHEMES
            },
            **{
                f"{arm}: slope of log best rate against log depth": (
                    slopes[arm],
                    "about -1" if arm == ORTHOGONAL else "",
                )
                for arm in SCHEMES
            },
        },
        READINGS[answer].format(parts=told) + resolved,
        on="which of its three parts is asked for",
    )


def growth(table: Table, arm: str) -> Interval:
    """Return the ratio of times at the deepest and the flattest network."""
    settings = table.settings(STEPS, arm)
    times_of = [table.values(STEPS, arm, at) for at in (settings[-1], settings[0])]
    return mean_interval(times_of[0] / times_of[1])


def rate_slope(table: Table, arm: str) -> Interval:
    """Return the slope of log rate over log depth, seed by seed."""
    settings = table.settings(RATE, arm)
    logs = np.log([table.values(RATE, arm, at) for at in settings])
    return mean_interval(np.polyfit(np.log(settings), logs, 1)[0])


CLAIM = Claim(
    title="Orthogonal weights learn as fast at any depth",
    statement=(
        "Deep linear networks learn in a time that does not depend on depth from orthogonal "
        "weights, and in one that grows with depth from Gaussian weights; the best rate falls as "
        "one over depth."
    ),
    source="Saxe, McClelland and Ganguli 2013, figures 4 and 6",
    experiment=(
        "Linear networks of 4 to 32 layers of 64 units on 256 digits, gradient descent on all rows "
        "at once, 11 rates (9 if quick) from 0.03 to 10 over the depth; steps until the training "
        "loss is 0.05 nats, at every seed's best rate. The paper: MNIST, squared error, up to 100 "
        "layers, 20 rates."
    ),
    criterion=(
        "Three parts, by limits of intervals: orthogonal's time at the greatest depth is less than "
        "1.5 times that at the least; the Gaussian's more than 2 times; orthogonal's best rate has "
        "a slope within 0.3 of −1 in log depth. Supported if all hold, refuted if none, depends "
        "otherwise; we cannot tell if a seed misses the target or has its best rate at the edge."
    ),
    measure=measure,
    judge=judge,
    picture=Beside(
        pictures=(
            Lines(quantity=STEPS, x="hidden layers"),
            Lines(quantity=RATE, x="hidden layers", log=True),
        )
    ),
    section="papers",
)
