"""Trainings of one scheme as matrices: learning rates by seeds."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from initclaims.laboratory.data import Data
from initclaims.laboratory.table import Measurement
from initsweep.engine.lanes import NEVER, LaneResults

Matrix = NDArray[np.float64]
By = Literal["loss", "score"]
"""What a rate is chosen by: the mean capped loss, or the mean score."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Runs:
    """Every rate under every seed.

    Attributes:
        label: The scheme.
        rates: Learning rates, in the order given.
        seeds: Seeds, in the order given.
        losses: Loss by epoch on the rows asked for, epoch 0 untrained, at most the constant
            predictor's, which a diverged run counts as; shape (rates, seeds, epochs + 1).
        scores: Score by epoch, that of guessing where a run has diverged; same shape.
        raw_losses: As `losses`, but as they were: NaN from divergence on.
        train_losses: Mean over the batches of each epoch, shape (rates, seeds, epochs).
        diverged: Shape (rates, seeds).
        states: Final parameters, rates by seeds, None for diverged runs; empty if not kept.
        constant_loss: The constant predictor's.
        guessed_score: Of the best guess that ignores the features.
        engine: The path that trained them.
    """

    label: str
    rates: tuple[float, ...]
    seeds: tuple[int, ...]
    losses: Matrix
    scores: Matrix
    raw_losses: Matrix
    train_losses: Matrix
    diverged: NDArray[np.bool_]
    states: list[list[dict[str, Tensor] | None]]
    constant_loss: float
    guessed_score: float
    engine: str

    @classmethod
    def of(
        cls,
        label: str,
        rates: Sequence[float],
        seeds: Sequence[int],
        results: LaneResults,
        data: Data,
        split: str,
    ) -> "Runs":
        """Return the results of the lanes rates x seeds as matrices."""
        shape = (len(rates), len(seeds))
        constant, guess = data.constant_loss[split], _guess(data, split)
        raw = results.validation_loss.reshape(*shape, -1)
        scores = results.validation_score.reshape(*shape, -1)
        states = results.final_states or []
        return cls(
            label=label,
            rates=tuple(rates),
            seeds=tuple(seeds),
            losses=np.fmin(raw, constant),
            scores=np.where(np.isfinite(scores) & np.isfinite(raw), scores, guess),
            raw_losses=raw,
            train_losses=results.train_loss.reshape(*shape, -1),
            diverged=(results.diverged_at_step != NEVER).reshape(shape),
            states=[states[at : at + len(seeds)] for at in range(0, len(states), len(seeds))],
            constant_loss=constant,
            guessed_score=guess,
            engine=results.engine,
        )

    @property
    def final_losses(self) -> Matrix:
        """Capped loss after the last epoch, shape (rates, seeds)."""
        return self.losses[..., -1]

    @property
    def final_scores(self) -> Matrix:
        """Score after the last epoch, shape (rates, seeds)."""
        return self.scores[..., -1]

    @property
    def best_rate(self) -> float:
        """The rate with the lowest mean capped loss; the smallest of several equal ones."""
        return self.best()

    def best(self, by: By = "loss") -> float:
        """Return the rate with the lowest mean capped loss, or with the highest mean score.

        The smallest of several equal ones. Where most losses reach the cap they are equal at good
        and at bad rates, and only the score tells them apart.
        """
        means = (self.final_losses if by == "loss" else -self.final_scores).mean(axis=1)
        ranked = sorted(range(len(self.rates)), key=lambda i: (means[i], self.rates[i]))
        return self.rates[ranked[0]]

    def joined(self, other: "Runs") -> "Runs":
        """Return the runs of two sets of rates as one."""

        def both(pick: Callable[[Runs], NDArray[Any]]) -> NDArray[Any]:
            return np.concatenate([pick(self), pick(other)])

        return replace(
            self,
            rates=self.rates + other.rates,
            states=self.states + other.states,
            losses=both(lambda runs: runs.losses),
            scores=both(lambda runs: runs.scores),
            raw_losses=both(lambda runs: runs.raw_losses),
            train_losses=both(lambda runs: runs.train_losses),
            diverged=both(lambda runs: runs.diverged),
        )

    def kept(self, rate: float) -> Iterator[tuple[int, dict[str, Tensor]]]:
        """Iterate over seed and final parameters at a rate, without diverged runs.

        Yields:
            One pair per seed.
        """
        for seed, state in zip(self.seeds, self.states[self.at(rate)], strict=True):
            if state is not None:
                yield seed, state

    def at(self, rate: float) -> int:
        """Return the place of a rate."""
        return self.rates.index(rate)

    def measured(self, quantity: str, values: Matrix, arm: str | None = None) -> list[Measurement]:
        """Return a matrix of rates by seeds as measurements, the rate being the setting."""
        return [
            Measurement.of(arm or self.label, quantity, values[i, j], seed=seed, setting=rate)
            for i, rate in enumerate(self.rates)
            for j, seed in enumerate(self.seeds)
        ]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tuned:
    """A scheme at its own best rate.

    Attributes:
        response: All rates on the tuning seeds, validation rows.
        fresh: The best rate on fresh seeds, test rows.
        by: What the rate was chosen by.
    """

    response: Runs
    fresh: Runs
    by: By = "loss"

    @property
    def rate(self) -> float:
        """The best rate."""
        return self.fresh.rates[0]

    @property
    def test_losses(self) -> Matrix:
        """Capped test losses of the fresh runs, shape (seeds,)."""
        return np.asarray(self.fresh.final_losses[0])

    @property
    def test_scores(self) -> Matrix:
        """Test scores of the fresh runs, shape (seeds,)."""
        return np.asarray(self.fresh.final_scores[0])


def _guess(data: Data, split: str) -> float:
    """Return the score of the best guess that ignores the features."""
    if data.score_name != "accuracy":
        return 0.0  # R² of predicting the mean
    targets = data.splits[split].targets
    commonest = data.train.targets.bincount().argmax()
    return float((targets == commonest).double().mean())
