"""High weight variance drives sigmoid and tanh units into their flat tails."""

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Lines
from initclaims.laboratory.signals import snapshot
from initclaims.laboratory.table import Measurement, Table
from initsweep.probes.measures.saturation import saturated

SHARE = "share of saturated units"
STDS = (0.03, 0.1, 0.3, 1.0, 3.0)
ACTIVATIONS = ("tanh", "sigmoid")


def measure(lab: Lab) -> list[Measurement]:
    """Count flat units of the third hidden layer under normal weights of growing deviation."""
    rows = []
    for activation in ACTIVATIONS:
        network = lab.mlp(3, 128, activation=activation)
        setup = Setup(data=lab.data(), network=network, epochs=1)
        for std in STDS:
            for seed in lab.seeds(20, 5):
                layer = snapshot(lab, setup, Scheme.named("random_normal", std=std), seed).layers[2]
                rows.append(
                    Measurement.of(activation, SHARE, saturated(layer), seed=seed, setting=std)
                )
    return rows


def judge(table: Table) -> Judgement:
    """Supported if at deviation 1 most units are flat and at 0.03 hardly any."""
    high = {arm: table.mean(SHARE, arm, 1.0) for arm in ACTIVATIONS}
    low = {arm: table.mean(SHARE, arm, 0.03) for arm in ACTIVATIONS}
    holds = [high[arm].low > 0.5 and low[arm].high < 0.05 for arm in ACTIVATIONS]
    return judged(
        holds,
        {
            **{f"{arm}, N(0, 1): {SHARE}": high[arm] for arm in ACTIVATIONS},
            **{f"{arm}, N(0, 0.03²): {SHARE}": low[arm] for arm in ACTIVATIONS},
        },
        (
            "Under N(0, 1) a unit of 128 inputs sees sums with a deviation of about ten, far "
            "beyond where tanh (2.2) and sigmoid (4.4) keep a twentieth of their slope."
        ),
        on="the activation",
    )


CLAIM = Claim(
    title="High variance saturates sigmoid and tanh",
    statement="Large weights drive sigmoid and tanh units into their flat tails.",
    source="Chapter, answers 1 to 3",
    experiment=(
        "Untrained networks of three layers of 128 units on digits, normal weights; the share of "
        "(example, unit) pairs of the third layer whose slope is below 5 % of the steepest."
    ),
    criterion=(
        "Supported if for both activations more than half is saturated at deviation 1 and less "
        "than 5 % at 0.03 (limits of the intervals); depends if for one of them."
    ),
    measure=measure,
    judge=judge,
    picture=Lines(quantity=SHARE, x="standard deviation of the weights", log_x=True),
    section="chapter",
)
