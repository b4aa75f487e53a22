"""Uniform or normal weights: at equal variance it makes no difference."""

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import all_of, close, contest
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import Lab, Setup
from initclaims.laboratory.pictures import Strips
from initclaims.laboratory.table import Measurement, Table

LOSS = "test loss"
FAMILIES = ("he", "xavier", "lecun")
MARGIN = 0.05
READINGS = {
    "supported": "What counts is the variance; the shape of the distribution does not show.",
    "refuted": "At equal variance one of the two shapes is better by more than the margin.",
    "cannot tell": "No difference beyond the margin was found, and none could be excluded.",
}
RATES = (0.003, 0.01, 0.03, 0.1, 0.3)


def measure(lab: Lab) -> list[Measurement]:
    """Tune and test both distributions of three families on a ReLU network."""
    setup = Setup(data=lab.data(), network=lab.mlp(3, 128), epochs=lab.pick(30, 10))
    names = [f"{family}_{shape}" for family in FAMILIES for shape in ("normal", "uniform")]
    schemes = {name: name for name in names}
    return contest(lab, setup, schemes, seeds=lab.pick((5, 30), (2, 8)), rates=RATES)


def judge(table: Table) -> Judgement:
    """Equivalent where the interval of the difference lies within the margin."""
    differences = {
        family: table.difference(LOSS, f"{family}_uniform", f"{family}_normal")
        for family in FAMILIES
    }
    return judged(
        [all_of([close(d, MARGIN) for d in differences.values()])],
        {
            f"{family}: test loss of uniform minus normal, nats": difference
            for family, difference in differences.items()
        },
        READINGS,
        rates=table,
    )


CLAIM = Claim(
    title="Uniform and normal weights do equally well",
    statement="At equal variance uniform and normal weights train equally well.",
    source="Chapter, answer 5",
    experiment=(
        "A ReLU network of three layers of 128 units on digits from both shapes of He, Xavier and "
        "LeCun, each at its own best of five rates or more, compared on fresh seeds and test rows."
    ),
    criterion=(
        "Supported if for all three the interval of the paired difference lies within 0.05 nats; "
        "refuted if one lies beyond; otherwise we cannot tell."
    ),
    measure=measure,
    judge=judge,
    picture=Strips(quantity=LOSS, label="test loss, nats"),
    section="chapter",
)
