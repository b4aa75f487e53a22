"""Redraws studies from a pool, and lets rules of decision and habits choose in each.

A study of the pool is what the product would have trained: tuning seeds at every rate, fresh seeds
at the chosen ones. A choice is worth what its pair is worth over all outer splits and seeds.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchmarks.answer_pools import FINDERS, INNER, RATES, SCHEMES, Pool
from benchmarks.calibration_studies import SCHEMA, evidence_of
from initsweep.params import Decide
from initsweep.randomness import numpy_stream
from initsweep.statistics.selection import Choice, choose_on_validation, sure
from initsweep.statistics.summary import summarize
from initsweep.statistics.yardstick import Yardstick

Array = NDArray[np.float64]
Pair = tuple[int, int]
"""A scheme and a rate, by their places in the pool."""

DECIDE = Decide(margin=0.01, basin_tolerance=0.05, trainable_skill=0.05, alpha=0.05)
GRID = RATES[::2]  # half decades; the rates between stand for refinement
TUNING, FRESH = 5, 10


@dataclass(frozen=True, kw_only=True)
class Worth:
    """What pairs are worth on test rows.

    Attributes:
        loss: Mean capped loss over seeds, as a share of the constant predictor's: shape (outer,
            schemes, rates).
        score: Mean score, a diverged run with that of the constant predictor.
        adam: Loss and score of PyTorch's start under Adam, shape (outer, 2).
    """

    loss: Array
    score: Array
    adam: Array

    def regret(self, pick: "Pair | Adam") -> tuple[float, float]:
        """Return what a pick loses against the best pair, by loss and by score.

        The best pair is looked for in one half of the outer splits and compared in the other, both
        ways round: a best found and compared in the same ones would look too good.
        """
        found = np.zeros(2)
        even = np.arange(len(self.loss)) % 2 == 0
        for known, new in ((even, ~even), (~even, even)):
            for place, (table, sign) in enumerate(((self.loss, 1), (-self.score, -1))):
                best = table[known].mean(axis=0).argmin()
                least = table[new].mean(axis=0).ravel()[best]
                own = table[new].mean(axis=0)[pick] if isinstance(pick, tuple) else (
                    sign * self.adam[new, place].mean())  # fmt: skip
                found[place] += (own - least) / 2
        return float(found[0]), float(found[1])


class Adam:
    """The habit of taking PyTorch's start and Adam at 0.001, which is no pair of the pool."""


def capped(pool: Pool, part: tuple[int, ...], what: str, split: str = "validation") -> Array:
    """Return losses or scores of a pool's runs where a failed one has the constant's.

    Args:
        pool: The pool.
        part: The inner split, or that and the outer one.
        what: "loss" or "score".
        split: Of which rows.

    Returns:
        Shape (schemes, rates, seeds), with an axis of outer splits before it if none is named.
    """
    place = ("validation", "test").index(split) * 2 + ("loss", "score").index(what)
    constant = pool.constants[part][..., None, None, :, place]
    values = pool.runs[f"{split}_{what}"][part]
    if what == "score":
        return np.where(np.isnan(values), constant, values)
    return np.fmin(values, constant)


def worth(pool: Pool) -> Worth:
    """Return what each pair is worth, on networks trained with the rows of rotating splits."""
    rotating = (INNER.index("rotating"),)
    constants = pool.constants[rotating][..., 2:]
    loss = np.fmin(pool.adam[..., 0], constants[..., 0]) / constants[..., 0]
    score = np.where(np.isnan(pool.adam[..., 1]), constants[..., 1], pool.adam[..., 1])
    return Worth(
        loss=(capped(pool, rotating, "loss", "test") / constants[:, None, None, :, 0]).mean(axis=3),
        score=capped(pool, rotating, "score", "test").mean(axis=3),
        adam=np.stack([loss.mean(axis=1), score.mean(axis=1)], axis=1),
    )


@dataclass(frozen=True)
class Study:
    """One study redrawn from a pool.

    Attributes:
        seeds: The places of its seeds, tuning seeds first.
    """

    pool: Pool
    inner: int
    outer: int
    seeds: tuple[int, ...]

    @cached_property
    def losses(self) -> Array:
        """Capped validation losses, shape (schemes, rates, seeds)."""
        return capped(self.pool, (self.inner, self.outer), "loss")[..., list(self.seeds)]

    @cached_property
    def scores(self) -> Array:
        """Validation scores, shape (schemes, rates, seeds)."""
        return capped(self.pool, (self.inner, self.outer), "score")[..., list(self.seeds)]

    @property
    def constant(self) -> float:
        """The constant predictor's validation loss, mean over the seeds."""
        return float(self.pool.constants[self.inner, self.outer, list(self.seeds), 0].mean())


