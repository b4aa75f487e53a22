"""Uniform or normal weights: at equal variance it makes no difference."""

from initsweep.claims import CLAIMS, Answer, Claim, Effect, Judgement
from initsweep.laboratory.lab import Lab, Scheme, Setup
from initsweep.laboratory.pictures import Strips
from initsweep.laboratory.table import Measurement, Table

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
    rows = []
    for family in FAMILIES:
        for shape in ("normal", "uniform"):
            scheme = Scheme.named(f"{family}_{shape}")
            tuned = lab.tuned(
                setup, scheme, RATES, tuning_seeds=lab.pick(5, 2), fresh_seeds=lab.pick(30, 8)
            )
            rows += tuned.measured()
    return rows


def judge(table: Table) -> Judgement:
    """Equivalent where the interval of the difference lies within the margin."""
    differences = {
        family: table.difference(LOSS, f"{family}_uniform", f"{family}_normal")
        for family in FAMILIES
    }
    inside = [d.low > -MARGIN and d.high < MARGIN for d in differences.values()]
    outside = [d.low > MARGIN or d.high < -MARGIN for d in differences.values()]
    answer: Answer = "supported" if all(inside) else "refuted" if any(outside) else "cannot tell"
    return Judgement(
        answer=answer,
        effects=[
            Effect(name=f"{family}: test loss of uniform minus normal, nats", value=difference)
            for family, difference in differences.items()
        ],
        reading=READINGS[answer],
    )


CLAIMS.add(
    "uniform_equals_normal",
    Claim(
        title="Uniform and normal weights do equally well",
        statement="At equal variance uniform and normal weights train equally well.",
        source="Chapter, answer 5",
        experiment=(
            "A ReLU network of three layers of 128 units on digits from both shapes of He, Xavier "
            "and LeCun, each at its own best of five rates, compared on fresh seeds and test rows."
        ),
        criterion=(
            "Supported if for all three the interval of the paired difference lies within 0.05 "
            "nats; refuted if one lies beyond; otherwise we cannot tell."
        ),
        measure=measure,
        judge=judge,
        picture=Strips(quantity=LOSS, label="test loss, nats"),
        section="chapter",
    ),
)
