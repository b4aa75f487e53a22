"""Do schemes differ in how many learning rates they work at?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import seen
from initclaims.laboratory.judging import Number, judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Strips
from initclaims.laboratory.rates import half_decade
from initclaims.laboratory.runs import Runs
from initclaims.laboratory.table import Measurement, Table
from initsweep.core.numbers import fixed
from initsweep.core.records import Interval

TOLERANCE, TRAINED, STEP, APART = 0.1, 0.5, 0.5, 0.5
WIDTH_OF = "decades of usable learning rates"
NETWORKS = {"shallow": 3, "deep": 15}
SCHEMES = {
    "he_normal": Scheme.named("he_normal"),
    "xavier_normal": Scheme.named("xavier_normal"),
    "torch_default": Scheme.named("torch_default"),
    "orthogonal": Scheme.named("orthogonal", gain="auto"),
    "lsuv": Scheme.named("lsuv", batch_size=256),
    "N(0, 0.03²)": Scheme.named("random_normal", std=0.03),
}
RATES = tuple(half_decade(1e-4, step) for step in range(10))


class Basins(NamedTuple):
    """Widths of one network: by scheme that learns, and the lowest and highest."""

    width: dict[str, Interval]
    apart: float
    p_value: float


def measure(lab: Lab) -> list[Measurement]:
    """Train every scheme at every rate, on a shallow and a deep network."""
    rows = []
    for network, depth in NETWORKS.items():
        setup = Setup(data=seen(lab.data()), network=lab.mlp(depth, 64), epochs=lab.pick(40, 15))
        for name, scheme in SCHEMES.items():
            runs = lab.train(setup, scheme, RATES, lab.seeds(10, 4))
            arm = f"{network}, {name}"
            rows += runs.measured(f"{network}: training loss", runs.final_losses, name)
            if runs.final_losses.mean(axis=1).min() < TRAINED * runs.constant_loss:
                rows += [
                    Measurement.of(arm, WIDTH_OF, STEP * count, seed=seed)
                    for seed, count in zip(runs.seeds, usable(runs), strict=True)
                ]
    return rows


def usable(runs: Runs) -> list[int]:
    """Return for each seed how many neighbouring rates end within the tolerance of its best."""
    counts = []
    for losses in runs.final_losses.T:
        best = int(losses.argmin())
        fine = losses <= losses[best] + TOLERANCE
        low, high = best, best
        while low > 0 and fine[low - 1]:
            low -= 1
        while high < len(fine) - 1 and fine[high + 1]:
            high += 1
        counts.append(high - low + 1)
    return counts


def judge(table: Table) -> Judgement:
    """The widest and the narrowest range must be half a decade apart, beyond chance."""
    found = {network: basins(table, network) for network in NETWORKS}
    told = {n: f"{fixed(min_of(b))} to {fixed(max_of(b))}" for n, b in found.items() if b.width}
    effects: dict[str, Number] = {}
    for network, b in found.items():
        effects[f"{network}: widest range minus narrowest, decades"] = b.apart
        effects[f"{network}: p of equal ranges (Friedman)"] = b.p_value
        effects |= {f"{network}, {name}: {WIDTH_OF}": width for name, width in b.width.items()}
    return judged(
        [apart(b) for b in found.values()],
        effects,
        (
            "Usable rates span "
            + " and ".join(f"{text} decades in the {n} network" for n, text in told.items())
            + ", by scheme. "
            + "".join(alone(n, b) for n, b in found.items())
            + "A scheme whose best loss is above half of guessing is left out: it is equally bad "
            "at all rates, which is no robustness."
        ),
        on="depth",
    )


def alone(network: str, found: Basins) -> str:
    """Say whether one scheme makes the difference between the widest and the narrowest range."""
    if not found.width or found.apart < APART:
        return ""
    means = {name: interval.estimate for name, interval in found.width.items()}
    left = {name: np.ptp([m for other, m in means.items() if other != name]) for name in means}
    name = min(left, key=lambda scheme: left[scheme])
    if left[name] >= APART:
        return ""
    return (
        f"In the {network} network the difference is that of {name}: without it the ranges are "
        f"{fixed(float(left[name]))} decades apart. "
    )


def apart(found: Basins) -> bool | None:
    """Return whether ranges differ, None if too few schemes learn or it may be chance."""
    if not found.width:
        return None
    if found.apart < APART:
        return False
    return True if found.p_value < 0.05 else None


def basins(table: Table, network: str) -> Basins:
    """Return what is known of one network."""
    arms = [arm for arm in table.arms(WIDTH_OF) if arm.startswith(f"{network}, ")]
    values: list[NDArray[np.float64]] = [table.values(WIDTH_OF, arm) for arm in arms]
    width = {arm.split(", ", 1)[1]: table.mean(WIDTH_OF, arm) for arm in arms}
    if len(arms) < 3:
        return Basins({}, 0.0, 1.0)
    means = [interval.estimate for interval in width.values()]
    same = all((v == values[0]).all() for v in values)
    p_value = 1.0 if same else float(stats.friedmanchisquare(*values).pvalue)
    return Basins(width, max(means) - min(means), p_value)


def min_of(found: Basins) -> float:
    """Return the narrowest mean width."""
    return min(interval.estimate for interval in found.width.values())


def max_of(found: Basins) -> float:
    """Return the widest mean width."""
    return max(interval.estimate for interval in found.width.values())


CLAIM = Claim(
    title="Schemes differ in how sensitive they are to the rate",
    statement="Initializations differ in the range of learning rates at which they train well.",
    source="Chapter, answer 9",
    experiment=(
        "ReLU networks of 3 and 15 layers of 64 units on digits, six schemes, ten rates from "
        "0.0001 to 3. A seed's range is the run of neighbouring rates whose training loss ends "
        "within 0.1 nats of its best, half a decade each."
    ),
    criterion=(
        "Holds in a network if the widest and the narrowest mean range over schemes that learn are "
        "half a decade or more apart and a Friedman test over seeds is below 0.05. Does not hold "
        "if they are less than that apart; open if they are but it may be chance, or fewer than "
        "three schemes learn. Supported if it holds in both networks, refuted if in neither, "
        "depends if in one and not in the other."
    ),
    measure=measure,
    judge=judge,
    picture=Strips(quantity=WIDTH_OF),
    section="chapter",
)
