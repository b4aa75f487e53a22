"""The largest rate that trains, in units of one over the sharpness of the untrained network."""

import numpy as np

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.data import Data, drawn
from initclaims.laboratory.judging import first_that, judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Beside, Lines, Strips
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.wording import listed
from initsweep.core.errors import InitsweepError
from initsweep.core.records import Interval
from initsweep.engine.lanes import Split
from initsweep.probes.sharpness import EXAMPLES, sharpness

LARGEST, SHARPNESS, USABLE = "largest usable c", "sharpness λ0", "share of seeds that train"
LOW, HIGH = 2.0, 40.0
FACTORS = tuple(2.0**power for power in range(-1, 8))  # 0.5 to 128
SCHEMES = {
    "He": Scheme.named("he_normal"),
    "Xavier": Scheme.named("xavier_normal"),
    "PyTorch's default": Scheme.named("torch_default"),
}
HE, *_ = SCHEMES
SCALES = (
    " λ0 depends on data, scaling of the loss and scheme, so the paper's of about 50 is not to be "
    "expected here. Rates were tried in steps of two: a largest usable c of 8 means 8 to 16."
)
READINGS = {
    "supported": (
        "Gradient descent on a quadratic stops at 2/λ0. Real networks jump to a flatter place "
        "first (the catapult) and so bear rates several times as large."
    ),
    "refuted": "None of the schemes has its largest usable rate in that range.",
    "depends": (
        "In the range: {inside}; outside: {outside}. A network that starts too small is flat at "
        "first and sharpens as it learns, so that its first sharpness says little about the rates "
        "it bears."
    ),
    "cannot tell": "The intervals leave open on which side of the limits the rates lie.",
}


def measure(lab: Lab) -> list[Measurement]:
    """Take λ0 of every draw and train at multiples of 1/λ0, full batch, squared error."""
    data, rows = parity(lab.data()), []
    width, steps = lab.pick(512, 128), lab.pick(120, 100)
    setup = Setup(
        data=data,
        network=lab.mlp(4, width),
        epochs=steps,
        batch_size=EXAMPLES,
        optimizer={"momentum": 0.0},
    )
    for arm, scheme in SCHEMES.items():
        for seed in lab.seeds(8, 5):
            rows += draw_of(lab, setup, arm, scheme, seed)
    return rows


def parity(digits: Data) -> Data:
    """Return the task of telling even from odd digits by a number, on one batch of rows."""
    splits = digits.splits.values()
    features = np.concatenate([split.features.numpy() for split in splits])
    labels = np.concatenate([split.targets.numpy() for split in splits])
    data = drawn("digits, even or odd", "regression", features, 2.0 * (labels % 2) - 1)
    train = Split(features=data.train.features[:EXAMPLES], targets=data.train.targets[:EXAMPLES])
    splits_kept = {**data.splits, "train": train}
    return Data(
        name=f"{data.name}, {EXAMPLES} rows",
        splits=splits_kept,
        constant_loss=data.constant_loss,
        loss_name=data.loss_name,
        score_name=data.score_name,
        n_features=data.n_features,
        n_outputs=data.n_outputs,
    )


def draw_of(lab: Lab, setup: Setup, arm: str, scheme: Scheme, seed: int) -> list[Measurement]:
    """Return one draw's sharpness, which multiples train, and the largest that does.

    A rate is usable if the last training loss is a tenth below the constant predictor's.

    Raises:
        InitsweepError: If the loss is not curved upwards at the start.
    """
    train = setup.data.train
    state = lab.state(setup, scheme, seed)
    found = sharpness(setup.model(), state, train.features, train.targets, setup.data.loss)
    if found is None or found <= 0:
        raise InitsweepError(f"{arm}: the sharpness at seed {seed} is {found}, not above 0.")
    runs = lab.train(setup, scheme, [factor / found for factor in FACTORS], [seed])
    constant = float(train.targets.var(correction=0))
    last = runs.train_losses[:, 0, -1]
    usable = np.isfinite(last) & (last < 0.9 * constant) & ~runs.diverged[:, 0]
    largest = max((f for f, ok in zip(FACTORS, usable, strict=True) if ok), default=FACTORS[0] / 2)
    rows = [
        Measurement.of(arm, USABLE, ok, seed=seed, setting=factor)
        for factor, ok in zip(FACTORS, usable, strict=True)
    ]
    values = {LARGEST: largest, SHARPNESS: found}
    return rows + [Measurement.of(arm, name, value, seed=seed) for name, value in values.items()]


def judge(table: Table) -> Judgement:
    """Ask of every scheme whether its largest c is inside or outside the range."""
    largest = {arm: table.mean(LARGEST, arm) for arm in SCHEMES}
    inside = [arm for arm in SCHEMES if largest[arm].low >= LOW and largest[arm].high <= HIGH]
    outside = [arm for arm in SCHEMES if is_outside(largest[arm])]
    answer = first_that(
        supported=len(inside) == len(SCHEMES),
        refuted=len(outside) == len(SCHEMES),
        depends=len(inside) + len(outside) == len(SCHEMES),
    )
    published = {HE: ("trains at 32/λ0", "about 50 (CIFAR-10, standard parameterization)")}
    return judged(
        answer,
        {
            f"{arm}: {name}": (value, published.get(arm, ("", ""))[place])
            for place, (name, values) in enumerate(
                (
                    ("largest usable rate times λ0", largest),
                    (SHARPNESS, {arm: table.mean(SHARPNESS, arm) for arm in SCHEMES}),
                )
            )
            for arm, value in values.items()
        },
        (
            READINGS[answer].format(
                inside=listed(inside or ["none"]), outside=listed(outside or ["none"])
            )
            + SCALES
        ),
        on="the scheme",
    )


def is_outside(interval: Interval) -> bool:
    """Return whether an interval lies beyond one of the limits as a whole."""
    return interval.high < LOW or interval.low > HIGH


CLAIM = Claim(
    title="Networks bear rates of 2 to 40 over the sharpness",
    statement=(
        "The largest learning rate at which a network of four layers of 512 units trains is "
        "between 2/λ0 and 40/λ0, λ0 being the sharpness of the untrained network: above the 2/λ0 "
        "of a quadratic, because training first moves to a flatter place."
    ),
    source="Kalra and Barkeshli 2024, figures on the catapult and appendix B",
    experiment=(
        "ReLU networks of four layers of 512 units (128 if quick), squared error on even against "
        "odd digits, gradient descent on 64 rows at once, 120 steps (100 if quick), rates from "
        "0.5/λ0 to 128/λ0 in steps of two; a rate is usable if the training loss ends a tenth "
        "below the constant predictor's. The paper: 5000 pictures of CIFAR-10."
    ),
    criterion=(
        "Supported if the mean of the largest usable c is between 2 and 40 for all three schemes "
        "(limits of the intervals); refuted if for none; depends if for some, with the others "
        "certainly outside."
    ),
    measure=measure,
    judge=judge,
    picture=Beside(
        pictures=(
            Lines(quantity=USABLE, x="c (rate times λ0)", log_x=True),
            Strips(quantity=SHARPNESS, log=True),
        )
    ),
    section="papers",
)
