"""Rules of decision, habits and learning-rate finders, as they choose in a redrawn study."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.answer_pools import FINDERS, RATES, SCHEMES
from benchmarks.answer_studies import FRESH, GRID, TUNING, Adam, Array, Pick, Study
from benchmarks.calibration_studies import SCHEMA, evidence_of
from initsweep.params import Decide
from initsweep.statistics.selection import Choice, choose_on_validation, sure
from initsweep.statistics.summary import summarize
from initsweep.statistics.yardstick import Yardstick

DECIDE = Decide(margin=0.01, basin_tolerance=0.05, trainable_skill=0.05, alpha=0.05, most_seeds=0)
TRAININGS = len(SCHEMES) * (len(RATES) * TUNING + FRESH)
Rule = Callable[[Study], Pick]
Rates = NDArray[np.int64]
"""The place of the chosen rate of each scheme, shape (schemes,)."""

STEPS = np.arange(len(RATES))
KERNEL = np.exp(-0.5 * (STEPS[:, None] - STEPS) ** 2)  # a standard deviation of one step
KERNEL /= KERNEL.sum(axis=1, keepdims=True)


def lowest(table: Array) -> Rates:
    """Return the rate of the lowest mean over the tuning seeds."""
    return np.asarray(table[..., :TUNING].mean(axis=-1).argmin(axis=1))


def smooth(table: Array) -> Rates:
    """Return the rate of the lowest mean after averaging over neighbouring rates."""
    return np.asarray((table[..., :TUNING].mean(axis=-1) @ KERNEL.T).argmin(axis=1))


def by_mean(
    values: Callable[[Study], Array], rates_of: Callable[[Array], Rates], *, together: bool = False
) -> Rule:
    """Return the rule that takes the scheme with the lowest mean of its fresh runs.

    Args:
        values: What is to be small, (schemes, rates, seeds).
        rates_of: How each scheme's rate is chosen.
        together: Whether tuning runs at the chosen rate count, too.
    """

    def rule(study: Study) -> Pick:
        table = values(study)
        rates = rates_of(table)
        first = 0 if together else TUNING
        at_rates = table[np.arange(len(rates)), rates, first:].mean(axis=-1)
        scheme = int(at_rates.argmin())
        return Pick((scheme, int(rates[scheme])), TRAININGS)

    return rule


def habit(scheme: str, rate: float) -> Rule:
    """Return the rule that never looks."""
    pair = SCHEMES.index(scheme), _nearest(rate)
    return lambda _: Pick(pair)


def finder(name: str) -> Rule:
    """Return the rule that takes PyTorch's start and what a learning-rate finder suggests."""
    place = list(FINDERS).index(name)

    def rule(study: Study) -> Pick:
        suggested = study.pool.finders[study.outer, study.seeds[0], place]
        return Pick((SCHEMES.index("torch_default"), _nearest(float(suggested))), 1)

    return rule


def _nearest(rate: float) -> int:
    return int(np.abs(np.log(np.array(RATES) / rate)).argmin())


def one_seed(study: Study) -> Pick:
    """Return the best of a single seed over all pairs: what a plain sweep does."""
    table = study.losses[..., 0]
    scheme, rate = np.unravel_index(int(table.argmin()), table.shape)
    return Pick((int(scheme), int(rate)), table.size)


def chosen(values: Array, rates_of: Callable[[Array], Rates]) -> tuple[Choice, Rates]:
    """Return what the compare stage chooses, and the rates that the schemes bring.

    Args:
        values: What is to be small, as a share of the constant predictor's, as the margins of the
            decision are: shape (schemes, rates, seeds).
        rates_of: How each scheme's rate is chosen.
    """
    rates = rates_of(values)
    evidence = [
        evidence_of(
            scheme,
            RATES[rate],
            dict(zip(RATES, of_one[:, :TUNING], strict=True)),
            of_one[rate, TUNING:],
            of_one[rate, TUNING:],  # this choice does not look at test losses
            GRID,
        )
        for scheme, of_one, rate in zip(SCHEMES, values, rates, strict=True)
    ]
    yardstick = Yardstick.of(SCHEMA, DECIDE)
    summaries = summarize(evidence, yardstick)
    return sure(choose_on_validation(summaries, yardstick), summaries, yardstick), rates


