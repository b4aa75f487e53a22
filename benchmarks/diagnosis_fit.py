"""Thresholds from the table of cases, and how often they are wrong on cases they have not seen.

Plain numbers in, plain numbers out: the tests repeat the fit on the committed table.
"""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from initsweep.probes.alarm_levels import FACTS

TABLE = Path(__file__).with_name("diagnosis_cases.csv")
# A case is trainable if its best rate removes this share of the constant predictor's loss.
TRAINABLE_SKILL = 0.1
# Checks that may raise the alarm, in the order of the descent.
CANDIDATES = (
    "tied", "dead", "saturated", "decided", "signal_grown", "signal_faded", "gradient_grown",
    "gradient_faded", "jump_up", "jump_down", "cost", "faint", "stiff", "alike",
)  # fmt: skip
GAIN = 0.004  # a check has to lower the sum of both error rates by this much to be used
ROUNDS = 4
RESAMPLES = 2000

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cases:
    """The table's columns: names, numbers, outcomes."""

    networks: Sequence[str]
    schemes: Sequence[str]
    families: npt.NDArray[np.str_]
    training_half: Bools
    held_back: Bools
    columns: Mapping[str, Floats]

    def untrainable(self, optimizer: str, skill: float = TRAINABLE_SKILL) -> Bools:
        """Return which cases the optimizer could not train at any rate."""
        return self.columns[f"{optimizer}_skill"] < skill

    @property
    def certain(self) -> Bools:
        """Which cases give an alarm whatever the thresholds are."""
        facts = [self.columns[name] >= at for name, at in FACTS.items()]
        return np.any([self.columns["asleep"] > 0, *facts], axis=0)

    def alarms(self, thresholds: Mapping[str, float]) -> Bools:
        """Return which cases some check fires on, or have weights that sleep or are copies."""
        fired = self.certain
        for name, threshold in thresholds.items():
            fired = fired | (self.columns[name] >= threshold)
        return fired

    def rules(self) -> Bools:
        """Return which cases some rule of SageMaker Debugger fires on."""
        return np.any([v > 0 for name, v in self.columns.items() if name.startswith("sm_")], axis=0)


def read_cases(path: Path = TABLE) -> Cases:
    """Return the published table."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    texts = {"network", "family", "scheme", "half"}
    return Cases(
        networks=[row["network"] for row in rows],
        schemes=[row["scheme"] for row in rows],
        families=np.array([row["family"] for row in rows]),
        training_half=np.array([row["half"] == "training" for row in rows]),
        held_back=np.array([row["half"] == "held back" for row in rows]),
        columns={
            name: np.array([float(row[name] or "nan") for row in rows])
            for name in rows[0]
            if name not in texts
        },
    )


def error_rates(alarms: Bools, untrainable: Bools) -> tuple[float, float]:
    """Return the share of trainable cases with an alarm, and of untrainable ones without."""
    return float(alarms[~untrainable].mean()), float((~alarms[untrainable]).mean())


def fit(cases: Cases, chosen: Bools, optimizer: str) -> dict[str, float]:
    """Return thresholds that make false-alarm rate plus miss rate small on the chosen cases.

    Coordinate descent over the checks: each gets the threshold that is best given the others, the
    largest of several equally good ones, or none if it does not help by `GAIN`. Rounded to two
    digits afterwards: more would be noise. Where all cases are of one kind, none helps.
    """
    bad = cases.untrainable(optimizer)[chosen]
    if not _of_both_kinds(bad):
        return {}
    columns = {name: cases.columns[name][chosen] for name in CANDIDATES}
    certain = cases.certain[chosen]
    found: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name in CANDIDATES:
            fired = [columns[other] >= at for other, at in found.items() if other != name]
            others = np.any([certain, *fired], axis=0)
            best, at = sum(error_rates(others, bad)) - GAIN, math.nan
            for threshold in _candidates(columns[name]):
                cost = sum(error_rates(others | (columns[name] >= threshold), bad))
                if cost <= best:
                    best, at = cost, threshold
            if math.isnan(at):
                found.pop(name, None)
            else:
                found[name] = at
    return {name: float(f"{threshold:.2g}") for name, threshold in found.items()}


def _of_both_kinds(untrainable: Bools) -> bool:
    """Return whether some cases can be trained, and some not, so that both rates are defined."""
    return bool(untrainable.any() and not untrainable.all())


def _candidates(values: Floats) -> list[float]:
    """Return a threshold between every two neighbouring values, ascending."""
    levels = np.unique(values[np.isfinite(values)])
    low, high = levels[:-1], levels[1:]
    # Ratios lie on a log scale, shares (with zeros) on a linear one.
    middle = np.where(low > 1, np.sqrt(low) * np.sqrt(high), (low + high) / 2)
    return [float(value) for value in middle]


def interval(
    alarms: Bools, untrainable: Bools, networks: Sequence[str], seed: int = 0
) -> list[tuple[float, float]]:
    """Return 95 % intervals of both error rates, by resampling whole networks.

    Cases of one network resemble each other; resampling cases would make the intervals too short.

    Source: Efron and Tibshirani 1993, "An introduction to the bootstrap", chapter 13 (percentile).
    """
    generator = np.random.default_rng(seed)
    groups = [np.flatnonzero(np.array(networks) == name) for name in sorted(set(networks))]
    draws = []
    for _ in range(RESAMPLES):
        picked = generator.integers(len(groups), size=len(groups))
        index = np.concatenate([groups[i] for i in picked])
        if _of_both_kinds(untrainable[index]):
            draws.append(error_rates(alarms[index], untrainable[index]))
    low, high = np.quantile(np.array(draws), [0.025, 0.975], axis=0)
    return [(float(a), float(b)) for a, b in zip(low, high, strict=True)]


def rates_in_words(alarms: Bools, untrainable: Bools, networks: Sequence[str]) -> list[str]:
    """Return both error rates with their intervals, as "2.9 % (1.1 to 5.4)"."""
    if len(alarms) and not untrainable.any():
        return [f"{100 * alarms.mean():.1f} %", "nothing to miss"]
    if not _of_both_kinds(untrainable):
        return ["not known"] * 2
    rates = error_rates(alarms, untrainable)
    spans = interval(alarms, untrainable, networks)
    return [
        f"{100 * rate:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
        for rate, (low, high) in zip(rates, spans, strict=True)
    ]
