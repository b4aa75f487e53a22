"""Does the best rate stay where it is when the network gets wider, under muP and without?"""

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import Lab, Scheme
from initclaims.laboratory.pictures import Beside, Lines
from initclaims.laboratory.sizes import RATE, carries_over, measured_over, moved, told
from initclaims.laboratory.table import Measurement, Table

WIDTHS = (64, 128, 256, 512)
STANDARD, MUP = "standard", "muP"
OPTIMIZERS = ("adam", "sgd")
PUBLISHED = {STANDARD: "-1, at infinite width", MUP: "0"}


def measure(lab: Lab) -> list[Measurement]:
    """Find the best rates of both at every width, by both optimizers."""
    schemes = {
        STANDARD: Scheme.named("he_normal"),
        MUP: Scheme.named("mup", base_width=WIDTHS[0]),
    }
    networks = {width: lab.mlp(3, width) for width in lab.pick(WIDTHS, WIDTHS[:3])}
    rows = []
    for optimizer in OPTIMIZERS:
        seeds = lab.pick(10, 4)
        rows += measured_over(lab, networks, schemes, optimizer, seeds=seeds, epochs=5)
    return rows


def judge(table: Table) -> Judgement:
    """The rate of muP has to stay, and the standard one to fall."""
    rates = {
        arm: moved(table, arm)
        for arm in [f"{one}, {name}" for one in OPTIMIZERS for name in (STANDARD, MUP)]
    }
    return judged(
        [carries_over(table, one, MUP, STANDARD) for one in OPTIMIZERS],
        told(table, PUBLISHED),
        (
            "Mean best rates at the least and at the greatest width: "
            + "; ".join(f"{arm}: {text}" for arm, text in rates.items())
            + ". The published power is a limit of wide networks; at the widths of small ones "
            "input and output layers still count."
        ),
        on="the optimizer",
    )


CLAIM = Claim(
    title="Under muP the best rate carries over to wider networks",
    statement=(
        "With muP's scales and rates the best learning rate of a narrow network is that of a wide "
        "one; with the standard parametrization it falls with the width."
    ),
    source="Yang et al. 2022 (Tensor Programs V), figures 1 and 3",
    experiment=(
        "ReLU networks of three layers of 64 to 512 units on digits, He's normal weights and muP "
        "with a base of 64 of these units, Adam and SGD with momentum, 5 epochs, training loss. "
        "Each seed's best rate is the lowest point of a parabola through its response, and each "
        "seed's exponent the slope of the logarithm of its best rate."
    ),
    criterion=(
        "Holds for an optimizer if muP's exponent lies within 0.33 of 0, a factor of two over "
        "eight times the width, and the standard one below -0.33 (limits of the intervals); does "
        "not if one lies on the other side. Supported if it holds for both optimizers, refuted if "
        "for neither, depends if for one."
    ),
    measure=measure,
    judge=judge,
    picture=Beside(
        pictures=tuple(
            Lines(
                quantity=RATE, x="width, units", log=True, log_x=True,
                arms=(f"{one}, {STANDARD}", f"{one}, {MUP}"),
            )
            for one in OPTIMIZERS
        ),
        titles=("Adam", "SGD"),
    ),
    section="papers",
)  # fmt: skip