def product(rates_of: Callable[[Array], Rates]) -> Rule:
    """Return the rule of the compare stage; PyTorch's start where it has nothing to say."""

    def rule(study: Study) -> Pick:
        choice, rates = chosen(losses_of(study), rates_of)
        scheme = SCHEMES.index(choice.pick or "torch_default")
        return Pick((scheme, int(rates[scheme])), TRAININGS)

    return rule


def losses_of(study: Study) -> Array:
    """Return the losses of a study, as shares of the constant predictor's."""
    return study.losses / study.constant


def missing_score(study: Study) -> Array:
    """Return how far scores stay below 1, as a share of what the constant predictor lacks."""
    lacking = 1 - study.pool.constants[study.inner, study.outer, list(study.seeds), 1].mean()
    return np.asarray((1 - study.scores) / lacking)


def both(study: Study) -> Array:
    """Return the mean of the two."""
    return (losses_of(study) + missing_score(study)) / 2


def racing(study: Study) -> Pick:
    """Return the lowest mean loss of a race: rates and schemes that fall behind get no more seeds.

    All schemes share seeds. After every tuning seed but the first, rates leave that are behind the
    best of all or of their scheme by more than FAR standard errors, and by more than the margin;
    neighbours of the best rate are tried for those schemes that are left; half of the fresh seeds
    decide who gets the others.
    """
    values, seen = losses_of(study), np.zeros((len(SCHEMES), len(RATES)), dtype=int)
    alive = np.zeros(seen.shape, dtype=bool)
    alive[:, ::2] = True
    for seeds in range(1, TUNING + 1):
        seen[alive] = seeds
        if seeds > 1:
            alive &= ~_behind(values[..., :seeds], alive)
    schemes = np.flatnonzero(alive.any(axis=1))
    means = np.where(alive, values[..., :TUNING].mean(axis=-1), np.inf)
    for scheme in schemes:
        best = int(means[scheme].argmin())
        beside = [rate for rate in (best - 1, best + 1) if 0 <= rate < len(RATES)]
        seen[scheme, beside] = TUNING
        means[scheme, beside] = values[scheme, beside, :TUNING].mean(axis=-1)
    rates = means.argmin(axis=1)
    fresh = values[np.arange(len(rates)), rates, TUNING:]
    half = fresh.shape[1] // 2
    left = np.zeros((len(SCHEMES), 1), dtype=bool)
    left[schemes] = True
    left &= ~_behind(fresh[:, None, :half], left)
    trained = len(schemes) * half + int(left.sum()) * (fresh.shape[1] - half)
    scheme = int(np.where(left[:, 0], fresh.mean(axis=1), np.inf).argmin())
    return Pick((scheme, int(rates[scheme])), int(seen.sum()) + trained)


FAR = 2.0


def _behind(values: Array, alive: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which rates are behind the best of all, or of their scheme: (schemes, rates)."""
    means, places = np.where(alive, values.mean(axis=-1), np.inf), np.arange(len(values))
    own = values[places, means.argmin(axis=1)][:, None]
    of_all = values[np.unravel_index(int(means.argmin()), means.shape)]
    found = np.zeros(alive.shape, dtype=bool)
    if values.shape[-1] < 2:
        return found  # a single seed says nothing about spread
    for best in (own, of_all):
        above = values - best
        error = above.std(axis=-1, ddof=1) / math.sqrt(values.shape[-1])
        found |= above.mean(axis=-1) > np.maximum(FAR * error, 2 * DECIDE.margin)
    return found


RULES: dict[str, Rule] = {
    "product": product(lowest),
    "product, smoothed rate": product(smooth),
    "lowest mean loss": by_mean(losses_of, lowest),
    "lowest mean loss, tuning runs too": by_mean(losses_of, lowest, together=True),
    "smoothed rate, lowest mean loss": by_mean(losses_of, smooth),
    "best mean score": by_mean(missing_score, lowest),
    "loss and score": by_mean(both, lowest),
    "racing, lowest mean loss": racing,
    "one seed, lowest loss": one_seed,
    "habit: SGD 0.01, torch_default": habit("torch_default", 0.01),
    "habit: SGD 0.01, he_normal": habit("he_normal", 0.01),
    "habit: Adam 0.001, torch_default": lambda _: Pick(Adam()),
    "finder: fastai valley": finder("fastai valley"),
    "finder: Lightning steepest": finder("Lightning steepest"),
}
