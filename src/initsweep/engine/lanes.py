"""What goes into the engine and what comes out of it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from initsweep.core.multipliers import Multipliers
from initsweep.core.records import DIVERGENCE_FACTOR

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
MetricFunction = Callable[[Tensor, Tensor], Tensor]

COLUMNS = (
    "initial_loss",
    "train_loss",
    "validation_loss",
    "validation_score",
    "diverged_at_step",
)
"""The arrays of `LaneResults`."""

NEVER = -1
"""`diverged_at_step` of a lane that has not diverged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One training of one network: its place on the stacked axis."""

    learning_rate: float
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """Examples: n for all seeds, or n for each seed, one part after the other.

    Attributes:
        features: Shape (n, ...) or (parts * n, ...).
        targets: Shape (n,) or (parts * n,).
        seeds: Whose the parts are, in their order; empty if all seeds share the examples.
    """

    features: Tensor
    targets: Tensor
    seeds: tuple[int, ...] = ()

    @property
    def n(self) -> int:
        """How many examples a seed has."""
        return len(self.targets) // max(1, len(self.seeds))

    def first(self, seed: int) -> int:
        """Return the row at which the examples of a seed begin."""
        return self.n * self.seeds.index(seed) if self.seeds else 0

    def of(self, seed: int) -> "Split":
        """Return the examples of a seed alone, as views; they then serve any seed."""
        rows = slice(self.first(seed), self.first(seed) + self.n)
        return Split(features=self.features[rows], targets=self.targets[rows])

    def rows(self, seeds: Sequence[int]) -> Tensor:
        """Return the rows of the examples of some seeds, shape (seeds, n), int64."""
        starts = torch.tensor([self.first(seed) for seed in seeds], device=self.targets.device)
        return starts[:, None] + torch.arange(self.n, device=self.targets.device)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """What every lane shares.

    Attributes:
        model: A template; its own weights are never used, its buffers are.
        initial_state: Seed to all parameters by name, on the CPU. Never called while another
            thread trains: it may run code that changes settings of the process.
        train: The examples to train on.
        validation: The examples to evaluate on before training and after each epoch.
        loss: Outputs (..., n, n_outputs) and targets (..., n) to losses (...).
        loss_name: What it is registered as, for a path that computes the loss itself; "" for a
            loss that only `loss` knows.
        recorded_loss: The same as losses are recorded; None for `loss`.
        score: The same for the quantity reported beside the loss.
        constant_loss: Validation loss of the best constant predictor.
        class_weights: What `loss` multiplies each class by, for a path that computes it itself.
        multipliers: Factors on the rate and decay of parameters, by name; 1 for those left out.
    """

    model: nn.Module
    initial_state: Callable[[int], Mapping[str, Tensor]]
    train: Split
    validation: Split
    loss: MetricFunction
    score: MetricFunction
    constant_loss: float
    loss_name: str = ""
    class_weights: tuple[float, ...] = ()
    recorded_loss: MetricFunction | None = None
    multipliers: Mapping[str, Multipliers] = field(default_factory=dict)

    def worth(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return losses and scores (...), as recorded, of outputs (..., n, n_outputs).

        Args:
            outputs: What networks made of validation examples.
            targets: Those of the examples, shape (n,) or (..., n).
        """
        loss = self.recorded_loss or self.loss
        return loss(outputs, targets), self.score(outputs, targets)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LaneResults:
    """What came of the lanes, in the order they were given.

    Index 0 of the validation columns is the untrained network. Everything is NaN from the epoch
    in which the lane was found to have diverged.

    Attributes:
        initial_loss: Validation loss of the untrained network, shape (lanes,).
        train_loss: Mean over the epoch's batches, each before its update, shape (lanes, epochs).
        validation_loss: Shape (lanes, epochs + 1).
        validation_score: Shape (lanes, epochs + 1).
        diverged_at_step: Updates made when it was first seen, or -1, shape (lanes,).
        final_states: Parameters and buffers by name on the CPU, None for a diverged lane; only
            where they were asked for.
        engine: The path that trained the lanes, with the reason if it was a fallback.
    """

    initial_loss: FloatArray
    train_loss: FloatArray
    validation_loss: FloatArray
    validation_score: FloatArray
    diverged_at_step: IntArray
    final_states: list[dict[str, Tensor] | None] | None
    engine: str

    def capped_losses(self, constant_loss: float) -> FloatArray:
        """Return final validation losses, at most `constant_loss`, which diverged lanes get."""
        return np.fmin(self.validation_loss[:, -1], constant_loss)


def empty_results(n_lanes: int, epochs: int, engine: str, *, keep_states: bool) -> LaneResults:
    """Return results in which nothing has been measured yet."""
    return LaneResults(
        initial_loss=np.full(n_lanes, np.nan),
        train_loss=np.full((n_lanes, epochs), np.nan),
        validation_loss=np.full((n_lanes, epochs + 1), np.nan),
        validation_score=np.full((n_lanes, epochs + 1), np.nan),
        diverged_at_step=np.full(n_lanes, NEVER, dtype=np.int64),
        final_states=[None] * n_lanes if keep_states else None,
        engine=engine,
    )


def divergence_limit(initial_loss: float, constant_loss: float) -> float:
    """Return the loss above which a lane counts as diverged.

    NaN where the lane was not finite to begin with; every comparison with it then fails, so a
    loss has diverged exactly if it is not `<=` the limit.
    """
    if not math.isfinite(initial_loss):
        return math.nan
    return DIVERGENCE_FACTOR * max(initial_loss, constant_loss)
