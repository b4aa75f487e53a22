"""Partial identities cap the rank of what a layer can learn; ZerO's Hadamard matrix does not."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import respond
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import FRESH_SEED, Lab, Scheme, Setup
from initclaims.laboratory.pictures import Strips
from initclaims.laboratory.table import Measurement, Table

RANK = "rank of what a layer learned, over the number of inputs"
ACCURACY = "test accuracy"
LAYER = "hidden.1.linear.weight"
IDENTITY, HADAMARD, RANDOM = "partial identity", "ZerO (Hadamard)", "He"
SCHEMES = {
    IDENTITY: Scheme.named("identity"),
    HADAMARD: Scheme.named("zero_hadamard"),
    RANDOM: Scheme.named("he_normal"),
}
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
TOLERANCE = 1e-4  # of the largest singular value; rounding in float32 stays below it
READINGS = {
    "supported": (
        "Units beyond the number of inputs are zero under partial identities, get no gradient and "
        "stay zero, so the network is as narrow as its input for ever. The Hadamard matrix of the "
        "widening layer makes them differ without any chance."
    ),
    "refuted": "The rank is not capped by the partial identity, or the others do not exceed it.",
    "depends": "Partial identities cap the rank, but not all of the others exceed the cap.",
}


def measure(lab: Lab) -> list[Measurement]:
    """Train wide networks and take the rank of the second layer's change."""
    rows = []
    for width in lab.pick((128, 256), (128,)):
        setup = Setup(
            data=lab.images(), network=lab.mlp(3, width), epochs=lab.pick(30, 20), batch_size=32
        )
        for arm, scheme in SCHEMES.items():
            rows += ranks(lab, setup, arm, scheme, width)
    return rows


def ranks(lab: Lab, setup: Setup, arm: str, scheme: Scheme, width: int) -> list[Measurement]:
    """Return rank and accuracy at the scheme's best rate, for every seed."""
    best = respond(lab, setup, scheme, RATES, seeds=lab.pick(3, 1)).best_rate
    seeds = range(FRESH_SEED, FRESH_SEED + lab.pick(5, 2))
    runs = lab.train(setup, scheme, [best], seeds, split="test", keep_states=True)
    start: Callable[[int], Mapping[str, Tensor]] = lambda seed: lab.state(setup, scheme, seed)  # noqa: E731
    rows = [Measurement.of(arm, "best rate", best, setting=width)]
    for seed, state in runs.kept(best):
        values = torch.linalg.svdvals((state[LAYER] - start(seed)[LAYER]).double())
        rank = int((values > TOLERANCE * values[0]).sum())
        found = {
            RANK: rank / setup.data.n_features,
            ACCURACY: float(runs.final_scores[0, runs.seeds.index(seed)]),
        }
        rows += [
            Measurement.of(arm, quantity, value, seed=seed, setting=width)
            for quantity, value in found.items()
        ]
    return rows


def judge(table: Table) -> Judgement:
    """The cap is the number of inputs, at every width."""
    widths = table.settings(RANK, IDENTITY)
    capped = all(table.values(RANK, IDENTITY, width).max() <= 1 for width in widths)
    above = [
        bool(table.values(RANK, arm, width).min() > 1)
        for arm in (HADAMARD, RANDOM)
        for width in widths
    ]
    widest = widths[-1]
    return judged(
        [capped and more for more in above],
        {
            **{
                f"{arm}, width {widest:.0f}: {RANK}": (
                    table.mean(RANK, arm, widest),
                    "at most 1" if arm == IDENTITY else "above 1",
                )
                for arm in SCHEMES
            },
            **{
                f"{arm}, width {widest:.0f}: {ACCURACY}": table.mean(ACCURACY, arm, widest)
                for arm in SCHEMES
            },
        },
        READINGS,
        on="the scheme",
    )


CLAIM = Claim(
    title="Partial identities cap the rank, Hadamard does not",
    statement=(
        "In a network wider than its input, hidden layers that start from partial identities learn "
        "changes of a rank no higher than the number of inputs; with ZerO's Hadamard matrix, or "
        "random weights, the rank grows beyond it."
    ),
    source="Zhao et al. 2021 (ZerO), section on rank, and the notebook of its authors",
    experiment=(
        "ReLU networks of three layers of 128 and 256 units (128 if quick) on digits with their 64 "
        "inputs, each scheme at its own best of six rates or more; the rank of the second layer's "
        "weights minus their start, counting singular values above 10⁻⁴ of the largest. The paper: "
        "MNIST, 784 inputs, 2048 units."
    ),
    criterion=(
        "Supported if at every width the rank is at most 64 from partial identities in all seeds, "
        "and above 64 from ZerO and from He in all seeds; depends if the cap holds but the others "
        "do not all exceed it; otherwise refuted."
    ),
    measure=measure,
    judge=judge,
    picture=Strips(
        quantity=RANK,
        setting="greatest",
        label="rank / inputs, greatest width",
        reference=(1.0, "number of inputs"),
    ),
    section="papers",
)
