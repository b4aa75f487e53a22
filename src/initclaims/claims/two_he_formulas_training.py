"""The chapter gives He initialization twice and differently: which one trains a deep network?"""

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import TRAIN, beyond, contest
from initclaims.laboratory.judging import first_that, judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Strips
from initclaims.laboratory.table import Measurement, Table

DEPTH, WIDTH, FAILED = 30, 64, 1.0
PAPER = ("normal, σ = √(2/n)", "uniform, bound √(6/n)")
VARIANT = ("normal, σ = √(1/n)", "uniform, bound √(2/n)")
SCHEMES = {
    PAPER[0]: Scheme.named("he_normal"),
    PAPER[1]: Scheme.named("he_uniform"),
    VARIANT[0]: Scheme.named("he_textbook_variant", distribution="normal"),
    VARIANT[1]: Scheme.named("he_textbook_variant", distribution="uniform"),
}
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
READINGS = {
    "supported": (
        "Only the paper's variance 2/n trains 30 ReLU layers at this length. With 1/n the signal "
        "loses half of its variance per layer, with the uniform version's 2/(3n) two thirds; at "
        "any learning rate that takes many more steps to make up for, if it can be."
    ),
    "depends": "One of the chapter's two versions of the smaller variance trains as well.",
    "refuted": "The smaller variance trains 30 layers too, or the paper's does not.",
    "cannot tell": "At this budget it is not certain which of the formulas train.",
}


def measure(lab: Lab) -> list[Measurement]:
    """Tune and test both formulas in both shapes on 30 ReLU layers."""
    network = lab.mlp(DEPTH, WIDTH)
    setup = Setup(data=lab.data(), network=network, epochs=lab.pick(100, 40))
    return contest(
        lab, setup, SCHEMES, seeds=lab.pick((3, 20), (2, 5)), rates=RATES, on_training_rows=True
    )


def judge(table: Table) -> Judgement:
    """Both of the paper's must learn, and neither of the others."""
    fails = {arm: beyond(table.mean(TRAIN, arm), FAILED) for arm in SCHEMES}
    paper, variant = ([fails[arm] for arm in arms] for arms in (PAPER, VARIANT))
    answer = first_that(
        refuted=True in paper or variant == [False, False],
        supported=paper == [False, False] and variant == [True, True],
        depends=paper == [False, False] and None not in variant,
    )
    return judged(
        answer,
        {f"{arm}: training loss at its best rate, nats": table.mean(TRAIN, arm) for arm in SCHEMES},
        READINGS,
        on="the distribution",
        rates=table,
    )


CLAIM = Claim(
    title="Of two He formulas, only σ = √(2/n) trains 30 layers",
    statement=(
        "The chapter's two He formulas are not the same: σ = √(2/n) (or the bound √(6/n)) trains "
        "deep ReLU networks, σ = √(1/n) (or the bound √(2/n)) does not."
    ),
    source="Our claim about the chapter, answers 5 and 7; He et al. 2015, section 2.2",
    experiment=(
        "ReLU networks of 30 layers of 64 units on digits from both formulas in both shapes, each "
        "at its own best rate, 100 epochs, fresh seeds, training rows."
    ),
    criterion=(
        "A scheme trains if its training loss is below 1 nat with certainty (guessing costs 2.3), "
        "and does not if it is above. Supported if both of the paper's train and neither of the "
        "others; depends if one of the others trains; refuted if both do, or one of the paper's "
        "does not."
    ),
    measure=measure,
    judge=judge,
    picture=Strips(quantity=TRAIN, label="training loss, nats", reference=(2.303, "guessing")),
    section="chapter",
)