def draw(pool: Pool, inner: int, outer: int, number: int) -> Study:
    """Return one of the studies that can be made of an outer split."""
    stream = numpy_stream("answers", pool.name, outer, number)
    available = pool.constants.shape[2]
    chosen = stream.permutation(available)[: TUNING + FRESH]
    return Study(pool, inner, outer, tuple(int(place) for place in chosen))


Rule = Callable[[Study], Pair | Adam]
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

    def rule(study: Study) -> Pair:
        table = values(study)
        rates = rates_of(table)
        first = 0 if together else TUNING
        at_rates = table[np.arange(len(rates)), rates, first:].mean(axis=-1)
        scheme = int(at_rates.argmin())
        return scheme, int(rates[scheme])

    return rule


def habit(scheme: str, rate: float) -> Rule:
    """Return the rule that never looks."""
    pair = SCHEMES.index(scheme), _nearest(rate)
    return lambda _: pair


def finder(name: str) -> Rule:
    """Return the rule that takes PyTorch's start and what a learning-rate finder suggests."""
    place = list(FINDERS).index(name)

    def rule(study: Study) -> Pair:
        suggested = study.pool.finders[study.outer, study.seeds[0], place]
        return SCHEMES.index("torch_default"), _nearest(float(suggested))

    return rule


def _nearest(rate: float) -> int:
    return int(np.abs(np.log(np.array(RATES) / rate)).argmin())


def one_seed(study: Study) -> Pair:
    """Return the best of a single seed over all pairs: what a plain sweep does."""
    table = study.losses[..., 0]
    scheme, rate = np.unravel_index(int(table.argmin()), table.shape)
    return int(scheme), int(rate)


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

    def rule(study: Study) -> Pair:
        choice, rates = chosen(losses_of(study), rates_of)
        scheme = SCHEMES.index(choice.pick or "torch_default")
        return scheme, int(rates[scheme])

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
    "product": product(smooth),
    "product, rate of the lowest mean": product(lowest),
    "lowest mean loss": by_mean(losses_of, lowest),
    "smoothed rate, lowest mean loss": by_mean(losses_of, smooth),
    "smoothed rate, lowest mean loss, tuning runs too": by_mean(losses_of, smooth, together=True),
    "smoothed rate, best mean score": by_mean(missing_score, smooth, together=True),
    "smoothed rate, loss and score": by_mean(both, smooth, together=True),
    "one seed, lowest loss": one_seed,
    "habit: SGD 0.01, torch_default": habit("torch_default", 0.01),
    "habit: SGD 0.01, he_normal": habit("he_normal", 0.01),
    "habit: Adam 0.001, torch_default": lambda _: Adam(),
    "finder: fastai valley": finder("fastai valley"),
    "finder: Lightning steepest": finder("Lightning steepest"),
}


@dataclass(frozen=True, kw_only=True)
class Regret:
    """How a rule did on one task.

    Attributes:
        loss: What its choices lose against the best pair, in percent of the constant's loss.
        score: The same in points of the score.
        worst: The largest score regret of a study.
        same: How often two studies of the same outer split choose the same scheme.
    """

    loss: float
    score: float
    worst: float
    same: float


def judge(truth: Worth, rule: Rule, drawn: Sequence[Sequence[Study]]) -> Regret:
    """Let a rule choose in redrawn studies.

    Args:
        truth: What each pair is worth.
        rule: The rule.
        drawn: The studies of each outer split.

    Returns:
        What its choices lose, and how stable they are.
    """
    picks = [[rule(study) for study in of_one] for of_one in drawn]
    found = [[truth.regret(pick) for pick in row] for row in picks]
    loss, score = 100 * np.array(found).reshape(-1, 2).T
    return Regret(
        loss=float(loss.mean()),
        score=float(score.mean()),
        worst=float(score.max()),
        same=float(np.mean([_agreement([_scheme(pick) for pick in row]) for row in picks])),
    )


def _scheme(pick: Pair | Adam) -> int:
    return pick[0] if isinstance(pick, tuple) else -1


def _agreement(schemes: Sequence[int]) -> float:
    count = len(schemes)
    same = sum(n * (n - 1) for n in (schemes.count(one) for one in set(schemes)))
    return same / (count * (count - 1)) if count > 1 else math.nan
