"""What drawing the weights costs, as a number of training steps."""

from collections.abc import Callable
from functools import partial

import torch
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Lines
from initclaims.laboratory.table import Measurement, Table
from initsweep.core.numbers import fixed

DEPTH, BATCH, STEPS, SHARE, PER_DRAW = 3, 128, 240, 0.05, 20
COST = "cost in training steps"
SCHEMES = {
    "he_normal": Scheme.named("he_normal"),
    "he_uniform": Scheme.named("he_uniform"),
    "orthogonal": Scheme.named("orthogonal", gain="auto"),
    "lsuv": Scheme.named("lsuv", batch_size=256),
}


def measure(lab: Lab) -> list[Measurement]:
    """Count the operations of drawing weights and of one training step, for growing widths."""
    rows = []
    for width in lab.pick((32, 128, 512, 1024), (32, 128)):
        setup = Setup(data=lab.data(), network=lab.mlp(DEPTH, width), epochs=1)
        step = operations(partial(one_step, lab, setup))
        for arm, scheme in SCHEMES.items():
            drawing = operations(partial(lab.state, setup, scheme, 0))
            rows.append(Measurement.of(arm, COST, drawing / step, setting=width))
    return rows


def operations(work: Callable[[], object]) -> int:
    """Return the multiplications and additions of a piece of work, and 20 for a random number.

    Matrix products are counted by torch, and a QR decomposition with its orthogonal factor as
    4 m n² - 4/3 n³ for m x n.

    Source: Golub and Van Loan 2013, Matrix Computations, section 5.2 (Householder QR: 2 n² (m -
    n/3), and as much again for the factor). 20 per draw is our rough figure for a normal one.
    """
    aten = torch.ops.aten
    counter = FlopCounterMode(
        display=False,
        custom_mapping={
            aten.linalg_qr: decomposed,
            aten.randn: drawn,
            aten.rand: drawn,
            aten.normal_: drawn,
            aten.uniform_: drawn,
        },
    )
    with counter:
        work()
    return int(counter.get_total_flops())


def drawn(*_: object, out_shape: torch.Size, **__: object) -> int:
    """Return what random numbers of a shape count as."""
    return PER_DRAW * out_shape.numel()


def decomposed(shape: torch.Size, *_: object, **__: object) -> int:
    """Return what a QR decomposition of a matrix of this shape counts as."""
    rows, columns = max(shape), min(shape)
    return round(4 * rows * columns**2 - 4 * columns**3 / 3)


def one_step(lab: Lab, setup: Setup) -> None:
    """Run one batch forward and backward."""
    leaves = {n: v.requires_grad_() for n, v in lab.state(setup, "zeros", 0).items()}
    train = setup.data.train
    outputs = functional_call(setup.model(), leaves, (train.features[:BATCH],))
    torch.autograd.backward(setup.data.loss(outputs, train.targets[:BATCH]))


def judge(table: Table) -> Judgement:
    """Worth considering means: one of the schemes takes a twentieth of the training."""
    shares = {arm: float(table.values(COST, arm).max()) / STEPS for arm in SCHEMES}
    dearest = max(shares, key=lambda arm: shares[arm])
    return judged(
        [shares[dearest] > SHARE],
        {
            f"{arm}: largest share of a training of {STEPS} steps": share
            for arm, share in sorted(shares.items(), key=lambda item: -item[1])
        },
        (
            f"The dearest scheme, {dearest}, costs as much as {shares[dearest] * STEPS:.1f} of "
            f"{STEPS} steps at the largest width. The cost of orthogonal weights grows with the "
            "third power of the width and that of a step with the second, so their share grows "
            "with the width and falls with the length of training. Operations are counted, not "
            f"seconds: a decomposition uses the machine less well than a product.{seconds(shares)}"
        ),
    )


def seconds(shares: dict[str, float]) -> str:
    """Say how much slower an operation of drawing must be to change the answer."""
    share = max(shares.values())
    if share > SHARE:
        return ""
    return (
        f" If an operation of it takes {fixed(SHARE / share, 1)} times as long as one of a step, "
        f"the limit of {100 * SHARE:.0f} % is reached, so at great widths and for short trainings "
        "it is worth a look at the clock."
    )


CLAIM = Claim(
    title="The cost of initialization is worth considering",
    statement=(
        "Some initializations are costly to compute, so their cost should count in the choice."
    ),
    source="Chapter, answer 9",
    experiment=(
        "Arithmetic operations of drawing the weights of ReLU networks of three layers, 32 to 1024 "
        "wide, by four schemes, divided by those of one training step on 128 rows; set against a "
        "short training of 240 steps (30 epochs of digits)."
    ),
    criterion=(
        "Supported if a scheme takes more than 5 % of the training's operations at one of the "
        "widths, refuted otherwise."
    ),
    measure=measure,
    judge=judge,
    picture=Lines(
        quantity=COST,
        x="units per layer",
        log=True,
        log_x=True,
        reference=(SHARE * STEPS, "5 % of 240 steps"),
    ),
    section="chapter",
)
