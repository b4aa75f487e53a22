"""Are fewer ReLU units dead under He than under Xavier, before and after training?"""

from collections.abc import Sequence

import numpy as np

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import beyond, common_difference, respond
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import FRESH_SEED, Lab, Scheme, Setup
from initclaims.laboratory.pictures import Strips
from initclaims.laboratory.rates import half_decade
from initclaims.laboratory.signals import snapshot
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.wording import listed
from initsweep.core.numbers import fixed
from initsweep.probes.capture import Layer
from initsweep.probes.measures.dead_units import dead

MARGIN, DEPTH, WIDTH = 0.02, 10, 64
DEAD = "share of dead hidden units"
SCHEMES = {
    "He": Scheme.named("he_normal"),
    "Xavier": Scheme.named("xavier_normal"),
    "twice He's variance": Scheme.named(
        "random_scaled", scale=4.0, mode="fan_in", distribution="normal"
    ),
}
BEFORE, BEST, HOT = ("at the start", "trained", "trained at 3 times")
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)


def measure(lab: Lab) -> list[Measurement]:
    """Count dead units before training, and after it at each scheme's best rate and above."""
    network = lab.mlp(DEPTH, WIDTH)
    setup = Setup(data=lab.data(), network=network, epochs=lab.pick(60, 20))
    rows = []
    for arm, scheme in SCHEMES.items():
        best = respond(lab, setup, scheme, RATES, seeds=lab.pick(3, 2)).best_rate
        seeds = range(FRESH_SEED, FRESH_SEED + lab.pick(30, 8))
        hot = half_decade(best, 1)
        runs = lab.train(setup, scheme, [best, hot], seeds, split="test", keep_states=True)
        for seed in seeds:
            rows.append(counted(arm, BEFORE, seed, snapshot(lab, setup, scheme, seed).layers))
        for when, rate in ((BEST, best), (HOT, hot)):
            for seed, state in runs.kept(rate):
                layers = snapshot(lab, setup, scheme, seed, state=state).layers
                rows.append(counted(arm, when, seed, layers))
    return rows


def counted(arm: str, when: str, seed: int, layers: Sequence[Layer]) -> Measurement:
    """Return the mean share of dead units over the hidden layers."""
    share = float(np.mean([dead(layer) for layer in layers[:DEPTH]]))
    return Measurement.of(f"{arm}, {when}", DEAD, share, seed=seed)


def judge(table: Table) -> Judgement:
    """Xavier should have more dead units than He, before and after."""
    more = {
        when: common_difference(table, DEAD, f"Xavier, {when}", f"He, {when}")
        for when in (BEST, HOT, BEFORE)
    }
    tested = len(table.values(DEAD, f"He, {BEFORE}"))
    diverged = {arm: tested - survivors(table, f"{arm}, {HOT}") for arm in SCHEMES}
    return judged(
        [None if d is None else beyond(d, MARGIN) for d in more.values()],
        {
            **{
                f"{when}: dead under Xavier minus dead under He, share": d
                for when, d in more.items()
            },
            **{
                f"{arm}: {DEAD}{few(table, arm, tested)}": table.mean(DEAD, arm)
                for arm in table.arms(DEAD)
            },
            **{
                f"{arm}: runs of {tested} diverged at 3 times the best rate": number
                for arm, number in diverged.items()
            },
        },
        reading(table),
        on="when units are counted",
    )


def reading(table: Table) -> str:
    """Say under which scheme the most units are dead, at the start and after training."""
    dead_at = {
        (arm, when): table.mean(DEAD, f"{arm}, {when}").estimate
        for arm in SCHEMES
        for when in (BEFORE, BEST, HOT)
        if survivors(table, f"{arm}, {when}")
    }
    told = ""
    starts = {dead_at[arm, BEFORE] for arm in SCHEMES}
    if len(starts) == 1:
        told = (
            "With zero biases a ReLU layer's signs do not depend on the scale of its weights, so "
            "at the start the same units are dead under any variance. "
        )
    trained = {arm: dead_at[arm, BEST] for arm in SCHEMES if (arm, BEST) in dead_at}
    each = listed([f"{fixed(share, 3)} under {arm}" for arm, share in trained.items()])
    told += (
        f"After training, each at its best rate by validation loss, the share of dead units is "
        f"{each}"
    )
    if max(trained, key=lambda arm: trained[arm]) == "twice He's variance":
        told += ": in this network a scale above He's is the danger"
    hot = {arm: dead_at[arm, HOT] for arm in ("He", "Xavier") if (arm, HOT) in dead_at}
    less = [arm for arm in hot if hot[arm] < trained[arm]]
    if hot and len(less) in (0, len(hot)):
        told += (
            f". At three times the rate {'fewer' if less else 'more'} units are dead, "
            + " and ".join(f"{fixed(share, 3)} under {arm}" for arm, share in hot.items())
        )
    return told + ". Runs that diverged are left out."


def few(table: Table, arm: str, tested: int) -> str:
    """Return a note on how many runs are behind a mean, "" if all are."""
    left = survivors(table, arm)
    return "" if left == tested else f" ({left} run{'s' * (left != 1)} of {tested})"


def survivors(table: Table, arm: str) -> int:
    """Return how many runs of an arm were counted."""
    return sum(row.arm == arm for row in table.rows)


CLAIM = Claim(
    title="He initialization prevents dying ReLU units",
    statement=(
        "Under He initialization fewer ReLU units die, that is give zero for every example, than "
        "under Xavier."
    ),
    source="Chapter, answer 7",
    experiment=(
        "ReLU networks of ten layers of 64 units on digits; units that are zero on all of 256 "
        "training rows, before training, after 60 epochs at each scheme's best rate, and at the "
        "next half-decade step above it (about 3 times)."
    ),
    criterion=(
        "Supported if in all three cases Xavier's share of dead units exceeds He's by more than "
        "0.02 (limits of the intervals); refuted if in none, depends if in some."
    ),
    measure=measure,
    judge=judge,
    picture=Strips(quantity=DEAD),
    section="chapter",
)
