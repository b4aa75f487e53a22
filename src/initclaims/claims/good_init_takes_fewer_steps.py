"""From good weights a network should need fewer steps to the same loss."""

import numpy as np
from numpy.typing import NDArray

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import beyond, seen
from initclaims.laboratory.data import Data
from initclaims.laboratory.good_and_bad import BAD, FACTORS, GOOD, NETWORKS, RATES, SCHEMES, WIDTH
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import FRESH_SEED, TUNING_SEED, Lab, Setup
from initclaims.laboratory.pictures import Strips
from initclaims.laboratory.runs import Runs
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.wording import factors, listed
from initsweep.core.numbers import fixed
from initsweep.core.records import Interval
from initsweep.statistics.intervals import mean_interval

TARGET, MARGIN, STEPS = 0.1, 1.2, "steps to the target"
BATCH = 128
WHOLE = "steps of a whole training"


def measure(lab: Lab) -> list[Measurement]:
    """Count steps to a training loss, at the rate that needs the fewest."""
    rows = []
    data, epochs = seen(lab.data()), lab.pick(100, 40)
    for network, depth in NETWORKS.items():
        setup = Setup(data=data, network=lab.mlp(depth, WIDTH), epochs=epochs, batch_size=BATCH)
        for name, scheme in SCHEMES.items():
            tuning = range(TUNING_SEED, TUNING_SEED + lab.pick(4, 2))
            counts = steps(setup, lab.train(setup, scheme, RATES, tuning)).mean(axis=1)
            fresh = range(FRESH_SEED, FRESH_SEED + lab.pick(30, 8))
            taken = lab.train(setup, scheme, [RATES[int(counts.argmin())]], fresh)
            rows += [
                Measurement.of(f"{network}, {name}", STEPS, count, seed=seed)
                for seed, count in zip(fresh, steps(setup, taken)[0].tolist(), strict=True)
            ]
    whole = float(epochs * per_epoch(data))
    return [*rows, Measurement.of("all", WHOLE, whole)]


def per_epoch(data: Data) -> int:
    """Return the steps of an epoch; the engine leaves out an incomplete batch."""
    return len(data.train.targets) // BATCH


def steps(setup: Setup, runs: Runs) -> NDArray[np.float64]:
    """Return the steps to the target, to the end of an epoch, shape (rates, seeds).

    A run that does not reach it counts as reaching it with the last step, which favours it.
    """
    there = runs.losses <= TARGET
    first = np.where(there.any(axis=-1), there.argmax(axis=-1), setup.epochs)
    return np.asarray(first * per_epoch(setup.data), dtype=np.float64)


def judge(table: Table) -> Judgement:
    """Each bad scheme has to need a fifth more steps in each network."""
    ratios = {(n, bad): ratio(table, n, bad) for n in NETWORKS for bad in BAD}
    parts = {key: beyond(interval, MARGIN) for key, interval in ratios.items()}
    means = {n: table.mean(STEPS, f"{n}, {GOOD}").estimate for n in NETWORKS}
    return judged(
        [*parts.values()],
        {
            **{
                f"{n}: {bad}, steps over He's steps": interval
                for (n, bad), interval in ratios.items()
            },
            **{f"{arm}: {STEPS}": table.mean(STEPS, arm) for arm in table.arms(STEPS)},
        },
        (
            "He needs "
            + " and ".join(f"{steps:.0f} steps with {n}" for n, steps in means.items())
            + "; a third of its weights and three times them take "
            + ", ".join(f"{r.estimate:.1f} ({n}, {bad})" for (n, bad), r in ratios.items())
            + f" times as many, each at the rate that needs the fewest. {late(table)}A step takes "
            "the same time whatever the weights began as, so fewer steps are less time in "
            "proportion."
        ),
        on=factors(parts, FACTORS),
    )


def late(table: Table) -> str:
    """Say which runs took all the steps there were; these may never have reached the loss."""
    whole = float(table.values(WHOLE, "all")[0])
    each = []
    for arm in table.arms(STEPS):
        values, (network, name) = table.values(STEPS, arm), arm.split(", ")
        count = int((values == whole).sum())
        if count:
            each.append(f"{count} of {len(values)} runs of {name} ({network})")
    return (
        f"{listed(each)} took all {fixed(whole, 0)} steps or never got there, which counts in "
        "their favour. "
        if each
        else ""
    )


def ratio(table: Table, network: str, bad: str) -> Interval:
    """Return the geometric mean of a bad scheme's steps over He's, paired by seed."""
    first, second = (table.values(STEPS, f"{network}, {name}") for name in (bad, GOOD))
    logs = mean_interval(np.log(first / second))
    low, middle, high = np.exp([logs.low, logs.estimate, logs.high]).tolist()
    return Interval(low=low, estimate=middle, high=high)


CLAIM = Claim(
    title="Good initialization takes fewer steps, less time",
    statement=(
        "From a good initialization training takes fewer steps, and less time, to the same loss."
    ),
    source="Chapter, answers 1 and 2",
    experiment=(
        "ReLU networks of 3 and 6 layers of 64 units on digits from He and from He's weights "
        "divided and multiplied by 3; steps until the training loss is 0.1 nats, looked at after "
        "every epoch of 8 steps, each at the rate that needs the fewest; fresh seeds."
    ),
    criterion=(
        "Supported if both bad scales need more than 1.2 times He's steps in both networks (limits "
        "of the intervals of the geometric mean), refuted if in none of the four cases, depends if "
        "in some."
    ),
    measure=measure,
    judge=judge,
    picture=Strips(quantity=STEPS, log=True),
    section="chapter",
)
