"""A zero head on a pretrained network: one of the cases where zero is said to be fine."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

from torch import Tensor

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import contest, verdict, within
from initclaims.laboratory.data import Data, guessing
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import FRESH_SEED, Lab, Scheme, Setup
from initclaims.laboratory.pictures import Strips
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.wording import span
from initsweep.core.numbers import fixed
from initsweep.core.records import Interval
from initsweep.engine.lanes import Split

LOSS, MARGIN = "test loss", 0.03
ZERO, RANDOM, SCRATCH = "pretrained, zero head", "pretrained, He head", "He from scratch"
PRETRAINING_RATE = 0.01
RATES = (0.001, 0.003, 0.01, 0.03, 0.1)
READINGS = {
    "supported": (
        "Below a zero head the features differ, so its units get different gradients at once, and "
        "the layers below follow one step later."
    ),
    "refuted": "The zero head ends behind the random one by more than the margin.",
    "cannot tell": "A difference beyond the margin was neither found nor excluded.",
}


def measure(lab: Lab) -> list[Measurement]:
    """Pretrain on digits 0 to 4, then learn 5 to 9 with a new head, all layers trained."""
    network = lab.mlp(3, 128)
    old, new = (part(lab.data(), first) for first in (0, 5))
    pretraining = Setup(data=old, network=network, epochs=lab.pick(30, 10), batch_size=32)
    setup = Setup(data=new, network=network, epochs=lab.pick(30, 10), batch_size=32)
    tuning, fresh = lab.pick(5, 2), lab.pick(30, 6)
    seeds = [*range(tuning), *range(FRESH_SEED, FRESH_SEED + fresh)]
    runs = lab.train(pretraining, "he_normal", [PRETRAINING_RATE], seeds, keep_states=True)
    backbones = dict(runs.kept(PRETRAINING_RATE))

    @cache
    def scratch(seed: int) -> Mapping[str, Tensor]:
        return lab.state(setup, "he_normal", seed)

    def with_head(seed: int, factor: float) -> dict[str, Tensor]:
        head = {n: factor * v for n, v in scratch(seed).items() if n.startswith("head")}
        return {**backbones[seed], **head}

    weights: dict[str, Callable[[int], Mapping[str, Tensor]]] = {
        ZERO: lambda seed: with_head(seed, 0.0),
        RANDOM: lambda seed: with_head(seed, 1.0),
        SCRATCH: scratch,
    }
    schemes = {arm: Scheme(label=arm, weights=drawn) for arm, drawn in weights.items()}
    return contest(lab, setup, schemes, seeds=(tuning, fresh), rates=RATES)


def part(data: Data, first: int) -> Data:
    """Return the five classes from `first` up, numbered from 0."""
    splits = {}
    for name, split in data.splits.items():
        chosen = (split.targets >= first) & (split.targets < first + 5)
        splits[name] = Split(features=split.features[chosen], targets=split.targets[chosen] - first)
    constant = guessing(splits, 5)
    name = f"{data.name} {first} to {first + 4}"
    return replace(data, name=name, splits=splits, constant_loss=constant, n_outputs=5)


def judge(table: Table) -> Judgement:
    """Fine means: no more than the margin behind a random head."""
    behind = table.difference(LOSS, ZERO, RANDOM)
    gain = table.difference(LOSS, SCRATCH, ZERO)
    answer = verdict([within(behind, MARGIN)])
    return judged(
        answer,
        {
            "test loss of the zero head minus He's head, nats": behind,
            "test loss that the zero head gains over no pretraining": gain,
        },
        f"{READINGS[answer]} {pretraining(gain)}",
        rates=table,
    )


def pretraining(gain: Interval) -> str:
    """Say whether there was anything to transfer."""
    told = f"{fixed(gain.estimate, 3)} nats, {span(gain, 3)}"
    if gain.low > 0:
        return f"Pretraining itself gained {told}."
    if gain.high < 0:
        return f"Pretraining itself cost more than it gained ({told})."
    return (
        f"Pretraining itself gained nothing here ({told}): there was little to transfer, whatever "
        "the head."
    )


CLAIM = Claim(
    title="A zero head is fine on a pretrained network",
    statement="When a pretrained network gets a new head, that head may start from zero.",
    source="Chapter, answer 4",
    experiment=(
        "A ReLU network of three layers of 128 units is trained on the digits 0 to 4, then gets a "
        "new head for 5 to 9 and all of it is trained on; zero head, He's head and no pretraining, "
        "each at its own best of five rates or more, fresh seeds, test rows."
    ),
    criterion=(
        "Supported if the zero head ends less than 0.03 nats behind He's (limit of the interval); "
        "refuted if more; otherwise we cannot tell."
    ),
    measure=measure,
    judge=judge,
    picture=Strips(quantity=LOSS, label="test loss, nats"),
    section="chapter",
)
