"""Starting many weights at zero to get a sparse network."""

from collections.abc import Mapping

import torch
from torch import Tensor

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import LOSS, beyond, measured, tune
from initclaims.laboratory.judging import first_that, judged
from initclaims.laboratory.lab import FRESH_SEED, Lab, Scheme, Setup
from initclaims.laboratory.pictures import Beside, Strips
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.trained import capped_loss
from initsweep.core.numbers import fixed

SPARSITY, NEAR, MARGIN = 0.9, 0.1, 0.05
START, END = "share of weights near zero at the start", "share of weights near zero"
EXACT = "share of weights at exactly zero"
PRUNED = "test loss with the tenth of largest weights"
SPARSE, DENSE = "nine tenths zero", "dense"
SCHEMES = {
    SPARSE: Scheme.named("sparse", sparsity=SPARSITY, gain="auto", std=None),
    DENSE: Scheme.named("he_normal"),
}
OPEN = "Whether half of them stay small is open."
READINGS = {
    "supported": "The loss of the whole network does not suffer.",
    "depends": "It has a price in loss.",
    "refuted": "Weights are kept sparse by a mask or a penalty, not by where they start.",
    "cannot tell": "Whether the loss of the whole network suffers is open.",
}


def measure(lab: Lab) -> list[Measurement]:
    """Tune both, then look at the weights before and after training."""
    setup = Setup(data=lab.data(), network=lab.mlp(3, 128), epochs=lab.pick(60, 20))
    rows = []
    for arm, scheme in SCHEMES.items():
        fresh = lab.pick(20, 6)
        tuned = tune(lab, setup, scheme, seeds=(lab.pick(3, 2), fresh))
        seeds = range(FRESH_SEED, FRESH_SEED + fresh)
        runs = lab.train(setup, scheme, [tuned.rate], seeds, split="test", keep_states=True)
        rows += measured(tuned, arm)
        for seed, state in runs.kept(tuned.rate):
            found = {
                START: near_zero(lab.state(setup, scheme, seed)),
                END: near_zero(state),
                EXACT: at_zero(state),
                PRUNED: capped_loss(setup, pruned(state)),
            }
            rows += [
                Measurement.of(arm, quantity, value, seed=seed) for quantity, value in found.items()
            ]
    return rows


def near_zero(state: Mapping[str, Tensor]) -> float:
    """Return the share of hidden weights below a tenth of their layer's root mean square."""
    near = [
        w.abs() < NEAR * w.square().mean().sqrt() for name, w in state.items() if is_hidden(name)
    ]
    return float(torch.cat([part.flatten() for part in near]).double().mean())


def at_zero(state: Mapping[str, Tensor]) -> float:
    """Return the share of hidden weights that are exactly zero."""
    zero = [(w == 0).flatten() for name, w in state.items() if is_hidden(name)]
    return float(torch.cat(zero).double().mean())


def pruned(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state with all but the tenth of largest weights of each hidden layer at zero."""
    return {
        name: w * (w.abs() > w.abs().quantile(SPARSITY)) if is_hidden(name) else w
        for name, w in state.items()
    }


def is_hidden(name: str) -> bool:
    """Return whether a parameter is the weight of a hidden layer."""
    return name.startswith("hidden") and name.endswith("weight")


def judge(table: Table) -> Judgement:
    """More than half of the zeros have to stay, and the loss must not suffer."""
    stayed = beyond(table.mean(END, SPARSE), SPARSITY / 2)
    price = table.difference(LOSS, SPARSE, DENSE)
    costs = beyond(price, MARGIN)
    answer = first_that(
        refuted=stayed is False,
        depends=stayed and costs is not None and costs,
        supported=stayed and costs is not None,
    )
    return judged(
        answer,
        {
            **{f"{arm}: {END} after training": table.mean(END, arm) for arm in SCHEMES},
            f"{SPARSE}: {START}": table.mean(START, SPARSE),
            f"{SPARSE}: {EXACT} after training": table.mean(EXACT, SPARSE),
            "test loss behind dense, each at its best rate, nats": price,
            **{f"{arm}: {PRUNED}": table.mean(PRUNED, arm) for arm in SCHEMES},
        },
        f"{zeros(table)} {READINGS[answer] if stayed is not None else OPEN}",
        on="what counts: weights stay small, at a price in loss",
        rates=table,
    )


def zeros(table: Table) -> str:
    """Say how many of the zeros stay, and what cutting the small weights costs."""
    exact, near, before, after, dense_before, dense_after = (
        table.mean(quantity, arm).estimate
        for quantity, arm in (
            (EXACT, SPARSE), (END, SPARSE), (LOSS, SPARSE), (PRUNED, SPARSE),
            (LOSS, DENSE), (PRUNED, DENSE),
        )
    )  # fmt: skip
    return (
        "A zero weight between two live units has a gradient like any other and leaves zero with "
        f"the first step: {100 * exact:.0f} % of all weights are still exactly zero after "
        f"training, and {100 * near:.0f} % are small. Setting {100 * SPARSITY:.0f} % to zero then "
        f"takes the test loss from {fixed(before)} to {fixed(after)} (dense: from "
        f"{fixed(dense_before)} to {fixed(dense_after)}). Exact zeros need a mask."
    )


CLAIM = Claim(
    title="Zeros are fine where a sparse network is wanted",
    statement="Starting many weights at zero is fine where a sparse network is wanted.",
    source="Chapter, answer 4",
    experiment=(
        "ReLU networks of three layers of 128 units on digits, with nine tenths of the weights at "
        "zero or dense from He, each at its own best rate, 60 epochs; how many hidden weights are "
        "below a tenth of their layer's root mean square, the test loss, and the test loss after "
        "setting all but the tenth of largest weights to zero."
    ),
    criterion=(
        "Supported if after training more than 0.45 of the weights are near zero, half of those "
        "that began there, and the loss is less than 0.05 nats behind dense; depends if they are "
        "and the loss is further behind; refuted if fewer are (limits of the intervals)."
    ),
    measure=measure,
    judge=judge,
    picture=Beside(
        pictures=(
            Strips(quantity=END, label="share of weights near zero, trained"),
            Strips(quantity=PRUNED, label="test loss after pruning, nats"),
        )
    ),
    section="chapter",
)
