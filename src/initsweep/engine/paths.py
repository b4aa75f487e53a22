"""What every way of training lanes has in common. `choice.choose_path` picks one.

A path cuts the lanes into chunks and trains one chunk at a time. Whatever surrounds that
(workers, checkpoints, the order of results) is the same for all of them and lives in `train`.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import current_process
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from initsweep.core.params import Optimizer, Runtime, Training
from initsweep.engine.devices import MATMUL_SETTING
from initsweep.engine.evaluate import predict
from initsweep.engine.lanes import FloatArray, Lane, LaneResults, Problem
from initsweep.engine.packing import Chunk
from initsweep.engine.schedules import rate_factor
from initsweep.engine.unfinished import State, Unfinished

Workers = Literal["", "threads", "processes"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One call of `train_lanes`: everything that its lanes share.

    Attributes:
        problem: With its data on the device; its `initial_state` keeps what it has returned.
        training: Length, batches, schedule and clipping.
        optimizer: The optimizer and its settings.
        runtime: Threads, lanes per chunk, workers.
        keep_states: Whether to return final parameters and buffers.
    """

    problem: Problem
    training: Training
    optimizer: Optimizer
    runtime: Runtime
    keep_states: bool

    @property
    def device(self) -> torch.device:
        """Where the data are, and so where the training runs."""
        return self.problem.train.features.device

    @property
    def steps_per_epoch(self) -> int:
        """Updates of an epoch; rows that do not fill a batch wait for the next epoch."""
        return self.problem.train.n // self.training.batch_size

    @property
    def forks(self) -> bool:
        """Whether it can be trained in forks of this process.

        A process that has used threads inside operations has no more of them after a fork, and one
        that has differentiated where there is an accelerator cannot differentiate after a fork.
        `multiprocessing` lets its daemons have no children.
        """
        on_cpu = self.device.type == "cpu" and not torch.accelerator.is_available()
        return on_cpu and self.runtime.threads == 1 and not current_process().daemon

    @cached_property
    def rate_factors(self) -> FloatArray:
        """Factor on the learning rate of every update, shape (epochs, steps)."""
        steps = self.steps_per_epoch
        total = self.training.epochs * steps
        factors = [rate_factor(self.training, step, total) for step in range(total)]
        return np.array(factors).reshape(self.training.epochs, steps)

    def settings(self) -> dict[str, object]:
        """Return what the bits of a lane depend on whatever the path, apart from the lane."""
        return {
            "device": self.device.type,
            "threads": self.runtime.threads,
            "training": self.training.model_dump(mode="json"),
            "optimizer": self.optimizer.model_dump(mode="json"),
            "keep_states": self.keep_states,
        }


class TrainingPath(ABC):
    """One way of training lanes.

    Building one raises `PathError` if it does not cover the job: the network, a setting, or the
    machine. Results must be independent of the other lanes of a chunk to the last bit.

    Attributes:
        unfinished: Where the state of long trainings is kept; None for nowhere.
    """

    def __init__(self, job: Job, fallback_from: Sequence[str] = ()) -> None:
        """Prepare to train the lanes of `job`.

        Args:
            job: What the lanes share.
            fallback_from: Why each faster path was passed over, one line each.
        """
        self.job = job
        self.unfinished: Unfinished | None = None
        self._fallback_from = fallback_from

    def state_of(self, lanes: Sequence[Lane]) -> State:
        """Return where the state of lanes that are trained together is kept while they are."""
        return State(self.unfinished, lanes)

    @property
    @abstractmethod
    def kind(self) -> str:
        """What `runtime.engine` calls it, with the settings that change its bits in brackets."""

    @property
    def name(self) -> str:
        """What results are recorded under.

        The kind, the processor's vectors where their width changes bits, and why no faster path
        was taken.
        """
        vectors = self.settings().get("processor") if self.job.device.type == "cpu" else None
        trained = f"{self.kind} on {vectors}" if vectors else self.kind
        return ": ".join([trained, "; ".join(self._fallback_from)]).removesuffix(": ")

    @property
    @abstractmethod
    def workers(self) -> Workers:
        """What trains several chunks at the same time, "" where that gains nothing."""

    def settings(self) -> dict[str, object]:
        """Return what the bits depend on besides `kind` and what every path depends on."""
        return {
            "processor": torch.backends.cpu.get_cpu_capability(),
            "matrix products": os.environ.get(MATMUL_SETTING[0]),
        }

    def identity(self) -> dict[str, object]:
        """Return all that the bits of a lane depend on but problem and lane, as JSON has it."""
        return {"engine": self.kind, **self.job.settings(), **self.settings()}

    def numerics(self) -> AbstractContextManager[None]:
        """Return a context in which to train: settings of the process, restored afterwards."""
        return nullcontext()

    def predict(self, state: Mapping[str, Tensor], features: Tensor) -> Tensor:
        """Return what one network in evaluation mode makes of some examples.

        Args:
            state: Parameters and buffers by name.
            features: Shape (n, ...), on the job's device.

        Returns:
            Shape (n, n_outputs).
        """
        return predict(self.job.problem.model, [state], features)[0]

    @abstractmethod
    def chunks(self, lanes: Sequence[Lane]) -> list[Chunk]:
        """Return the lanes in groups to be trained together; positions index `lanes`."""

    @abstractmethod
    def train(self, chunk: Chunk, stopped: Callable[[], bool]) -> LaneResults:
        """Train one chunk. Called by several workers at once where there are some.

        Args:
            chunk: One of `chunks`.
            stopped: Asked before each step, or each lane where lanes are trained one by one.

        Returns:
            Results in the order of the chunk's lanes.

        Raises:
            CancelledError: Soon after `stopped()` became true.
        """
