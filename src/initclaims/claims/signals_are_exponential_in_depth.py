"""Too little variance makes signals vanish, too much makes them explode, exponentially in depth."""

import math

import numpy as np

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.judging import Number, judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Beside, Lines
from initclaims.laboratory.signals import (
    BACKWARD,
    FORWARD,
    backward_scale,
    by_layer,
    forward_scale,
    snapshot,
)
from initclaims.laboratory.table import Measurement, Table
from initsweep.statistics.intervals import mean_interval

DEPTH, WIDTH = 30, 128
SCALES = {"half of He's variance": 1.0, "He": 2.0, "twice He's variance": 4.0}


def measure(lab: Lab) -> list[Measurement]:
    """Look at untrained ReLU networks whose weights have a variance of scale / fan_in."""
    setup = Setup(data=lab.data(), network=lab.mlp(DEPTH, WIDTH), epochs=1)
    rows = []
    for arm, scale in SCALES.items():
        scheme = Scheme.named("random_scaled", scale=scale, mode="fan_in", distribution="normal")
        for seed in lab.seeds(20, 5):
            layers = snapshot(lab, setup, scheme, seed).layers[:DEPTH]
            rows += by_layer(layers, FORWARD, forward_scale, arm=arm, seed=seed)
            rows += by_layer(layers, BACKWARD, backward_scale, arm=arm, seed=seed)
    return rows


def judge(table: Table) -> Judgement:
    """Compare the growth per layer with √(scale / 2), and ask whether it is steady."""
    effects: dict[str, Number | tuple[Number, str]] = {}
    fits = []
    for quantity in (FORWARD, BACKWARD):
        for arm, scale in SCALES.items():
            growth, straightness = growth_per_layer(table, quantity, arm)
            expected = math.sqrt(scale / 2)
            interval = mean_interval(growth)
            effects[f"{quantity}, {arm}: factor per layer"] = interval, f"theory: {expected:.3f}"
            fits.append(abs(interval.estimate / expected - 1) < 0.05)
            fits.append(scale == 2.0 or straightness > 0.95)
    worst = min(
        growth_per_layer(table, quantity, arm)[1]
        for quantity in (FORWARD, BACKWARD)
        for arm, scale in SCALES.items()
        if scale != 2.0
    )
    return judged(
        [all(fits)],
        {**effects, "worst r² of log scale against depth": worst},
        (
            "Each layer multiplies the signal by √(scale / 2) in both directions, so a variance "
            "wrong by a factor of two is a factor of about 20 000 after 29 layers."
        ),
    )


def growth_per_layer(table: Table, quantity: str, arm: str) -> tuple[np.ndarray, float]:
    """Return the factor per layer of every seed, and how straight the mean line is (r²).

    Backward signals are followed from the last layer to the first.
    """
    settings = table.settings(quantity, arm)
    logs = np.log([table.values(quantity, arm, setting) for setting in settings])
    slopes = np.polyfit(settings, logs, 1)[0] * (-1 if quantity == BACKWARD else 1)
    straight = np.corrcoef(settings, logs.mean(axis=1))[0, 1] ** 2
    return np.exp(slopes), float(straight)


CLAIM = Claim(
    title="Signals vanish or explode exponentially in depth",
    statement=(
        "With too small a weight variance activations and gradients vanish with depth, with too "
        "large a one they explode, by a constant factor per layer."
    ),
    source="Chapter, answers 1 to 3",
    experiment=(
        "Untrained ReLU networks of 30 layers of 128 units on digits, weight variance 1, 2 (He) "
        "and 4 over fan_in; root mean square (rms) by layer of the pre-activations, the forward "
        "scale, and of their gradients, the backward scale."
    ),
    criterion=(
        "Supported if the factor per layer, fitted to the logarithm, is within 5 % of √(scale / 2) "
        "in both directions, and a straight line explains 95 % of the mean logarithm where the "
        "scale is off; refuted otherwise."
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
