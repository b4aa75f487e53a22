"""Features a hundred times too large or too small: what becomes of rates, schemes, accuracies?"""

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import SCORE, best_arm, beyond, contest
from initclaims.laboratory.data import Data
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Beside, Lines, Strips
from initclaims.laboratory.rates import half_decade
from initclaims.laboratory.table import Measurement, Table
from initsweep.core.records import Interval
from initsweep.engine.lanes import Split

# By score, not by loss: a network on features times 100 is so sure of its errors that its test
# loss exceeds that of guessing at every rate, although it recognizes most digits.
MARGIN = 0.02
FACTORS = {0.01: 1e-1, 1.0: 1e-2, 100.0: 1e-4}
"""What features are multiplied by, and the middle of the rates that are tried."""
SCHEMES = {
    "He": Scheme.named("he_normal"),
    "Xavier": Scheme.named("xavier_normal"),
    "LSUV": Scheme.named("lsuv", batch_size=256),
    "PyTorch's default": Scheme.named("torch_default"),
}
UNCENTRED, HEAVY = "mean 3", "heavy tails"
AROUND = range(-4, 5)


def measure(lab: Lab) -> list[Measurement]:
    """Tune four schemes on standardized features, on scaled ones and on other distributions."""
    rows = []
    for factor, middle in FACTORS.items():
        data = changed(lab.data(), f"times {factor:g}", times(factor))
        rows += tested(lab, data, SCHEMES, middle, factor)
    for kind, change in ((UNCENTRED, uncentred), (HEAVY, heavy_tailed(lab.data()))):
        schemes = {shaped(arm, kind): scheme for arm, scheme in SCHEMES.items()}
        rows += tested(lab, changed(lab.data(), kind, change), schemes, FACTORS[1.0], 1.0)
    return rows


def tested(
    lab: Lab, data: Data, schemes: dict[str, Scheme], middle: float, setting: float
) -> list[Measurement]:
    """Return what every scheme reaches on the data at its own best rate."""
    setup = Setup(data=data, network=lab.mlp(3, 64), epochs=lab.pick(30, 10))
    rates = [half_decade(middle, step) for step in AROUND]
    seeds = lab.pick((5, 20), (2, 6))
    return contest(lab, setup, schemes, seeds=seeds, rates=rates, setting=setting, by="score")


def changed(data: Data, name: str, change: Callable[[Tensor], Tensor]) -> Data:
    """Return data whose features went through a function."""
    splits = {
        split: Split(features=change(rows.features), targets=rows.targets)
        for split, rows in data.splits.items()
    }
    return replace(data, name=f"{data.name}, {name}", splits=splits)


def times(factor: float) -> Callable[[Tensor], Tensor]:
    """Return the function that multiplies by a factor."""
    return lambda features: features * factor


def uncentred(features: Tensor) -> Tensor:
    """Return features of variance 1 about a mean of 3, as measurements of one sign have it."""
    return features + 3


def heavy_tailed(data: Data) -> Callable[[Tensor], Tensor]:
    """Return the function that cubes features and brings them back to variance 1."""
    std = (data.train.features**3).std(dim=0)
    std[std == 0] = 1  # pixels that are never drawn on
    return lambda features: features**3 / std


def shaped(arm: str, kind: str) -> str:
    """Return the name of a scheme on features of another distribution."""
    return f"{arm}, {kind}"


def judge(table: Table) -> Judgement:
    """Even at its best rate He must lose by features that are too large, and by too small ones."""
    prices = {factor: price(table, "He", factor) for factor in (100.0, 0.01)}
    kinds = {
        (arm, kind): table.difference(SCORE, arm, shaped(arm, kind), 1.0)
        for kind in (UNCENTRED, HEAVY)
        for arm in SCHEMES
    }
    return judged(
        [beyond(lost, MARGIN) for lost in prices.values()],
        {
            **{
                f"{arm}, features times {f:g}: accuracy lost": lost
                for arm in SCHEMES
                for f, lost in ((f, price(table, arm, f)) for f in prices)
            },
            **{
                f"{arm}, features with {kind}: accuracy lost": lost
                for (arm, kind), lost in kinds.items()
            },
        },
        reading(table, {kind: least_to_most(kinds, kind) for kind in (UNCENTRED, HEAVY)}),
        on="whether features are too large or too small",
        rates=table,
    )


def price(table: Table, arm: str, factor: float) -> Interval:
    """Return the accuracy of an arm below that with standardized features, paired by seed."""
    return table.difference(SCORE, arm, arm, 1.0, factor)


def least_to_most(lost: dict[tuple[str, str], Interval], kind: str) -> str:
    """Return in words what the schemes lose by one distribution, from least to most."""
    found = [lost[arm, kind].estimate for arm in SCHEMES]
    return f"{min(found):.3f} to {max(found):.3f}"


def reading(table: Table, shapes: dict[str, str]) -> str:
    """Say what He loses, at which rates, and which scheme comes first at each scale."""
    scores = {f: table.mean(SCORE, "He", f).estimate for f in FACTORS}
    rates = {f: table.values("best rate", "He", f)[0] for f in FACTORS}
    best = [best_arm(table, list(SCHEMES), f, by="score") for f in FACTORS]
    first = f"{best[0]} comes first at all three scales"
    if len(set(best)) > 1:
        first = (
            f"{best[1]} comes first on standardized features, {best[2]} on large ones and "
            f"{best[0]} on small ones"
        )
    return (
        f"He recognizes {scores[1.0]:.2f} of the test digits on standardized features (rate "
        f"{rates[1.0]:g}), {scores[100.0]:.2f} with features times 100 (rate {rates[100.0]:g}) and "
        f"{scores[0.01]:.2f} with features divided by 100 (rate {rates[0.01]:g}). By validation "
        f"accuracy {first}. A formula of the fans takes inputs of variance 1 for granted; LSUV "
        "measures them. One rate for all layers cannot make up for a first layer whose gradients "
        "are of another scale than the others'. Another distribution of variance 1 costs the four "
        f"schemes {shapes[UNCENTRED]} (a mean of 3) and {shapes[HEAVY]} (heavy tails)."
    )


CLAIM = Claim(
    title="The scale of the data matters",
    statement=(
        "The scale of the input features matters for initialization: features that are not "
        "standardized spoil what a scheme sets up, even with another learning rate."
    ),
    source="Chapter, answer 9",
    experiment=(
        "Digits standardized, times 100 and divided by 100; a ReLU network of three layers of 64 "
        "units, four schemes, each at its own best rate by validation accuracy for each scale, 30 "
        "epochs, fresh seeds, test rows. For comparison, features of variance 1 and another "
        "distribution: a mean of 3, or heavy tails (standardized features cubed)."
    ),
    criterion=(
        "Supported if He's test accuracy at its best rate is more than 0.02 below that with "
        "standardized features for both scales (limits of the intervals), refuted if for neither, "
        "depends if for one, else we cannot tell. Accuracy, because a loss counts at most that of "
        "guessing, which features times 100 exceed at every rate."
    ),
    measure=measure,
    judge=judge,
    picture=Beside(
        pictures=(
            Lines(
                quantity=SCORE,
                x="features multiplied by",
                label="test accuracy",
                arms=tuple(SCHEMES),
                log_x=True,
            ),
            Strips(
                quantity=SCORE,
                label="test accuracy",
                setting=1.0,
                arms=tuple(shaped(arm, kind) for kind in (UNCENTRED, HEAVY) for arm in SCHEMES),
            ),
        ),
        titles=("Scale", "Distribution, variance 1"),
    ),
    section="chapter",
)
