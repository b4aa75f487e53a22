"""ReLU throws half of the signal away, so its weights should have twice the variance of tanh's."""

import numpy as np

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import TRAIN, beyond, contest, verdict
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Beside, Lines
from initclaims.laboratory.signals import backward_scale, snapshot
from initclaims.laboratory.table import Measurement, Table
from initsweep.core.records import Interval
from initsweep.statistics.intervals import mean_interval

DEPTH, WIDTH, MARGIN = 20, 64, 0.05
SCALES = (0.5, 1.0, 2.0, 4.0)
ACTIVATIONS = ("relu", "tanh")
FACTOR = "factor of the gradient per layer"
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
READINGS = {
    "supported": "ReLU needs the larger variance, tanh does not.",
    "refuted": "Neither that ReLU needs the larger variance nor that it needs it more was seen.",
    "depends": "ReLU gains from the larger variance, but not by more than tanh does.",
    "cannot tell": "Whether ReLU gains more than the margin is open.",
}


def measure(lab: Lab) -> list[Measurement]:
    """Tune ReLU and tanh networks under four weight variances, and look at their gradients."""
    rows = []
    for activation in ACTIVATIONS:
        network = lab.mlp(DEPTH, WIDTH, activation=activation)
        setup = Setup(data=lab.data(), network=network, epochs=lab.pick(60, 20))
        for scale in SCALES:
            scheme = Scheme.named(
                "random_scaled", scale=scale, mode="fan_in", distribution="normal"
            )
            seeds = lab.pick((3, 20), (2, 6))
            rows += contest(
                lab,
                setup,
                {activation: scheme},
                seeds=seeds,
                rates=RATES,
                setting=scale,
                on_training_rows=True,
            )
            for seed in lab.seeds(20, 5):
                layers = snapshot(lab, setup, scheme, seed).layers[:DEPTH]
                ratio = backward_scale(layers[0]) / backward_scale(layers[-1])
                rows.append(
                    Measurement.of(
                        activation, FACTOR, ratio ** (1 / (DEPTH - 1)), seed=seed, setting=scale
                    )
                )
    return rows


def judge(table: Table) -> Judgement:
    """ReLU should gain from twice the variance, and tanh not by as much."""
    gains = {
        arm: table.values(TRAIN, arm, 1.0) - table.values(TRAIN, arm, 2.0) for arm in ACTIVATIONS
    }
    intervals = {arm: mean_interval(gain) for arm, gain in gains.items()}
    extra = mean_interval(gains["relu"] - gains["tanh"])
    answer = verdict([beyond(intervals["relu"], MARGIN), beyond(extra, MARGIN)])
    return judged(
        answer,
        {
            "ReLU gains more than tanh by, training loss, nats": extra,
            **{
                f"{arm}: training loss at scale 1 minus scale 2, nats": gain
                for arm, gain in intervals.items()
            },
            **{
                f"{arm}, scale 2: {FACTOR}": (
                    table.mean(FACTOR, arm, 2.0),
                    "theory: 1" if arm == "relu" else "",
                )
                for arm in ACTIVATIONS
            },
        },
        (
            f"{told(table, intervals)} {READINGS[answer]} How much it costs to be off depends "
            "on depth: these networks have 20 layers. ReLU's at scales 1, 2 and 4 are those of the "
            "claim that the variance matters more in deeper networks, so the two are one "
            "experiment."
        ),
        on="what is asked: ReLU's own gain, or more of it than tanh's",
        rates=table,
    )


def told(table: Table, gains: dict[str, Interval]) -> str:
    """Return in words where both do best, and what each loses by half of that variance."""
    best = {arm: best_scale(table, arm) for arm in ACTIVATIONS}
    keeps = {arm: keeping_scale(table, arm) for arm in ACTIVATIONS}
    first = f"ReLU does best at scale {best['relu']:g}, tanh at {best['tanh']:g}"
    if best["relu"] == best["tanh"]:
        first = f"Of the four scales both do best at {best['relu']:g}"
    return (
        f"{first}; the gradient is kept best at {keeps['relu']:g} and {keeps['tanh']:g}. "
        f"Scale 1 instead of 2 costs ReLU {gains['relu'].estimate:.2f} nats and tanh "
        f"{gains['tanh'].estimate:.3f}."
    )


def keeping_scale(table: Table, arm: str) -> float:
    """Return the scale whose gradient factor per layer is nearest 1 on a logarithmic scale."""
    scales, factors = table.curve(FACTOR, arm)
    return float(scales[np.abs(np.log(factors)).argmin()])


def best_scale(table: Table, arm: str) -> float:
    """Return the scale with the lowest mean training loss."""
    scales, losses = table.curve(TRAIN, arm)
    return float(scales[losses.argmin()])


CLAIM = Claim(
    title="ReLU wants a larger variance than tanh",
    statement=(
        "ReLU networks need weights of a larger variance than tanh networks, because ReLU passes "
        "on only half of the signal."
    ),
    source="Chapter, answer 3; He et al. 2015, section 2.2",
    experiment=(
        "Networks of 20 layers of 64 units on digits with ReLU and with tanh, normal weights of "
        "variance scale / fan_in with scales 0.5, 1, 2 and 4, each at its own best rate on fresh "
        "seeds, on the training rows; and the gradients of the untrained networks."
    ),
    criterion=(
        "Supported if going from scale 1 to 2 gains a ReLU network more than 0.05 nats of training "
        "loss, and more than 0.05 nats beyond what it gains a tanh network (limits of the "
        "intervals); refuted if neither, depends if only one, else we cannot tell."
    ),
    measure=measure,
    judge=judge,
    picture=Beside(
        pictures=(
            Lines(quantity=TRAIN, x="variance times fan_in", label="training loss, nats"),
            Lines(quantity=FACTOR, x="variance times fan_in", reference=(1.0, "kept")),
        ),
        titles=("Trained, each at its best rate", "Untrained"),
    ),
    section="chapter",
)
