"""Does the gain of sinusoidal weights survive when every scheme has its own best rate?"""

from initsweep.claims import CLAIMS, Answer, Claim, Effect, Judgement
from initsweep.laboratory.contest import edges, measured, tune
from initsweep.laboratory.lab import Lab, Scheme, Setup
from initsweep.laboratory.pictures import Beside, Strips
from initsweep.laboratory.table import Measurement, Table

ACCURACY, UNTUNED = "test score", "validation accuracy at the rate 0.001"
DEFAULT, HE, ORTHOGONAL, SINUSOIDAL = "PyTorch's default", "He", "orthogonal", "sinusoidal"
SCHEMES = {
    DEFAULT: Scheme.named("torch_default"),
    HE: Scheme.named("he_normal"),
    ORTHOGONAL: Scheme.named("orthogonal", gain="auto"),
    SINUSOIDAL: Scheme.named("sinusoidal", scale="he"),
}
OTHERS = (DEFAULT, HE, ORTHOGONAL)
RATES = tuple(float(f"{10 ** (-4 + step / 2):.3g}") for step in range(9))  # 0.0001 to 1
FIXED = 0.001
DEPTHS = (3, 30)
MARGIN = 0.01
READINGS = {
    "supported": "The gain is no matter of the rate: it remains at both depths.",
    "refuted": (
        "At one common rate the schemes differ, because that rate suits one better than another. "
        "With each at its own best rate the sinusoidal weights lead nowhere by the margin."
    ),
    "depends": (
        "It depends on depth. With each scheme at its own best rate the sinusoidal weights lead "
        "by the margin at {leading} layers only. What the paper sees at one common rate is at the "
        "other depth a matter of the rate: it suits one scheme and is too low for another."
    ),
    "cannot tell": "The intervals leave open whether a lead of one point remains.",
}


def measure(lab: Lab) -> list[Measurement]:
    """Tune and test the four schemes at both depths, and note what one fixed rate gives."""
    rows = []
    for depth in DEPTHS:
        setup = Setup(data=lab.images(), network=lab.mlp(depth, 128), epochs=lab.pick(40, 10))
        for arm, scheme in SCHEMES.items():
            tuned = tune(lab, setup, scheme, RATES, seeds=lab.pick((3, 15), (1, 4)))
            rows += measured(tuned, named(arm, depth))
            at = tuned.response.at(FIXED)
            rows += [
                Measurement(
                    arm=named(arm, depth), quantity=UNTUNED, setting=0.0, seed=seed,
                    value=float(score),
                )
                for seed, score in enumerate(tuned.response.final_scores[at])
            ]  # fmt: skip
    return rows


def named(arm: str, depth: int) -> str:
    """Return the arm's name at a depth."""
    return f"{arm}, {depth} layers"


def judge(table: Table) -> Judgement:
    """At each depth the lead must hold against each of the three others."""
    leads = {
        (depth, other): table.difference(ACCURACY, named(SINUSOIDAL, depth), named(other, depth))
        for depth in DEPTHS
        for other in OTHERS
    }
    holds = [all(leads[depth, other].low > MARGIN for other in OTHERS) for depth in DEPTHS]
    gone = [any(leads[depth, other].high < MARGIN for other in OTHERS) for depth in DEPTHS]
    answer: Answer = "cannot tell"
    if all(holds):
        answer = "supported"
    elif all(gone):
        answer = "refuted"
    elif any(holds) and any(gone):
        answer = "depends"
    untuned = {
        depth: table.difference(UNTUNED, named(SINUSOIDAL, depth), named(DEFAULT, depth))
        for depth in DEPTHS
    }
    return Judgement(
        answer=answer,
        effects=[
            *(
                Effect(
                    name=f"{depth} layers, best rates: accuracy of sinusoidal minus {other}",
                    value=lead,
                )
                for (depth, other), lead in leads.items()
            ),
            *(
                Effect(
                    name=f"{depth} layers, rate {FIXED} for both: sinusoidal minus {DEFAULT}",
                    value=lead,
                    published="0.049 on average over its networks",
                )
                for depth, lead in untuned.items()
            ),
            *edges(table),
        ],
        reading=READINGS[answer].format(
            leading=" and ".join(str(d) for d, held in zip(DEPTHS, holds, strict=True) if held)
        ),
    )


CLAIMS.add(
    "sinusoidal2025_tuned",
    Claim(
        title="Sinusoidal weights lead even at tuned rates",
        statement=(
            "Sinusoidal weights reach a higher accuracy than random ones. The paper compares at "
            "one learning rate per network for all schemes; here each has its own."
        ),
        source="Fernández-Hernández et al. 2025, tables of accuracy; our question: when tuned?",
        experiment=(
            "ReLU networks of 3 and 30 layers of 128 units on digits, SGD with momentum, 320 "
            "steps (80 if quick); four schemes, each at its own best of nine rates or more over "
            "four decades, fresh seeds, test rows; besides, all at the rate 0.001. The paper: "
            "convolutional networks and transformers."
        ),
        criterion=(
            "Supported if at both depths sinusoidal leads each of the three others by more than "
            "one point of accuracy (limits of the intervals); refuted if at both depths at least "
            "one other is less than one point behind; depends if it leads at one depth and is "
            "caught at the other."
        ),
        measure=measure,
        judge=judge,
        picture=Beside(
            pictures=tuple(
                Strips(
                    quantity=ACCURACY,
                    label="test accuracy at the best rate",
                    arms=tuple(named(arm, depth) for arm in SCHEMES),
                )
                for depth in DEPTHS
            ),
        ),
        section="papers",
    ),
)
