"""Rules of decision, habits and learning-rate finders, as they choose in a redrawn study."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from benchmarks.answer_pools import FINDERS, RATES, SCHEMES
from benchmarks.answer_race import race
from benchmarks.answer_studies import (
    FRESH,
    GRID,
    TUNING,
    Adam,
    Array,
    AtBestEpoch,
    Pair,
    Pick,
    Study,
)
from benchmarks.calibration_studies import SCHEMA, evidence_of, settled
from initsweep.core.params import Decide
from initsweep.statistics.scheme_summary import summarize
from initsweep.statistics.selection import Choice, choose_on_validation, sure
from initsweep.statistics.thresholds import Thresholds

DECIDE = Decide(margin=0.01, basin_tolerance=0.05, trainable_skill=0.05, alpha=0.05, most_seeds=0)
Rule = Callable[[Study], Pick]


class Tuned(NamedTuple):
    """What tuning leaves.

    Attributes:
        rates: The place of the chosen rate of each scheme, shape (schemes,).
        seen: On how many tuning seeds each rate was trained, shape (schemes, rates).
        fresh: How many trainings there are at the chosen rates.
    """

    rates: NDArray[np.int64]
    seen: NDArray[np.int64]
    fresh: int = FRESH * len(SCHEMES)

    @property
    def trainings(self) -> int:
        """How many trainings there were."""
        return int(self.seen.sum()) + self.fresh


Tuner = Callable[[Array], Tuned]
"""Tunes the schemes of a table, shape (schemes, rates, seeds)."""


def lowest(table: Array) -> Tuned:
    """Return the rate of the lowest mean over the tuning seeds."""
    return _all_seen(table[..., :TUNING].mean(axis=-1))


def _all_seen(means: Array) -> Tuned:
    return Tuned(np.asarray(means.argmin(axis=1)), np.full(means.shape, TUNING))


def raced(table: Array) -> Tuned:
    """Return the rate of the lowest mean of those that stay in the product's race."""
    seen = np.stack([race(of_one) for of_one in table])
    means = np.where(seen == TUNING, table[..., :TUNING].mean(axis=-1), np.inf)
    return Tuned(np.asarray(means.argmin(axis=1)), seen)


def by_mean(values: Callable[[Study], Array], tune: Tuner, *, together: bool = False) -> Rule:
    """Return the rule that takes the scheme with the lowest mean of its fresh runs.

    Args:
        values: What is to be small, (schemes, rates, seeds).
        tune: How each scheme's rate is chosen.
        together: Whether tuning runs at the chosen rate count, too.
    """

    def rule(study: Study) -> Pick:
        table = values(study)
        tuned = tune(table)
        first = 0 if together else TUNING
        at_rates = table[np.arange(len(table)), tuned.rates, first:].mean(axis=-1)
        scheme = int(at_rates.argmin())
        return Pick((scheme, int(tuned.rates[scheme])), tuned.trainings)

    return rule


def at_best_epoch(study: Study) -> Pick:
    """Return the lowest mean where validation chooses the epoch, too: `by_mean` judged there."""
    pick = by_mean(lambda study: study.lowest_losses, lowest)(study)
    return pick._replace(choice=AtBestEpoch(cast("Pair", pick.choice)))


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


@lru_cache(maxsize=10_000)
def chosen(study: Study, tune: Tuner, *, blocks: bool = True) -> tuple[Choice, Tuned]:
    """Return what the compare stage chooses, and what tuning left.

    Args:
        study: The study.
        tune: How each scheme's rate is chosen.
        blocks: Whether schemes that may still be recommended get more fresh seeds.
    """
    values = losses_of(study.with_all_seeds if blocks else study)
    tuned = tune(values)
    evidence = [
        evidence_of(
            scheme,
            RATES[rate],
            {RATES[place]: of_one[place, : seen[place]] for place in np.flatnonzero(seen)},
            of_one[rate, TUNING:],
            of_one[rate, TUNING:],  # this choice does not look at test losses
            GRID,
        )
        for scheme, of_one, rate, seen in zip(SCHEMES, values, tuned.rates, tuned.seen, strict=True)
    ]
    decide = DECIDE.model_copy(update={"most_seeds": values.shape[-1] - TUNING})
    thresholds = Thresholds.of(SCHEMA, decide, FRESH)
    evidence = settled(evidence, FRESH, thresholds)
    summaries = summarize(evidence, thresholds)
    tuned = tuned._replace(fresh=sum(len(one.confirm) for one in evidence))
    return sure(choose_on_validation(summaries, thresholds), summaries, thresholds), tuned


def product(tune: Tuner, *, blocks: bool = True) -> Rule:
    """Return the rule of the compare stage; PyTorch's start where it has nothing to say."""

    def rule(study: Study) -> Pick:
        choice, tuned = chosen(study, tune, blocks=blocks)
        scheme = SCHEMES.index(choice.pick or "torch_default")
        return Pick((scheme, int(tuned.rates[scheme])), tuned.trainings)

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


RULES: dict[str, Rule] = {
    "product": product(lowest),
    "product, 10 fresh seeds": product(lowest, blocks=False),
    "product, racing": product(raced),
    "lowest mean loss": by_mean(losses_of, lowest),
    "lowest mean loss, tuning runs too": by_mean(losses_of, lowest, together=True),
    "lowest mean loss, judged at the best epoch": at_best_epoch,
    "best mean score": by_mean(missing_score, lowest),
    "loss and score": by_mean(both, lowest),
    "racing, lowest mean loss": by_mean(losses_of, raced),
    "one seed, lowest loss": one_seed,
    "habit: SGD 0.01, torch_default": habit("torch_default", 0.01),
    "habit: SGD 0.01, he_normal": habit("he_normal", 0.01),
    "habit: Adam 0.001, torch_default": lambda _: Pick(Adam()),
    "finder: fastai valley": finder("fastai valley"),
    "finder: Lightning steepest": finder("Lightning steepest"),
}
