"""The path that trains one lane per core in compiled code."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import torch
from torch import Tensor

from initsweep.core.randomness import batch_order
from initsweep.engine.compiled_lane import LaneTraining, Orders
from initsweep.engine.kernels.coverage import (
    check_batch,
    check_classes,
    check_coverage,
    check_data,
    check_optimizer,
)
from initsweep.engine.kernels.kernel_trainer import Trainer
from initsweep.engine.kernels.library import load_library
from initsweep.engine.kernels.verification import check_against_torch
from initsweep.engine.lanes import Lane, LaneResults
from initsweep.engine.packing import Assembly, Chunk, pack_evenly
from initsweep.engine.paths import Job, TrainingPath, Workers
from initsweep.engine.plan import Plan
from initsweep.engine.plan_reading import read_plan

UNINTERRUPTED = 2_000_000_000
"""Arithmetic operations between two looks at whether to stop: about a tenth of a second."""

KEPT_ORDERS = 64 * 1024 * 1024
"""Bytes of batch orders to keep, as the lanes of one seed share them."""

LEAST_WORK = 5_000_000_000
"""Arithmetic operations worth a file: a few hundredths of a second on one core."""

MOST_LANES = 16
"""Lanes of a chunk at most, so that workers end at about the same time."""


class CompiledPath(TrainingPath):
    """One lane at a time on each core, its parameters and activations close to it in the cache.

    Raises `KernelsError` or `PlanError` when built, if the kernels are not there or do not cover
    the network, the loss or the data.
    """

    def __init__(self, job: Job, fallback_from: Sequence[str] = ()) -> None:
        super().__init__(job, fallback_from)
        self._build, _ = load_library()
        problem = job.problem
        check_data(problem)
        check_optimizer(job.optimizer.name)
        self._plan = read_plan(problem.model, problem.train.features.shape[1:])
        frozen = [n for n, p in problem.model.named_parameters() if not p.requires_grad]
        check_coverage(self._plan, problem.loss_name, frozen)
        check_classes(problem, self._plan)
        check_batch(self._plan, job.training.batch_size)
        check_against_torch(problem, self._plan)
        shapes = {name: value.numel() for name, value in problem.model.named_parameters()}
        self._work = work_per_example(self._plan, shapes)
        self._idle: list[Trainer] = []
        n = problem.train.n
        self._orders: Orders = lru_cache(max(1, KEPT_ORDERS // (8 * n)))(
            lambda seed, epoch: batch_order(seed, epoch, n)
        )

    @property
    def kind(self) -> str:
        """What results are recorded under; builds with fused multiply-add share their bits."""
        return "compiled (portable)" if self._build == "portable" else "compiled"

    def settings(self) -> dict[str, object]:
        """Return nothing: what torch makes of the processor changes no bit."""
        return super().settings() if self._build == "portable" else {}

    @property
    def workers(self) -> Workers:
        """Threads: the kernels leave Python's lock to others."""
        return "threads"

    def chunks(self, lanes: Sequence[Lane]) -> list[Chunk]:
        """Return chunks of one lane, which need no company; of more where lanes are short.

        Every finished chunk is written to disk, which should cost little beside training it.
        """
        # Once forward, twice backward.
        work = 3 * self._work * self.job.problem.train.n * self.job.training.epochs
        asked = self.job.runtime.lanes_per_chunk
        most = MOST_LANES if asked == "auto" else asked
        return pack_evenly(
            lanes, max(1, min(most, LEAST_WORK // max(1, work))), self.job.runtime.n_workers
        )

    def train(self, chunk: Chunk, stopped: Callable[[], bool]) -> LaneResults:
        """Train the chunk's lanes, one after the other.

        Returns:
            Results in the order of the chunk's lanes.
        """
        job = self.job
        try:
            trainer = self._idle.pop()
        except IndexError:  # asked before, another thread might take the last one in between
            trainer = self._new_trainer()
        assembly = Assembly(
            len(chunk.lanes), job.training.epochs, self.kind, keep_states=job.keep_states
        )
        pause = max(1, UNINTERRUPTED // max(1, self._work))
        for position, lane in enumerate(chunk.lanes):
            training = LaneTraining(job, trainer, lane, self._orders, pause, self.state_of([lane]))
            assembly.add([position], training.run(stopped))
        self._idle.append(trainer)
        return assembly.results

    def predict(self, state: Mapping[str, Tensor], features: Tensor) -> Tensor:
        """Return the network's outputs, shape (n, n_outputs): the same bits on any processor."""
        trainer = self._idle.pop() if self._idle else self._new_trainer()
        trainer.start(state)
        outputs = torch.empty(len(features), trainer.n_outputs)
        trainer.predict(features.contiguous(), outputs)
        self._idle.append(trainer)
        return outputs

    def _new_trainer(self) -> Trainer:
        return Trainer(
            self._plan,
            batch=self.job.training.batch_size,
            loss=self.job.problem.loss_name,
            optimizer=self.job.optimizer,
            clip=self.job.training.gradient_clip,
            class_weights=self.job.problem.class_weights,
            multipliers=self.job.problem.multipliers,
        )


def work_per_example(plan: Plan, sizes: Mapping[str, int]) -> int:
    """Return the floating-point operations of the layers' products, forward, for one example.

    Args:
        plan: The network.
        sizes: Elements of every parameter, by name.
    """
    work = 0
    for operation in plan.operations:
        if operation.kind in ("linear", "conv2d"):
            positions = math.prod(operation.shape[1:])  # 1 for a row
            work += 2 * sizes[operation.parameters["weight"]] * positions
    return work
