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

from benchmarks.answer_pools import INNER, RATES, SCHEMES, Pool
from benchmarks.calibration_studies import SCHEMA, evidence_of
from initsweep.params import Decide
from initsweep.randomness import numpy_stream
from initsweep.statistics.selection import choose_on_validation
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
    """What pairs are worth on test rows, over outer splits and seeds.

    Attributes:
        loss: Mean capped loss, as a share of the constant predictor's: shape (schemes, rates).
        score: Mean score, a diverged run with that of the constant predictor.
    """

    loss: Array
    score: Array


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
    constant = pool.constants[rotating][:, None, None, :, 2]
    return Worth(
        loss=(capped(pool, rotating, "loss", "test") / constant).mean(axis=(0, 3)),
        score=capped(pool, rotating, "score", "test").mean(axis=(0, 3)),
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


Rule = Callable[[Study], Pair]


def by_mean(values: Callable[[Study], Array], *, together: bool = False) -> Rule:
    """Return the rule that takes the scheme with the lowest mean of its fresh runs.

    Args:
        values: What is to be small, (schemes, rates, seeds).
        together: Whether tuning runs at the chosen rate count, too.
    """

    def rule(study: Study) -> Pair:
        table = values(study)
        rates = table[..., :TUNING].mean(axis=-1).argmin(axis=1)
        first = 0 if together else TUNING
        at_rates = table[np.arange(len(rates)), rates, first:].mean(axis=-1)
        scheme = int(at_rates.argmin())
        return scheme, int(rates[scheme])

    return rule


def smoothed(values: Callable[[Study], Array]) -> Rule:
    """Return the rule that takes the lowest loss after averaging over neighbouring rates.

    Args:
        values: What is to be small, (schemes, rates, seeds).
    """
    steps = np.arange(len(RATES))
    weights = np.exp(-0.5 * (steps[:, None] - steps) ** 2)  # a standard deviation of one step
    weights /= weights.sum(axis=1, keepdims=True)

    def rule(study: Study) -> Pair:
        table = values(study)
        rates = (table[..., :TUNING].mean(axis=-1) @ weights.T).argmin(axis=1)
        fresh = table[np.arange(len(rates)), rates, :].mean(axis=-1)
        scheme = int(fresh.argmin())
        return scheme, int(rates[scheme])

    return rule


def habit(scheme: str, rate: float) -> Rule:
    """Return the rule that never looks."""
    pair = SCHEMES.index(scheme), int(np.abs(np.log(np.array(RATES) / rate)).argmin())
    return lambda _: pair


def one_seed(study: Study) -> Pair:
    """Return the best of a single seed over all pairs: what a plain sweep does."""
    table = study.losses[..., 0]
    scheme, rate = np.unravel_index(int(table.argmin()), table.shape)
    return int(scheme), int(rate)


def product(study: Study) -> Pair:
    """Return what the compare stage recommends, or its pick where it names nothing.

    Losses are shares of the constant predictor's, as the margins of the decision are.
    """
    losses = study.losses / study.constant
    rates = losses[..., :TUNING].mean(axis=-1).argmin(axis=1)
    evidence = [
        evidence_of(
            scheme,
            RATES[rate],
            dict(zip(RATES, of_one[:, :TUNING], strict=True)),
            of_one[rate, TUNING:],
            of_one[rate, TUNING:],  # this choice does not look at test losses
            GRID,
        )
        for scheme, of_one, rate in zip(SCHEMES, losses, rates, strict=True)
    ]
    yardstick = Yardstick.of(SCHEMA, DECIDE)
    choice = choose_on_validation(summarize(evidence, yardstick), yardstick)
    scheme = SCHEMES.index(choice.pick or "torch_default")
    return scheme, int(rates[scheme])


def negative_score(study: Study) -> Array:
    """Return how far scores stay below 1."""
    return 1 - study.scores


RULES: dict[str, Rule] = {
    "product: widest basin of those not worse": product,
    "lowest mean loss": by_mean(lambda study: study.losses),
    "lowest mean loss, tuning runs too": by_mean(lambda study: study.losses, together=True),
    "best mean score": by_mean(negative_score),
    "best mean score, tuning runs too": by_mean(negative_score, together=True),
    "smoothed loss": smoothed(lambda study: study.losses),
    "smoothed score": smoothed(negative_score),
    "one seed, lowest loss": one_seed,
    "habit: SGD 0.01, torch_default": habit("torch_default", 0.01),
    "habit: SGD 0.1, torch_default": habit("torch_default", 0.1),
    "habit: SGD 0.01, he_normal": habit("he_normal", 0.01),
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
    flat = [pair for row in picks for pair in row]
    loss = [truth.loss[pair] - truth.loss.min() for pair in flat]
    score = [truth.score.max() - truth.score[pair] for pair in flat]
    return Regret(
        loss=100 * float(np.mean(loss)),
        score=100 * float(np.mean(score)),
        worst=100 * float(np.max(score)),
        same=float(np.mean([_agreement([scheme for scheme, _ in row]) for row in picks])),
    )


def _agreement(schemes: Sequence[int]) -> float:
    count = len(schemes)
    same = sum(n * (n - 1) for n in (schemes.count(one) for one in set(schemes)))
    return same / (count * (count - 1)) if count > 1 else math.nan
