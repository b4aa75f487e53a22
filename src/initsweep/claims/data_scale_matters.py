"""Features a hundred times too large or too small: what becomes of rates, schemes and losses?"""

from dataclasses import replace

from initsweep.claims import CLAIMS, Claim, Effect, Judgement, depends_on
from initsweep.engine.lanes import Split
from initsweep.laboratory.contest import (
    LOSS,
    best_arm,
    beyond,
    contest,
    edges,
    half_decade,
    verdict,
)
from initsweep.laboratory.data import Data
from initsweep.laboratory.lab import Lab, Scheme, Setup
from initsweep.laboratory.pictures import Lines
from initsweep.laboratory.table import Measurement, Table
from initsweep.records import Interval
from initsweep.statistics.intervals import mean_interval

MARGIN = 0.05
FACTORS = {0.01: 1e-1, 1.0: 1e-2, 100.0: 1e-6}
"""What features are multiplied by, and where the search for the best rate begins."""
SCHEMES = {
    "He": Scheme.named("he_normal"),
    "Xavier": Scheme.named("xavier_normal"),
    "LSUV": Scheme.named("lsuv", batch_size=256),
    "PyTorch's default": Scheme.named("torch_default"),
}


def measure(lab: Lab) -> list[Measurement]:
    """Tune four schemes on standardized, on larger and on smaller features."""
    rows = []
    for factor, start in FACTORS.items():
        setup = Setup(
            data=scaled(lab.data(), factor), network=lab.mlp(3, 64), epochs=lab.pick(30, 10)
        )
        rates = [half_decade(start, step) for step in range(-1, 4)]
        seeds = lab.pick((3, 20), (2, 6))
        rows += contest(lab, setup, SCHEMES, seeds=seeds, rates=rates, setting=factor)
    return rows


def scaled(data: Data, factor: float) -> Data:
    """Return data whose features are multiplied by a factor."""
    splits = {
        name: Split(features=split.features * factor, targets=split.targets)
        for name, split in data.splits.items()
    }
    return replace(data, name=f"{data.name} times {factor:g}", splits=splits)


def judge(table: Table) -> Judgement:
    """Even at its best rate He must lose by features that are too large, and by too small ones."""
    prices = {factor: mean_price(table, "He", factor) for factor in (100.0, 0.01)}
    answer = verdict([beyond(price, MARGIN) for price in prices.values()])
    rates = {f: table.values("best rate", "He", f)[0] for f in FACTORS}
    best = {f: best_arm(table, list(SCHEMES), f) for f in FACTORS}
    return Judgement(
        answer=answer,
        on=depends_on(answer, "whether features are too large or too small"),
        effects=[
            *(
                Effect(name=f"{arm}, features times {f:g}: test loss above standardized, nats",
                       value=mean_price(table, arm, f))
                for arm in SCHEMES for f in prices
            ),
            *edges(table),
        ],
        reading=(
            f"He's best rate is {rates[1.0]:g} for standardized features, {rates[100.0]:g} for "
            f"features times 100 and {rates[0.01]:g} for features divided by 100. The best scheme "
            f"is {best[1.0]}, {best[100.0]} and {best[0.01]}. A formula of the fans takes inputs "
            "of variance 1 for granted; LSUV measures them. One rate for all layers cannot make "
            "up for a first layer whose gradients are of another scale than the others'."
        ),
    )  # fmt: skip


def mean_price(table: Table, arm: str, factor: float) -> Interval:
    """Return the loss of an arm above that with standardized features, paired by seed."""
    return mean_interval(table.values(LOSS, arm, factor) - table.values(LOSS, arm, 1.0))


CLAIMS.add(
    "data_scale_matters",
    Claim(
        title="The scale of the data matters",
        statement=(
            "The scale of the input features matters for initialization: features that are not "
            "standardized spoil what a scheme sets up, even with another learning rate."
        ),
        source="Chapter, answer 9",
        experiment=(
            "Digits standardized, times 100 and divided by 100; a ReLU network of three layers of "
            "64 units, four schemes, each at its own best rate for each scale, 30 epochs, fresh "
            "seeds, test rows."
        ),
        criterion=(
            "Supported if He's test loss at its best rate is more than 0.05 nats above that with "
            "standardized features for both scales (limits of the intervals), refuted if for "
            "neither, depends if for one."
        ),
        measure=measure,
        judge=judge,
        picture=Lines(
            quantity=LOSS, x="features multiplied by", label="test loss, nats", log_x=True
        ),
        section="chapter",
    ),
)
