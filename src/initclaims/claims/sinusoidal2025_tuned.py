"""Does the gain of sinusoidal weights survive when every scheme has its own best rate?"""

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import measured, tune
from initclaims.laboratory.judging import first_that, judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Beside, Strips
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.wording import listed
from initsweep.core.numbers import fixed
from initsweep.core.records import Interval

ACCURACY, UNTUNED = "test score", "validation accuracy at the rate 0.001"
DEFAULT, HE, ORTHOGONAL, SINUSOIDAL = "PyTorch's default", "He", "orthogonal", "sinusoidal"
SCHEMES = {
    DEFAULT: Scheme.named("torch_default"),
    HE: Scheme.named("he_normal"),
    ORTHOGONAL: Scheme.named("orthogonal", gain="auto"),
    SINUSOIDAL: Scheme.named("sinusoidal", scale="he"),
}
OTHERS = (ORTHOGONAL, HE, DEFAULT)
UNTRAINED = 0.2  # accuracy; guessing one of ten digits gives 0.1
FAR = 0.1
RATES = tuple(float(f"{10 ** (-4 + step / 2):.3g}") for step in range(9))  # 0.0001 to 1
FIXED = 0.001
DEPTHS = (3, 30)
MARGIN = 0.01


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
                Measurement.of(named(arm, depth), UNTUNED, score, seed=seed)
                for seed, score in enumerate(tuned.response.final_scores[at])
            ]
    return rows


def named(arm: str, depth: int) -> str:
    """Return the arm's name at a depth."""
    return f"{arm}, {depth} layers"


def judge(table: Table) -> Judgement:
    """At each depth the lead must hold against each of the three others."""
    leads = {
        (depth, other): table.difference(ACCURACY, named(SINUSOIDAL, depth), named(other, depth))
        for depth in sorted(DEPTHS, reverse=True)
        for other in OTHERS
    }
    holds = [all(leads[depth, other].low > MARGIN for other in OTHERS) for depth in DEPTHS]
    gone = [any(leads[depth, other].high < MARGIN for other in OTHERS) for depth in DEPTHS]
    answer = first_that(supported=all(holds), refuted=all(gone), depends=any(holds) and any(gone))
    untuned = {
        depth: table.difference(UNTUNED, named(SINUSOIDAL, depth), named(DEFAULT, depth))
        for depth in DEPTHS
    }
    return judged(
        answer,
        {
            **{
                f"{depth} layers, best rates: accuracy of sinusoidal minus {other}": lead
                for (depth, other), lead in leads.items()
            },
            **{
                f"{depth} layers, rate {FIXED} for both: sinusoidal minus {DEFAULT}": (
                    lead,
                    "0.049 on average over its networks",
                )
                for depth, lead in untuned.items()
            },
        },
        (
            "Each scheme has its own best rate. "
            + " ".join(standing(table, depth, leads) for depth in DEPTHS)
            + at_one_rate(untuned)
        ),
        on="depth",
        rates=table,
    )


def standing(table: Table, depth: int, leads: dict[tuple[int, str], Interval]) -> str:
    """Say which of the others the sinusoidal weights lead at a depth, and by how much."""
    told = []
    ahead = [other for other in OTHERS if leads[depth, other].low > MARGIN]
    for other in ahead:
        fails = table.mean(ACCURACY, named(other, depth)).high < UNTRAINED
        told.append(
            f"ahead of {other}, which does not train"
            if fails
            else f"ahead of {other} by {points(leads[depth, other].estimate)}"
        )
    caught = [other for other in OTHERS if leads[depth, other].high < MARGIN]
    if caught:
        told.append(f"less than a point ahead of {listed(caught)}, if at all")
    told += [
        f"level with {other} within about {points(width(leads[depth, other]))}, so that a lead of "
        "one point is open"
        for other in OTHERS
        if other not in (*ahead, *caught)
    ]
    return f"With {depth} layers sinusoidal weights are {'; '.join(told)}."


def width(lead: Interval) -> float:
    """Return how far an interval reaches from zero."""
    return max(abs(lead.low), abs(lead.high))


def points(share: float) -> str:
    """Return a difference of accuracies in points."""
    return f"{fixed(100 * share, 1)} points"


def at_one_rate(untuned: dict[int, Interval]) -> str:
    """Say what one common rate makes of it."""
    each = [f"{fixed(lead.estimate)} with {depth} layers" for depth, lead in untuned.items()]
    told = f" At the common rate of {FIXED} they are ahead of {DEFAULT} by {listed(each)}"
    if min(lead.estimate for lead in untuned.values()) > FAR:
        told += (
            ", far more than in the paper: at this rate plain networks do not train far from the "
            "default's weights in so few steps"
        )
    return told + "."


CLAIM = Claim(
    title="Sinusoidal weights lead even at tuned rates",
    statement=(
        "Sinusoidal weights reach a higher accuracy than random ones. The paper compares at one "
        "learning rate per network for all schemes; here each has its own."
    ),
    source="Fernández-Hernández et al. 2025, tables of accuracy; our question: when tuned?",
    experiment=(
        "ReLU networks of 3 and 30 layers of 128 units on digits, SGD with momentum, 320 steps (80 "
        "if quick); four schemes, each at its own best of nine rates or more over four decades, "
        "fresh seeds, test rows; besides, all at the rate 0.001. The paper: convolutional networks "
        "and transformers."
    ),
    criterion=(
        "Supported if at both depths sinusoidal leads each of the three others by more than one "
        "point of accuracy (limits of the intervals); refuted if at both depths at least one other "
        "is less than one point behind; depends if it leads at one depth and is caught at the "
        "other."
    ),
    measure=measure,
    judge=judge,
    picture=Beside(
        pictures=tuple(
            Strips(
                quantity=ACCURACY,
                label="test accuracy at the best rate",
                arms=tuple(named(arm, depth) for arm in SCHEMES),
                suffix=named("", depth),
            )
            for depth in DEPTHS
        ),
        titles=tuple(f"{depth} layers" for depth in DEPTHS),
    ),
    section="papers",
)
