"""At equal training loss, does a network from good weights do better on new rows?"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import beyond, common_difference, respond, seen
from initclaims.laboratory.good_and_bad import BAD, FACTORS, GOOD, NETWORKS, RATES, SCHEMES, WIDTH
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import FRESH_SEED, Lab, Setup
from initclaims.laboratory.pictures import Beside, Strips
from initclaims.laboratory.runs import Runs
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.wording import factors, listed
from initsweep.core.numbers import fixed
from initsweep.core.records import Interval

TARGET, MARGIN = 0.05, 0.05
CAP = 2.3  # about the loss of guessing one of ten digits, which losses count as at most
LOSS, ACCURACY = "test loss at equal training loss", "accuracy at equal training loss"


def measure(lab: Lab) -> list[Measurement]:
    """Take the test loss at the moment when the training loss passes the target."""
    rows = []
    for network, depth in NETWORKS.items():
        setup = Setup(data=lab.data(), network=lab.mlp(depth, WIDTH), epochs=lab.pick(100, 40))
        # By the training loss: where weights are large, the test loss of networks that are sure of
        # their errors is above guessing at every rate and does not tell rates apart.
        training = replace(setup, data=seen(setup.data))
        for name, scheme in SCHEMES.items():
            seeds = lab.pick((4, 40), (2, 8))
            rate = respond(lab, training, scheme, RATES, seeds=seeds[0]).best_rate
            fresh = range(FRESH_SEED, FRESH_SEED + seeds[1])
            runs = lab.train(setup, scheme, [rate], fresh, split="test")
            rows += at_target(runs, f"{network}, {name}")
    return rows


def at_target(runs: Runs, arm: str) -> list[Measurement]:
    """Return what the test rows show when an epoch's training loss first falls to the target.

    Between the two epochs about it the test values are interpolated in the logarithm of the
    training loss. A run that never gets there has no row.
    """
    rows = []
    for place, seed in enumerate(runs.seeds):
        train = runs.train_losses[0, place]
        there = np.flatnonzero(train <= TARGET)
        if not len(there):
            continue
        last = int(there[0])
        weight = 1.0
        if last > 0:
            above, below = np.log(train[last - 1]), np.log(train[last])
            weight = float((above - np.log(TARGET)) / (above - below))
        for quantity, values in ((LOSS, runs.losses), (ACCURACY, runs.scores)):
            before, after = values[0, place, last], values[0, place, last + 1]
            value = float(before + weight * (after - before))
            rows.append(Measurement.of(arm, quantity, value, seed=seed))
    return rows


def judge(table: Table) -> Judgement:
    """Each bad scheme has to be behind on new rows in each network."""
    behind = {
        (n, bad): common_difference(table, LOSS, f"{n}, {bad}", f"{n}, {GOOD}")
        for n in NETWORKS
        for bad in BAD
    }
    accuracy = {
        (n, bad): common_difference(table, ACCURACY, f"{n}, {GOOD}", f"{n}, {bad}")
        for n, bad in behind
    }
    parts = {key: None if gap is None else beyond(gap, MARGIN) for key, gap in behind.items()}
    return judged(
        [*parts.values()],
        {
            **{
                f"{n}: {bad}, test loss behind He, nats": gap
                for (n, bad), gap in reversed(behind.items())
            },
            **{f"{n}: {bad}, accuracy behind He": gap for (n, bad), gap in accuracy.items()},
        },
        reading(table, behind, accuracy),
        on=factors(parts, FACTORS),
    )


Gaps = dict[tuple[str, str], Interval | None]


def reading(table: Table, behind: Gaps, accuracy: Gaps) -> str:
    """Say which weights are behind on new rows and which ahead, and how far to trust the loss."""
    found = {key: gap for key, gap in behind.items() if gap is not None}
    worse = [f"{bad} ({n})" for (n, bad), gap in found.items() if gap.low > MARGIN]
    better = [
        f"{bad} ({n}) are {fixed(-gap.estimate)} nats ahead"
        for (n, bad), gap in found.items()
        if gap.high < 0
    ]
    told = "At the same training loss "
    told += f"{listed(worse)} are behind He in test loss" if worse else "none is behind He"
    told += f"; {listed(better)}. " if better else ". "
    scores = [
        f"{'+' * (gap.estimate < 0)}{fixed(-gap.estimate, 3)} ({bad}, {n})"
        for (n, bad), gap in accuracy.items()
        if gap is not None
    ]
    told += f"In accuracy they differ from He by {listed(scores)}. " if scores else ""
    return f"{told}{capped(table)}{missing(table)}".strip()


def capped(table: Table) -> str:
    """Say where most losses are at their cap, so that a gap is larger than it looks."""
    at_cap = {arm: (table.values(LOSS, arm) >= CAP).mean() for arm in table.arms(LOSS)}
    arms = [arm for arm, share in at_cap.items() if share > 1 / 2]
    if not arms:
        return ""
    return (
        f"Losses count at most guessing's {CAP}, as nearly all of {listed(named(arms))} do, so "
        "these gaps are at least as large. "
    )


def missing(table: Table) -> str:
    """Say how many runs of which arm never reached the training loss."""
    counts = {f"{n}, {name}": count_of(table, f"{n}, {name}") for n in NETWORKS for name in SCHEMES}
    most = max(counts.values())
    each = [
        f"{most - count} of {most} runs of {text}"
        for (arm, count), text in zip(counts.items(), named([*counts]), strict=True)
        if count < most
    ]
    return f"{listed(each)} never got to the training loss and are left out." if each else ""


def count_of(table: Table, arm: str) -> int:
    """Return how many runs of an arm reached the training loss."""
    return sum(row.arm == arm and row.quantity == LOSS for row in table.rows)


def named(arms: Sequence[str]) -> list[str]:
    """Return "weights (network)" for arms called "network, weights"."""
    return [f"{name} ({n})" for n, name in (arm.split(", ") for arm in arms)]


CLAIM = Claim(
    title="Good initialization generalizes better",
    statement="Networks from a good initialization generalize better to new data.",
    source="Chapter, answers 1 and 2",
    experiment=(
        "ReLU networks of 3 and 6 layers of 64 units on digits from He and from He's weights "
        "divided and multiplied by 3, each at the rate with the lowest training loss; test loss "
        "and accuracy at the moment when an epoch's mean training loss falls to 0.05 nats."
    ),
    criterion=(
        "Supported if both bad scales are more than 0.05 nats of test loss behind He at equal "
        "training loss in both networks (limits of the intervals), refuted if in none of the four "
        "cases, depends if in some; open where a scheme never gets to that training loss."
    ),
    measure=measure,
    judge=judge,
    picture=Beside(pictures=(Strips(quantity=LOSS), Strips(quantity=ACCURACY))),
    section="chapter",
)
