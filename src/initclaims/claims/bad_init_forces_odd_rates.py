"""Does a wrong weight variance shift the learning rate that a network needs?"""

import numpy as np

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import beyond, seen
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Beside, Lines
from initclaims.laboratory.rates import LEARNED, half_decade
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.wording import listed
from initsweep.core import numbers
from initsweep.statistics.intervals import mean_interval

DEPTH, WIDTH, SHIFT, USABLE = 5, 64, 0.5, 0.5
LOSS, DIVERGED, BEST = "training loss", "share of diverged runs", "log10 of the best rate"
SCALES = {
    "1/16 of He's variance": 2 / 16,
    "1/4 of He's variance": 2 / 4,
    "He's variance": 2.0,
    "4 times He's variance": 8.0,
    "16 times He's variance": 32.0,
}
LOWEST, _, HE, _, HIGHEST = SCALES
RATES = tuple(half_decade(1e-6, step) for step in range(14))


def measure(lab: Lab) -> list[Measurement]:
    """Train every variance at every rate."""
    network = lab.mlp(DEPTH, WIDTH)
    setup = Setup(data=seen(lab.data()), network=network, epochs=lab.pick(40, 15))
    rows = []
    for arm, scale in SCALES.items():
        scheme = Scheme.named("random_scaled", scale=scale, mode="fan_in", distribution="normal")
        runs = lab.train(setup, scheme, RATES, lab.seeds(16, 5))
        best = np.log10(np.array(RATES)[runs.final_losses.argmin(axis=0)])
        rows += runs.measured(LOSS, runs.final_losses, arm)
        rows += runs.measured(DIVERGED, runs.diverged.astype(np.float64), arm)
        rows += [
            Measurement.of(arm, BEST, value, seed=seed)
            for seed, value in zip(runs.seeds, best, strict=True)
        ]
    return rows


def judge(table: Table) -> Judgement:
    """Too little variance has to ask for larger rates, too much for smaller ones."""
    higher = table.difference(BEST, LOWEST, HE)
    lower = mean_interval(table.values(BEST, HE) - table.values(BEST, HIGHEST))
    guessing = float(np.log(10))
    parts = [
        beyond(shift, SHIFT) if best_loss(table, arm) < LEARNED * guessing else None
        for arm, shift in ((LOWEST, higher), (HIGHEST, lower))
    ]
    rate = half_decade(1.0, round(2 * float(np.median(table.values(BEST, HE)))))
    return judged(
        parts,
        {
            f"{LOWEST}: best rate above He's, decades": higher,
            f"{HIGHEST}: best rate below He's, decades": lower,
            **{
                f"{arm}: decades of rates below 0.5 nats": usable
                for arm, usable in ((arm, usable_range(table, arm)) for arm in SCALES)
            },
            **{
                f"{arm}: training loss at He's best rate of {rate:g}": table.mean(LOSS, arm, rate)
                for arm in SCALES
            },
        },
        (
            "Best rates (medians over seeds) are "
            + listed([f"{best_rate(table, arm)} for {arm}" for arm in SCALES])
            + ". Rates that end below 0.5 nats span "
            + listed([f"{usable_range(table, arm):g}" for arm in SCALES])
            + " decades, in the same order. In a ReLU network the gradient of each layer grows "
            "with the other layers' weights, so large weights need small rates; small weights are "
            "slow at the usual rate, and a much larger one is too large as soon as they have grown."
        ),
        on="whether weights are too small or too large",
    )


def best_rate(table: Table, arm: str) -> str:
    """Return the median over seeds of an arm's best rate."""
    return numbers.rate(10 ** float(np.median(table.values(BEST, arm))))


def best_loss(table: Table, arm: str) -> float:
    """Return the lowest mean loss over the rates."""
    return float(table.curve(LOSS, arm)[1].min())


def usable_range(table: Table, arm: str) -> float:
    """Return how many decades of rates end below the usable loss, half a decade a rate."""
    return 0.5 * float((table.curve(LOSS, arm)[1] < USABLE).sum())


CLAIM = Claim(
    title="Bad initialization forces odd learning rates",
    statement=(
        "A bad initialization forces an unusual learning rate: with too large weights the usual "
        "one diverges, with too small weights it crawls."
    ),
    source="Chapter, answer 2",
    experiment=(
        "ReLU networks of five layers of 64 units on digits, normal weights of 1/16 to 16 times "
        "He's variance, 14 rates from 0.000001 to 3, 40 epochs; training loss and best rate by "
        "variance."
    ),
    criterion=(
        "Supported if the best rate of a seed lies on average more than half a decade above He's "
        "at 1/16 of the variance and more than half a decade below it at 16 times the variance "
        "(limits of the intervals), refuted if neither, depends if one; open where a variance "
        "learns at no rate."
    ),
    measure=measure,
    judge=judge,
    picture=Beside(
        pictures=(
            Lines(quantity=LOSS, x="learning rate", label="training loss, nats", log_x=True),
            Lines(quantity=DIVERGED, x="learning rate", log_x=True),
        )
    ),
    section="chapter",
)
