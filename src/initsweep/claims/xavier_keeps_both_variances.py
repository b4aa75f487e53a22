"""Xavier is meant to keep signal and gradient at once: does it, and for which activations?"""

from initsweep.claims import CLAIMS, Answer, Claim, Effect, Judgement
from initsweep.laboratory.lab import Lab, Setup
from initsweep.laboratory.pictures import Beside, Lines
from initsweep.laboratory.signals import (
    BACKWARD,
    FORWARD,
    backward_scale,
    by_layer,
    forward_scale,
    growth_per_layer,
    snapshot,
)
from initsweep.laboratory.table import Measurement, Table
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
    answer: Answer = "refuted"
    if all(kept.values()):
        answer = "supported"
    elif any(kept.values()):
        answer = "depends"
    lost = {arm: 1 / factors[arm, BACKWARD].estimate ** (DEPTH - 1) for arm in CLAIMED}
    return Judgement(
        answer=answer,
        effects=[
            Effect(name=f"{arm}: factor of the {q} per layer", value=interval)
            for (arm, q), interval in sorted(factors.items(), key=lambda it: it[1].estimate)
        ],
        reading=(
            f"Over ten layers the gradient shrinks by {lost['tanh']:.1f} under tanh, whose "
            f"slope is 1 only at 0, and by {lost['sigmoid']:.0f} under sigmoid, whose slope is "
            "1/4 at most and whose signal is mostly its mean of 1/2. Xavier's derivation holds "
            "for the identity; tanh loses a little at every layer, and less the smaller the "
            "signal is; for sigmoid it does not hold."
        ),
    )


CLAIMS.add(
    "xavier_keeps_both_variances",
    Claim(
        title="Xavier keeps both variances for tanh and sigmoid",
        statement=(
            "With tanh or sigmoid, Xavier initialization keeps the scale of the activations on "
            "the way forward and of the gradients on the way back."
        ),
        source="Chapter, answer 6; Glorot and Bengio 2010, section 4.2",
        experiment=(
            "Untrained networks of ten layers of 128 units on digits under Xavier with tanh, "
            "sigmoid and, for comparison, no activation; root mean square of the pre-activations "
            "and of their gradients by layer."
        ),
        criterion=(
            "Kept means that the mean factor per layer lies between 0.8 and 1.25 in both "
            "directions (limits of the intervals). Supported if kept for tanh and sigmoid, "
            "depends if for one of them, refuted if for neither."
        ),
        measure=measure,
        judge=judge,
        picture=Beside(
            pictures=(
                Lines(quantity=FORWARD, x="layer", log=True),
                Lines(quantity=BACKWARD, x="layer", log=True),
            ),
            titles=("Forward", "Backward"),
        ),
        section="chapter",
    ),
)
