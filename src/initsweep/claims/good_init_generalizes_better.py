"""At equal training loss, does a network from good weights do better on new rows?"""

from dataclasses import replace

import numpy as np

from initsweep.claims import CLAIMS, Claim, Effect, Judgement
from initsweep.laboratory.contest import beyond, common_difference, respond, seen, verdict
from initsweep.laboratory.good_and_bad import BAD, GOOD, NETWORKS, RATES, SCHEMES, WIDTH
from initsweep.laboratory.lab import FRESH_SEED, Lab, Setup
from initsweep.laboratory.pictures import Beside, Strips
from initsweep.laboratory.runs import Runs
from initsweep.laboratory.table import Measurement, Table

TARGET, MARGIN = 0.05, 0.05
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
            rows.append(
                Measurement(arm=arm, quantity=quantity, setting=0.0, seed=seed, value=value)
            )
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
    parts = [None if gap is None else beyond(gap, MARGIN) for gap in behind.values()]
    worse = [f"{bad} ({n})" for (n, bad), part in zip(behind, parts, strict=True) if part]
    return Judgement(
        answer=verdict(parts),
        effects=[
            *(
                Effect(name=f"{n}: {bad}, test loss behind He, nats", value=gap)
                for (n, bad), gap in reversed(behind.items())
                if gap is not None
            ),
            *(
                Effect(name=f"{n}: {bad}, accuracy behind He", value=gap)
                for (n, bad), gap in accuracy.items()
                if gap is not None
            ),
        ],
        reading=(
            "At the same training loss "
            + (f"{', '.join(worse)} is behind He in test loss" if worse else "none is behind He")
            + "; in accuracy they differ from He by "
            + ", ".join(
                f"{-gap.estimate:+.3f} ({bad}, {n})"
                for (n, bad), gap in accuracy.items()
                if gap is not None
            )
            + ". Weights that are too large fit the training rows by small changes of random "
            "features, which say little about new rows. Loss and accuracy need not agree: a "
            "network that is surer of its errors has the larger loss. Runs that never reached "
            "the training loss are left out."
        ),
    )


CLAIMS.add(
    "good_init_generalizes_better",
    Claim(
        title="Good initialization generalizes better",
        statement="Networks from a good initialization generalize better to new data.",
        source="Chapter, answers 1 and 2",
        experiment=(
            "ReLU networks of 3 and 6 layers of 64 units on digits from He and from He's weights "
            "divided and multiplied by 3, each at the rate with the lowest training loss; test "
            "loss and accuracy at the moment when an epoch's mean training loss falls to 0.05 "
            "nats."
        ),
        criterion=(
            "Supported if both bad scales are more than 0.05 nats of test loss behind He at equal "
            "training loss in both networks (limits of the intervals), refuted if in none of the "
            "four cases, depends if in some; open where a scheme never gets to that training loss."
        ),
        measure=measure,
        judge=judge,
        picture=Beside(pictures=(Strips(quantity=LOSS), Strips(quantity=ACCURACY))),
        section="chapter",
    ),
)
