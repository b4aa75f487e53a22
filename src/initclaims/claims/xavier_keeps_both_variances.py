"""Xavier is meant to keep signal and gradient at once: does it, and for which activations?"""

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import Lab, Setup
from initclaims.laboratory.pictures import Beside, Lines
from initclaims.laboratory.signals import (
    BACKWARD,
    FORWARD,
    backward_scale,
    by_layer,
    forward_scale,
    growth_per_layer,
    snapshot,
)
from initclaims.laboratory.table import Measurement, Table
from initsweep.core.numbers import fixed
from initsweep.core.records import Interval
from initsweep.statistics.intervals import mean_interval

DEPTH, WIDTH, LOW, HIGH = 10, 128, 0.8, 1.25
FACTORS = (FORWARD, BACKWARD)
ACTIVATIONS = ("tanh", "sigmoid", "identity")
CLAIMED = ("tanh", "sigmoid")


def measure(lab: Lab) -> list[Measurement]:
    """Follow signal and gradient through ten layers under Xavier."""
    rows = []
    for activation in ACTIVATIONS:
        network = lab.mlp(DEPTH, WIDTH, activation=activation)
        setup = Setup(data=lab.data(), network=network, epochs=1)
        for seed in lab.seeds(20, 5):
            layers = snapshot(lab, setup, "xavier_normal", seed).layers[:DEPTH]
            rows += by_layer(layers, FORWARD, forward_scale, arm=activation, seed=seed)
            rows += by_layer(layers, BACKWARD, backward_scale, arm=activation, seed=seed)
    return rows


def judge(table: Table) -> Judgement:
    """Kept means: within a fifth per layer, in both directions."""
    factors = {
        (arm, q): mean_interval(growth_per_layer(table, q, arm))
        for arm in ACTIVATIONS
        for q in FACTORS
    }
    kept = {
        arm: all(factors[arm, q].low > LOW and factors[arm, q].high < HIGH for q in FACTORS)
        for arm in CLAIMED
    }
    return judged(
        list(kept.values()),
        {
            f"{arm}: factor of the {q} per layer": interval
            for (arm, q), interval in sorted(factors.items(), key=lambda it: it[1].estimate)
        },
        reading(factors, kept),
        on="the activation",
    )


def reading(factors: dict[tuple[str, str], Interval], kept: dict[str, bool]) -> str:
    """Say what ten layers make of signal and gradient, and where Xavier's derivation holds."""
    total = {key: factor.estimate ** (DEPTH - 1) for key, factor in factors.items()}
    told = (
        f"Over ten layers the gradient is multiplied by {fraction(total['tanh', BACKWARD])} and "
        f"the signal by {fraction(total['tanh', FORWARD])} under tanh, whose slope is 1 only at 0. "
        f"Under sigmoid the gradient is multiplied by {fraction(total['sigmoid', BACKWARD])}: its "
        "slope is 1/4 at most, and its signal is mostly its mean of 1/2. Xavier's derivation is "
        "that of the identity"
    )
    if kept["tanh"]:
        told += "; tanh loses a little at every layer, and less the smaller the signal is"
    if not kept["sigmoid"]:
        told += "; for sigmoid it does not hold"
    return told + (
        f". What counts as kept, {LOW:g} per layer or more, allows {fraction(LOW ** (DEPTH - 1))} "
        "over ten layers."
    )


def fraction(value: float) -> str:
    """Return a factor with two digits, a small one as a fraction: 0.81, 1/2.7, 1/450 000."""
    if value > 1 / 2:
        return fixed(value)
    below = float(f"{1 / value:.2g}")
    return f"1/{below:g}" if below < 100 else f"1/{below:,.0f}".replace(",", " ")


CLAIM = Claim(
    title="Xavier keeps both variances for tanh and sigmoid",
    statement=(
        "With tanh or sigmoid, Xavier initialization keeps the scale of the activations on the way "
        "forward and of the gradients on the way back."
    ),
    source="Chapter, answer 6; Glorot and Bengio 2010, section 4.2",
    experiment=(
        "Untrained networks of ten layers of 128 units on digits under Xavier with tanh, sigmoid "
        "and, for comparison, no activation; root mean square (rms) by layer of the "
        "pre-activations, the forward scale, and of their gradients, the backward scale."
    ),
    criterion=(
        "Kept means that the mean factor per layer lies between 0.8 and 1.25 in both directions "
        "(limits of the intervals). Supported if kept for tanh and sigmoid, depends if for one of "
        "them, refuted if for neither."
    ),
    measure=measure,
    judge=judge,
    picture=Beside(
        pictures=(
            Lines(quantity=FORWARD, x="layer", log=True, label="rms of the pre-activations"),
            Lines(quantity=BACKWARD, x="layer", log=True, label="rms of their gradients"),
        ),
        titles=("Forward", "Backward"),
    ),
    section="chapter",
)
