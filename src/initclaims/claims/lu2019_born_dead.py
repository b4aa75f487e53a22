"""Deep and narrow ReLU networks are born dead, and how often follows from the widths."""

import numpy as np

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import tune
from initclaims.laboratory.data import Data, drawn
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Lines
from initclaims.laboratory.table import Measurement, Table
from initsweep.core.randomness import numpy_stream
from initsweep.core.records import Interval

DEPTH, WIDTHS = 10, (2, 3, 4, 5, 7, 10)
HIDDEN = DEPTH - 1
SHARE, COLLAPSED = "share of dead networks", "share of constant networks after training"
ONE, EVERY, FORMULA = "dead on one input", "dead on every input", "1 − ∏(1 − 2^−N)"
TRAINED = "He, width 2"
PUBLISHED = {3: "about 0.60", 5: "above 0.10", 10: "below 0.01"}
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03)
READINGS = {
    "supported": (
        "On one input the formula is exact: a layer is silent if the sums of all its N units are "
        "negative. On every input it is a bound, because the other side of zero may live. It "
        "holds for all weights that are centred on zero, and ten units per layer make it rare."
    ),
    "refuted": "The measured shares do not lie where the formula and the paper put them.",
}


def measure(lab: Lab) -> list[Measurement]:
    """Draw networks of one input without biases, and train some of width 2."""
    rows = []
    for width in WIDTHS:
        at = float(width)
        for block in lab.seeds(20, 10):
            one, every = dead_shares(width, block, lab.pick(10_000, 2_000))
            for arm, value in ((ONE, one), (EVERY, every)):
                rows.append(Measurement.of(arm, SHARE, value, seed=block, setting=at))
        rows.append(Measurement.of(FORMULA, SHARE, bound(width), setting=at))
    return [*rows, *trained(lab)]


def bound(width: int) -> float:
    """Return the probability that one of the hidden layers is silent on a given input.

    Source: Lu et al. 2019, "Dying ReLU and initialization", theorem on born-dead networks.
    """
    return float(1 - (1 - 2.0**-width) ** HIDDEN)


def dead_shares(width: int, block: int, networks: int) -> tuple[float, float]:
    """Return the shares that are silent on the input 1, and on both 1 and -1.

    Without biases a network of one input is linear on either side of zero, so two inputs tell all.
    """
    stream = numpy_stream("born dead", width, block)
    signals = np.ones((networks, 1, 2)) * np.array([1.0, -1.0])
    for _ in range(HIDDEN):
        shape = (networks, width, signals.shape[1])
        weights = stream.standard_normal(shape, dtype=np.float32) * np.sqrt(2 / shape[2])
        signals = np.maximum(np.einsum("nij,njk->nik", weights, signals), 0)
    silent = ~signals.any(axis=1)
    return float(silent[:, 0].mean()), float(silent.all(axis=1).mean())


def trained(lab: Lab) -> list[Measurement]:
    """Train networks of width 2 on |x| at the best rate and count those that end constant."""
    data = absolute_value(lab.pick(1000, 300))
    setup = Setup(
        data=data, network=lab.mlp(HIDDEN, 2), epochs=lab.pick(60, 20), optimizer={"name": "adam"}
    )
    seeds = lab.pick((40, 300), (10, 40))
    tuned = tune(lab, setup, Scheme.named("he_normal"), RATES, seeds=seeds)
    # A constant explains nothing of |x|; a line through half of it explains more than a tenth.
    return [
        Measurement.of(TRAINED, COLLAPSED, score < 0.05, seed=seed, setting=2.0)
        for seed, score in zip(tuned.fresh.seeds, tuned.test_scores, strict=True)
    ]


def absolute_value(rows: int) -> Data:
    """Return |x| for x uniform between -1 and 1."""
    x = numpy_stream("absolute value", rows).uniform(-1, 1, rows)
    return drawn(f"|x|, {rows} rows", "regression", x[:, None], np.abs(x))


def judge(table: Table) -> Judgement:
    """Supported if one input follows the formula, every input stays below, and Lu's table holds."""
    one = {width: table.mean(SHARE, ONE, width) for width in WIDTHS}
    every = {width: table.mean(SHARE, EVERY, width) for width in WIDTHS}
    exact = [abs(one[width].estimate - bound(width)) < margin(one[width]) for width in WIDTHS]
    bounded = [every[width].low <= bound(width) for width in WIDTHS]
    tabled = (
        every[10].high < 0.01,
        every[5].low > 0.10,
        every[3].low > 0.5 and every[3].high < 0.7,
    )
    return judged(
        [all((*exact, *bounded, *tabled))],
        {
            **{
                f"width {width}: share of 10-layer networks dead on every input": (
                    every[width],
                    PUBLISHED.get(width, ""),
                )
                for width in WIDTHS
            },
            "width 2 on |x|: share that is constant after training": (
                table.mean(COLLAPSED, TRAINED),
                "above 0.90",
            ),
            "largest difference of one input from the formula": max(
                abs(one[w].estimate - bound(w)) for w in WIDTHS
            ),
        },
        READINGS,
    )


def margin(measured: Interval) -> float:
    """Return twice the half-width of an interval, about four standard errors, or 0.001."""
    return max(measured.high - measured.low, 0.001)


CLAIM = Claim(
    title="Deep and narrow ReLU networks are born dead",
    statement=(
        "A ReLU network with centred random weights can be constant from the start; the "
        "probability rises with depth, falls fast with width, and is at most 1 − ∏(1 − 2^−N) over "
        "the hidden layers' widths N."
    ),
    source="Lu et al. 2019, theorem on born-dead networks and figure of 10-layer networks",
    experiment=(
        "Networks of one input and nine hidden layers without biases, 200 000 of each width (20 "
        "000 if quick): the share that is zero on the input 1, and on 1 and −1 both. Besides, "
        "networks of width 2 trained on |x| with Adam at the best of five rates or more."
    ),
    criterion=(
        "Supported if at every width the share on one input is the formula's (within four standard "
        "errors or 0.001), that on every input is not above it, and the paper's table holds: below "
        "1 % at width 10, above 10 % at 5, 50 to 70 % at 3; otherwise refuted. Training is "
        "reported and not judged."
    ),
    measure=measure,
    judge=judge,
    picture=Lines(
        quantity=SHARE, x="units per layer", log=True, limits=(1e-4, 1.0), points=(FORMULA,)
    ),
    section="papers",
)
