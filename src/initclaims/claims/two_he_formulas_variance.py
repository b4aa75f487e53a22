"""The chapter gives He initialization twice and differently: which one keeps the variance?"""

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import Lab, Setup
from initclaims.laboratory.pictures import Lines
from initclaims.laboratory.signals import (
    FORWARD,
    by_layer,
    forward_scale,
    growth_per_layer,
    snapshot,
)
from initclaims.laboratory.table import Measurement, Table
from initsweep.statistics.intervals import mean_interval

DEPTH = 30
RATIO = "variance of a layer over that of the layer before"
PAPER, VARIANT = "he_normal", "he_textbook_variant"
NAMES = {PAPER: "σ = √(2/n)", VARIANT: "σ = √(1/n)"}


def measure(lab: Lab) -> list[Measurement]:
    """Follow the forward scale through 30 ReLU layers under both formulas."""
    setup = Setup(data=lab.data(), network=lab.mlp(DEPTH, 128), epochs=1)
    rows = []
    for scheme, arm in NAMES.items():
        for seed in lab.seeds(20, 5):
            layers = snapshot(lab, setup, scheme, seed).layers[:DEPTH]
            rows += by_layer(layers, FORWARD, forward_scale, arm=arm, seed=seed)
    return rows


def judge(table: Table) -> Judgement:
    """The one whose variance ratio per layer is nearer 1, if the other is a tenth off."""
    ratios = {
        arm: mean_interval(growth_per_layer(table, FORWARD, arm) ** 2) for arm in NAMES.values()
    }
    paper, variant = (ratios[NAMES[scheme]] for scheme in (PAPER, VARIANT))
    kept = abs(paper.estimate - 1) < 0.1 and variant.high < 0.9
    return judged(
        [kept],
        {
            f"{NAMES[PAPER]}: {RATIO}": (paper, "theory: 1"),
            f"{NAMES[VARIANT]}: {RATIO}": (variant, "theory: 0.5"),
        },
        (
            "The paper's σ = √(2/n) (bound √(6/n)) keeps the variance through ReLU layers. The "
            "chapter's other version, σ = √(1/n) (bound √(2/n) is smaller still, a variance of "
            "2/(3n)), loses half of it per layer."
        ),
    )


CLAIM = Claim(
    title="Of two He formulas, σ = √(2/n) keeps the variance",
    statement=(
        "The chapter states He initialization with σ = √(2/n) in one place and with σ = √(1/n) in "
        "another; only the first keeps the signal's variance in ReLU layers."
    ),
    source="Chapter, answers 5 and 7; He et al. 2015, section 2.2",
    experiment=(
        "Untrained ReLU networks of 30 layers of 128 units on digits under both formulas; the "
        "variance of the pre-activations, from layer to layer."
    ),
    criterion=(
        "Supported if the mean ratio per layer is within 0.1 of 1 for √(2/n) and below 0.9 with "
        "certainty for √(1/n); refuted otherwise."
    ),
    measure=measure,
    judge=judge,
    picture=Lines(
        quantity=FORWARD, x="layer", log=True, label="root mean square of the pre-activations"
    ),
    section="chapter",
)
