"""How much gradients fluctuate from draw to draw is a matter of the sum of inverse widths."""

import math
from itertools import pairwise

import numpy as np
from scipy import stats

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.judging import first_that, judged
from initclaims.laboratory.lab import Lab
from initclaims.laboratory.pictures import Lines
from initclaims.laboratory.table import Measurement, Table
from initsweep.core.randomness import numpy_stream
from initsweep.statistics.intervals import mean_interval

VARIANCE = "variance of the log squared gradient"
MEASURED, THEORY = "measured", "5 Σ 1/n"
NETWORKS = 250
# All have about 25 000 weights between hidden layers.
PATTERNS: dict[str, tuple[int, ...]] = {
    "4 wide layers": (91,) * 4,
    "11 equal layers": (50,) * 11,
    "11 layers, 125 and 20 in turn": (125, 20) * 5 + (125,),
    "11 layers, 250 and 10 in turn": (250, 10) * 5 + (250,),
    "26 layers": (32,) * 26,
    "41 narrow layers": (25,) * 41,
}
BETAS = {name: sum(1 / width for width in widths) for name, widths in PATTERNS.items()}
READINGS = {
    "supported": (
        "Every ReLU layer of n units multiplies the squared gradient by a random factor of "
        "variance 5/n, and the logarithms add up. Of networks with as many weights the deep, the "
        "narrow and the uneven ones fluctuate most: one narrow layer costs as much as many wide."
    ),
    "refuted": "The fluctuation does not follow the sum of inverse widths.",
    "depends": (
        "The fluctuation grows with the sum of inverse widths whatever the number of weights. The "
        "factor 5 is the first term of a series in 1/n: it fits layers of 50 units and more, and "
        "is too small for narrow ones, most of all where layers of 10 units take turns with wide "
        "ones."
    ),
}


def measure(lab: Lab) -> list[Measurement]:
    """Draw networks of each pattern of widths, block by block."""
    rows = []
    for name, widths in PATTERNS.items():
        beta = BETAS[name]
        for block in lab.seeds(20, 6):
            logs = log_gradients(name, widths, block)
            variance = float(logs.var(ddof=1))
            rows.append(Measurement.of(MEASURED, VARIANCE, variance, seed=block, setting=beta))
        rows.append(Measurement.of(THEORY, VARIANCE, 5 * beta, setting=beta))
    return rows


def log_gradients(name: str, widths: tuple[int, ...], block: int) -> np.ndarray:
    """Return log |∂(output)/∂(first layer)|² of He networks that are not dead.

    The output is a random combination of the last layer's units, so that the last layer counts
    as the others do.
    """
    stream = numpy_stream("fluctuation", name, block)
    shape = (NETWORKS, widths[0])
    inputs = stream.standard_normal(shape, dtype=np.float32)
    signals, chain = np.maximum(inputs, 0), list[tuple[np.ndarray, np.ndarray]]()
    for fan_in, fan_out in pairwise(widths):
        weights = stream.standard_normal((NETWORKS, fan_out, fan_in), dtype=np.float32)
        weights *= math.sqrt(2 / fan_in)
        sums = np.einsum("nij,nj->ni", weights, signals)
        signals = np.maximum(sums, 0)
        chain.append((weights, sums > 0))
    shape = (NETWORKS, widths[-1])
    gradients = stream.standard_normal(shape, dtype=np.float32) * math.sqrt(2 / widths[-1])
    for weights, alive in reversed(chain):
        gradients = np.einsum("nij,ni->nj", weights, gradients * alive)
    gradients = gradients * (inputs > 0)
    squared = np.square(gradients, dtype=np.float64).sum(axis=1)
    return np.asarray(np.log(squared[squared > 0]))


def judge(table: Table) -> Judgement:
    """Ask for the order of the patterns, then for the line 5 β."""
    betas = table.settings(VARIANCE, MEASURED)
    values = np.array([table.values(VARIANCE, MEASURED, beta) for beta in betas])
    slopes = mean_interval((np.array(betas) @ values) / float(np.square(betas).sum()))
    means = values.mean(axis=1)
    orders = stats.spearmanr(betas, means).statistic
    missed = np.square(means - slopes.estimate * np.array(betas)).sum()
    straight = float(1 - missed / np.square(means - means.mean()).sum())
    fits = straight > 0.95 and slopes.low > 3.75 and slopes.high < 6.25
    answer = first_that(supported=orders > 0.9 and fits, depends=orders > 0.9, refuted=True)
    return judged(
        answer,
        {
            f"{VARIANCE} per Σ 1/n": (slopes, "theory: 5"),
            "r² of the line through zero": straight,
            "rank correlation with Σ 1/n": float(orders),
            **{
                f"{name} (Σ 1/n = {BETAS[name]:.2f}): {VARIANCE}": table.mean(
                    VARIANCE, MEASURED, BETAS[name]
                )
                for name in PATTERNS
            },
        },
        READINGS,
        on="what is asked: the order holds, the factor 5 not",
    )


CLAIM = Claim(
    title="Gradients fluctuate with the sum of inverse widths",
    statement=(
        "How much the size of gradients differs from one draw of He's weights to another grows "
        "with the sum of 1/n over the layers' widths n, whatever the number of weights."
    ),
    source="Hanin 2018; Hanin and Nica 2019 for the factor 5",
    experiment=(
        "Random ReLU networks with about 25 000 weights in six patterns of widths, 5000 of each "
        "(1500 if quick), without those that are dead; the variance over networks of the logarithm "
        "of the squared gradient, in blocks of 250 networks."
    ),
    criterion=(
        "Supported if the patterns' order is that of Σ 1/n (rank correlation above 0.9), the line "
        "through zero has r² above 0.95 and a slope within a quarter of 5 (limits of the "
        "interval); depends if the order alone holds; otherwise refuted."
    ),
    measure=measure,
    judge=judge,
    picture=Lines(quantity=VARIANCE, x="Σ 1/n over the layers"),
    section="papers",
)
