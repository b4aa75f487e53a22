"""Glorot and Bengio's table: tanh networks err less from the normalized law."""

import numpy as np

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import measured, tune
from initclaims.laboratory.judging import first_that, judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Beside, Lines, Strips
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.wording import span
from initsweep.core.numbers import fixed
from initsweep.core.records import Interval

ERROR, RESPONSE = "test error, points", "validation loss, nats"
STANDARD, NORMALIZED = "standard, U(±1/√n)", "normalized, U(±√6/√(n + m))"
SCHEMES = {
    STANDARD: Scheme.named("lecun_uniform", gain=3**-0.5),
    NORMALIZED: Scheme.named("xavier_uniform"),
}
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
MARGIN = 0.3  # points of test error
READINGS = {
    "supported": "The normalized law keeps its lead when both have their own best rate.",
    "refuted": (
        "With its own best rate the standard law is not behind by an amount that matters: what it "
        "lacks in scale a higher rate makes up for."
    ),
    "cannot tell": "The difference lies around the margin.",
}
PUBLISHED = {"Shapeset": 11.55, "MNIST": 0.12, "CIFAR-10": 2.98}


def measure(lab: Lab) -> list[Measurement]:
    """Tune and test both laws with plain SGD."""
    setup = Setup(
        data=lab.images(),
        network=lab.mlp(5, 128, activation="tanh"),
        epochs=lab.pick(40, 15),
        batch_size=32,
        optimizer={"momentum": 0.0},
    )
    rows = []
    for arm, scheme in SCHEMES.items():
        tuned = tune(lab, setup, scheme, RATES, seeds=lab.pick((4, 40), (1, 8)))
        rows += measured(tuned, arm)
        rows += tuned.response.measured(RESPONSE, tuned.response.final_losses, arm)
        rows += [
            Measurement.of(arm, ERROR, 100 * (1 - float(score)), seed=seed)
            for seed, score in zip(tuned.fresh.seeds, tuned.test_scores, strict=True)
        ]
    return rows


def judge(table: Table) -> Judgement:
    """Ask for a certain lead whose size matters."""
    lead = table.difference(ERROR, STANDARD, NORMALIZED)
    answer = first_that(
        supported=lead.low > 0 and lead.estimate >= MARGIN, refuted=lead.high < MARGIN
    )
    published = {
        STANDARD: "27.15 Shapeset, 1.76 MNIST, 55.9 CIFAR-10",
        NORMALIZED: "15.60 Shapeset, 1.64 MNIST, 52.92 CIFAR-10",
    }
    return judged(
        answer,
        {
            "test error of the standard law minus the normalized, points": (
                lead,
                ", ".join(f"{points} {name}" for name, points in PUBLISHED.items()),
            ),
            **{f"{arm}: {ERROR}": (table.mean(ERROR, arm), published[arm]) for arm in SCHEMES},
            **{f"{arm}: best rate": table.mean("best rate", arm) for arm in SCHEMES},
        },
        f"{READINGS[answer]} {sizes(table, lead)}",
        rates=table,
    )


def sizes(table: Table, lead: Interval) -> str:
    """Set the lead against the margin, one picture, and the paper's data."""
    errors = np.unique(np.concatenate([table.values(ERROR, arm) for arm in SCHEMES]).round(6))
    told = (
        f"The lead is {fixed(lead.estimate)} points ({span(lead)}); the criterion asks for "
        f"{MARGIN} as an estimate, not as the interval's end"
    )
    if len(errors) > 1:
        told += f", and one picture is {fixed(np.diff(errors).min())} points"
    like = min(PUBLISHED, key=lambda name: abs(PUBLISHED[name] - lead.estimate))
    told += f". Of the paper's leads it is nearest to {like}'s"
    if like == "MNIST":
        told += ": both are digits, and easy, so that little error is left to take off"
    return f"{told}. The paper's networks were wider, and its other pictures are harder."


CLAIM = Claim(
    title="Glorot's law gives tanh networks a lower error",
    statement=(
        "Tanh networks of five hidden layers reach a lower test error from the normalized law than "
        "from the law that was standard before, each at its best rate."
    ),
    source="Glorot and Bengio 2010, table 1",
    experiment=(
        "Tanh networks of five layers of 128 units on digits, plain SGD in batches of 32, 40 "
        "epochs (15 if quick); each law at its own best of seven rates or more, fresh seeds, test "
        "rows. The paper: 1000 units on Shapeset, MNIST, CIFAR-10 and Small-ImageNet."
    ),
    criterion=(
        "Supported if the standard law errs more with certainty and by at least 0.3 points; "
        "refuted if it errs less than 0.3 points more (limit of the interval); otherwise we cannot "
        "tell."
    ),
    measure=measure,
    judge=judge,
    picture=Beside(
        pictures=(
            Lines(quantity=RESPONSE, x="learning rate", log_x=True, log=True),
            Strips(quantity=ERROR),
        )
    ),
    section="papers",
)
