"""Zero weights in a linear model: no symmetry to break."""

from functools import partial

from torch import nn

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import all_of, contest, within
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import Lab, Setup
from initclaims.laboratory.pictures import Strips
from initclaims.laboratory.table import Measurement, Table

LOSS, MARGIN = "test loss", 0.02
ZERO, RANDOM = "zeros", "xavier_normal"
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
DATA = ("digits", "breast_cancer", "wine")
READINGS = {
    "supported": (
        "A linear model's loss has no other local minima and no copies of units, so where it "
        "starts does not matter; zero even is the natural start."
    ),
    "refuted": "On at least one data set the linear model from zeros is worse.",
    "cannot tell": "A difference beyond the margin was neither found nor excluded.",
}


def measure(lab: Lab) -> list[Measurement]:
    """Tune and test softmax regression from zeros and from Xavier on three data sets."""
    rows = []
    for name in DATA:
        data = lab.data(name)
        setup = Setup(
            data=data,
            network=partial(nn.Linear, data.n_features, data.n_outputs),
            epochs=lab.pick(60, 20),
            batch_size=32,
        )
        schemes = {f"{name}, {scheme}": scheme for scheme in (ZERO, RANDOM)}
        rows += contest(lab, setup, schemes, seeds=lab.pick((5, 20), (2, 5)), rates=RATES)
    return rows


def judge(table: Table) -> Judgement:
    """Fine means: no more than the margin behind, on all data sets."""
    behind = {n: table.difference(LOSS, f"{n}, {ZERO}", f"{n}, {RANDOM}") for n in DATA}
    return judged(
        [all_of([within(difference, MARGIN) for difference in behind.values()])],
        {
            f"{name}: test loss of zeros minus Xavier, nats": difference
            for name, difference in behind.items()
        },
        READINGS,
        rates=table,
    )


CLAIM = Claim(
    title="Zero weights are fine for linear models",
    statement="A linear model may start from zero: it has no hidden units to tell apart.",
    source="Chapter, answer 4",
    experiment=(
        "Softmax regression on digits, breast cancer and wine, from zeros and from Xavier, each at "
        "its own best of six rates or more, fresh seeds, test rows."
    ),
    criterion=(
        "Supported if zeros end less than 0.02 nats behind Xavier on all three (limits of the "
        "intervals); refuted if more on one; otherwise we cannot tell."
    ),
    measure=measure,
    judge=judge,
    picture=Strips(quantity=LOSS, label="test loss, nats"),
    section="chapter",
)
