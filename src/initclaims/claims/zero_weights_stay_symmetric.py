"""Equal weights: the units of a layer stay copies of one another through training."""

import torch

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Strips
from initclaims.laboratory.table import Measurement, Table

EQUAL = (Scheme.named("zeros"), Scheme.named("constant", value=0.1))
RANDOM = Scheme.named("xavier_normal")
RATE = 0.03
UNITS = "distinct units after training"


def measure(lab: Lab) -> list[Measurement]:
    """Train a tanh network and count the different rows of its second hidden layer."""
    network = lab.mlp(3, 64, activation="tanh")
    setup = Setup(data=lab.data(), network=network, epochs=lab.pick(30, 10))
    rows = []
    for scheme in (*EQUAL, RANDOM):
        runs = lab.train(setup, scheme, [RATE], lab.seeds(10, 3), keep_states=True)
        for seed, state in runs.kept(RATE):
            units = len(torch.unique(state["hidden.1.linear.weight"], dim=0))
            rows.append(  # a count, written without decimals
                Measurement(arm=scheme.label, quantity=UNITS, setting=0.0, seed=seed, value=units)
            )
    return rows


def judge(table: Table) -> Judgement:
    """Supported if equal weights leave one unit under every seed, and random ones all 64."""
    equal = max(table.values(UNITS, scheme.label).max() for scheme in EQUAL)
    drawn = table.values(UNITS, RANDOM.label).min()
    return judged(
        [bool(equal == 1 and drawn == 64)],
        {
            "most distinct units of 64 from equal weights": equal,
            "fewest distinct units of 64 from random weights": drawn,
        },
        (
            "Equal weights give equal gradients, so training moves all units of a layer alike; "
            "to the last bit here, because every unit is computed by the same operations."
        ),
    )


CLAIM = Claim(
    title="Equal weights stay equal",
    statement=(
        "If all weights of a layer start equal, its units compute and learn the same thing for "
        "ever: a wide layer is worth one unit."
    ),
    source="Chapter, answers 1, 2 and 4",
    experiment=(
        "A tanh network of three layers of 64 units, trained on digits from zeros, from 0.1 "
        "everywhere and from Xavier; the different rows of the second hidden layer's weights are "
        "counted afterwards."
    ),
    criterion=(
        "Supported if under every seed one distinct unit is left of equal weights and all 64 of "
        "random ones; refuted otherwise."
    ),
    measure=measure,
    judge=judge,
    picture=Strips(quantity=UNITS, limits=(0, 66)),
    section="chapter",
)
