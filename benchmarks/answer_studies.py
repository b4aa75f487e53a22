"""Redraws studies from a pool, and says what choices in them are worth.

A study of the pool is what the product would have trained: tuning seeds at every rate, fresh seeds
at the chosen ones. A choice is worth what its pair is worth over all outer splits and seeds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.answer_pools import INNER, RATES, Pool
from initsweep.core.randomness import numpy_stream

Array = NDArray[np.float64]
Pair = tuple[int, int]
"""A scheme and a rate, by their places in the pool."""

GRID = RATES[::2]  # half decades; the rates between stand for refinement
TUNING, FRESH = 5, 10


@dataclass(frozen=True, kw_only=True)
class Worth:
    """What pairs are worth on test rows.

    Attributes:
        loss: Mean capped loss over seeds, as a share of the constant predictor's: shape (outer,
            schemes, rates).
        score: Mean score, a diverged run with that of the constant predictor.
        best_epoch: The same two after the epoch of the lowest validation loss, shape (2, outer,
            schemes, rates).
        adam: Loss and score of PyTorch's start under Adam, shape (outer, 2).
    """

    loss: Array
    score: Array
    best_epoch: Array
    adam: Array

    def _own(self, pick: "Pair | AtBestEpoch | Adam", place: int, new: NDArray[np.bool_]) -> float:
        """Return what a pick is worth on some outer splits, by loss or by score."""
        if isinstance(pick, Adam):
            return float(self.adam[new, place].mean())
        if isinstance(pick, AtBestEpoch):
            return float(self.best_epoch[place][new].mean(axis=0)[pick.pair])
        return float((self.loss, self.score)[place][new].mean(axis=0)[pick])

    def regret(self, pick: "Pair | AtBestEpoch | Adam") -> tuple[float, float]:
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
                found[place] += (sign * self._own(pick, place, new) - least) / 2
        return float(found[0]), float(found[1])


class Adam:
    """The habit of taking PyTorch's start and Adam at 0.001, which is no pair of the pool."""


@dataclass(frozen=True)
class AtBestEpoch:
    """A scheme and a rate whose networks are taken where their validation loss was lowest."""

    pair: Pair


class Pick(NamedTuple):
    """What a rule chooses, and after how many trainings."""

    choice: Pair | AtBestEpoch | Adam
    trainings: int = 0

    @property
    def scheme(self) -> int:
        """The place of the scheme; -1 for Adam, which no other choice equals."""
        if isinstance(self.choice, Adam):
            return -1
        pair = self.choice.pair if isinstance(self.choice, AtBestEpoch) else self.choice
        return pair[0]


def capped(
    pool: Pool, part: tuple[int, ...], what: str, split: str = "validation", epoch: str = ""
) -> Array:
    """Return losses or scores of a pool's runs where a failed one has the constant's.

    Args:
        pool: The pool.
        part: The inner split, or that and the outer one.
        what: "loss" or "score".
        split: Of which rows.
        epoch: "best_" for the epoch of the lowest validation loss; else after the last one.

    Returns:
        Shape (schemes, rates, seeds), with an axis of outer splits before it if none is named.
    """
    place = ("validation", "test").index(split) * 2 + ("loss", "score").index(what)
    constant = pool.constants[part][..., None, None, :, place]
    values = pool.runs[f"{epoch}{split}_{what}"][part]
    if what == "score":
        return np.where(np.isnan(values), constant, values)
    return np.fmin(values, constant)


def worth(pool: Pool) -> Worth:
    """Return what each pair is worth, on networks trained with the rows of rotating splits."""
    rotating = (INNER.index("rotating"),)
    constants = pool.constants[rotating][..., 2:]
    loss = np.fmin(pool.adam[..., 0], constants[..., 0]) / constants[..., 0]
    score = np.where(np.isnan(pool.adam[..., 1]), constants[..., 1], pool.adam[..., 1])

    def at(epoch: str) -> tuple[Array, Array]:
        losses = capped(pool, rotating, "loss", "test", epoch) / constants[:, None, None, :, 0]
        return losses.mean(axis=3), capped(pool, rotating, "score", "test", epoch).mean(axis=3)

    last = at("")
    return Worth(
        loss=last[0],
        score=last[1],
        best_epoch=np.stack(at("best_")),
        adam=np.stack([loss.mean(axis=1), score.mean(axis=1)], axis=1),
    )


@dataclass(frozen=True, eq=False)
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
    def with_all_seeds(self) -> "Study":
        """The study with the seeds that it leaves out behind its own, for blocks of more."""
        every = range(self.pool.constants.shape[2])
        return replace(self, seeds=(*self.seeds, *(one for one in every if one not in self.seeds)))

    @cached_property
    def losses(self) -> Array:
        """Capped validation losses, shape (schemes, rates, seeds)."""
        return capped(self.pool, (self.inner, self.outer), "loss")[..., list(self.seeds)]

    @cached_property
    def lowest_losses(self) -> Array:
        """The same at the epoch of the lowest validation loss."""
        part = self.inner, self.outer
        return capped(self.pool, part, "loss", epoch="best_")[..., list(self.seeds)]

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


@dataclass(frozen=True, kw_only=True)
class Regret:
    """How a rule did on one task.

    Attributes:
        loss: What its choices lose against the best pair, in percent of the constant's loss.
        score: The same in points of the score.
        worst: The largest score regret of a study.
        same: How often two studies of the same outer split choose the same scheme.
        trainings: How many trainings a choice takes.
    """

    loss: float
    score: float
    worst: float
    same: float
    trainings: float


def judge(truth: Worth, picks: Sequence[Sequence[Pick]]) -> Regret:
    """Return what choices lose, and how stable they are.

    Args:
        truth: What each pair is worth.
        picks: The choices in the studies of each outer split.
    """
    found = [[truth.regret(pick.choice) for pick in row] for row in picks]
    loss, score = 100 * np.array(found).reshape(-1, 2).T
    return Regret(
        loss=float(loss.mean()),
        score=float(score.mean()),
        worst=float(score.max()),
        same=float(np.mean([agreement([pick.scheme for pick in row]) for row in picks])),
        trainings=float(np.mean([pick.trainings for row in picks for pick in row])),
    )


def agreement(schemes: Sequence[int]) -> float:
    """Return how often two of these are the same."""
    count = len(schemes)
    same = sum(n * (n - 1) for n in (schemes.count(one) for one in set(schemes)))
    return same / (count * (count - 1)) if count > 1 else math.nan
