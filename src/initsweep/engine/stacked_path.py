"""The path in pure torch: lanes of a chunk together in one stack, or one by one where that wins."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from initsweep.core.errors import PlanError, StackingError
from initsweep.core.randomness import torch_stream
from initsweep.engine.devices import keep_freed_memory
from initsweep.engine.lanes import Lane, LaneResults
from initsweep.engine.matmul import LinearShape, findings, onednn_matmul
from initsweep.engine.muon import (
    hidden_weights,
    matrices_of,
    products_of_updates,
    smallest_stack_of_updates,
)
from initsweep.engine.optimizer_groups import STACKED_OPTIMIZERS, OptimizerGroups
from initsweep.engine.optimizers import carry_of
from initsweep.engine.packing import Chunk, pack, pack_evenly, spare_slots, spare_slots_of_any
from initsweep.engine.paths import Job, TrainingPath, Workers
from initsweep.engine.plan import Plan
from initsweep.engine.plan_reading import read_plan
from initsweep.engine.planned import PlannedStack, check_stackable_plan, evaluation_rows
from initsweep.engine.stack import Stack, stacked_tensors
from initsweep.engine.stack_sizes import StackSizes
from initsweep.engine.stackability import check_stackable
from initsweep.engine.stacked import SingleStack, VmapStack
from initsweep.engine.trainer import ChunkTrainer
from initsweep.engine.trial import Trial, try_out
from initsweep.graph.twins import copy_of

WORK_PER_PRODUCT = {"cpu": 64e6, "cuda": 4e9}
"""Floating-point operations that one stacked product should have, on average over the layers.
Fewer, and Python's part shows; more, and a chunk leaves the cache. Measured best on a core with
1 MB of second-level cache: 32 lanes or more at width 32 and 64, 16 at 128, 4 at 256, 1 at 512.
For CUDA an estimate, from 5 us per launch."""

MOST_LANES = {"cpu": 32, "cuda": 256}
MOST_MAPPED = {"cpu": 16, "cuda": 256}
"""The same for `torch.func.vmap`: a lane of an MLP with RMSNorm costs 0.37 ms a step among 8, 0.23
among 16, 0.17 among 32, and few sweeps have 32 lanes for each core."""


class StackedPath(TrainingPath):
    """Trains stacks of one of three kinds.

    Networks of known layers run as written-out operations (`planned`), others through
    `torch.func.vmap`. On the CPU, networks with convolutions, with layers that see an example as
    many tokens, or with products too large to gain anything from company run as they are, one lane
    at a time: stacked convolutions take 1.7 times as long as single ones, and those gain from
    `channels_last`; a vision transformer took 0.9 (5 tokens) to 2.4 times as long (17) in
    stacks of 16 at width 32 and 64. So do those that cannot be stacked. Raises `StackingError`
    when built if the network cannot be trained like that either.
    """

    def __init__(self, job: Job, fallback_from: Sequence[str] = ()) -> None:
        super().__init__(job, fallback_from)
        if job.optimizer.name not in STACKED_OPTIMIZERS:
            raise StackingError(f"the optimizer '{job.optimizer.name}' has no stacked form")
        self._on_cpu, features = job.device.type == "cpu", job.problem.train.features
        self._model = copy_of(job.problem.model, job.device)
        muon = job.optimizer.name == "muon"
        self._hidden = hidden_weights(self._model) if muon else frozenset[str]()
        self._plan = _stackable_plan(self._model, features.shape[1:])
        self._trial = None if self._plan else try_out(self._model, features)
        shapes = linear_shapes(self._model, job.training.batch_size)
        hidden = matrices_of(self._model.get_parameter(one) for one in self._hidden)
        self._slots = self._choose_slots(shapes)
        # One by one, small products lose more by oneDNN's preparations than they gain: 28 us per
        # product. Torch's own attention multiplies for every example: 20 times as long.
        gains = self._slots == 1 and not (self._trial and self._trial.fused_attention)
        self._choose_stack()
        self._onednn, self._smallest = False, self._slots
        if self._on_cpu and (gains or not self._single):
            for rows in evaluation_rows(job.problem.validation.n):
                shapes += linear_shapes(self._model, rows)
            threads = job.runtime.threads
            products = frozenset([*shapes, *products_of_updates(hidden)])
            found = findings(products, self._slots, features.dtype, threads)
            self._onednn = found.onednn
            # With several threads torch cuts its loops at places that depend on the stack's size.
            # With tiny batches too many slots would have to be spared.
            spared = spare_slots_of_any(job.training.batch_size)
            if self._plan is not None and threads == 1 and 4 * spared <= self._slots:
                updates = smallest_stack_of_updates(
                    hidden, self._slots, features.dtype, onednn=self._onednn
                )
                self._smallest = max(found.smallest_stack, updates)
        self._spare = spare_slots(self._slots, job.training.batch_size)
        self._sizes = self._sizes_to_choose_from()
        if not self._fixed:
            self._spare = spare_slots_of_any(job.training.batch_size)

    def _choose_stack(self) -> None:
        """Find out whether lanes are trained in company or one by one.

        Raises:
            StackingError: If neither gives what each lane gives alone.
        """
        problem, trial = self.job.problem, self._trial
        self._single = self._whole = False
        if trial is None or not self._on_cpu:
            check_stackable(problem, self._new_stack)
            return
        keep_freed_memory()
        against = self._against_company(trial)
        self._single = self._slots == 1 or trial.slides or trial.fused_attention or bool(against)
        if against:
            self._fallback_from, self._whole = [*self._fallback_from, against], True
            check_stackable(problem, self._new_stack, at_once=1)
        if self._single:
            self._slots = 1

    def _against_company(self, trial: Trial) -> str:
        """Return why lanes cannot be stacked, "" if they can."""
        if not trial.draws_alike:
            name = type(self._model).__name__
            return f"{name} cannot be stacked: what it draws at random depends on the stack"
        try:
            with sdpa_kernel(SDPBackend.MATH):  # vmap has no rule for the others
                check_stackable(self.job.problem, self._new_stack)
        except StackingError as error:
            return str(error)
        return ""

    @property
    def kind(self) -> str:
        """What results are recorded under."""
        how = ["one lane at a time"] if self._single else ["vmap"] if self._plan is None else []
        how += ["oneDNN matmul"] if self._onednn else []
        return f"torch ({', '.join(how)})" if how else "torch"

    @property
    def workers(self) -> Workers:
        """On the CPU one single-threaded worker per core beats threads inside an operation."""
        if self.job.forks:
            return "processes"
        return "threads" if self._on_cpu else ""

    @contextmanager
    def numerics(self) -> Iterator[None]:
        """Let oneDNN multiply inside the block where it was found to be exact.

        Yields:
            Nothing.
        """
        with onednn_matmul(enabled=self._onednn):
            yield

    def settings(self) -> dict[str, object]:
        """Return the size of the stack, as far as it can change bits."""
        return {**super().settings(), "slots": self._slots if self._fixed else None}

    def chunks(self, lanes: Sequence[Lane]) -> list[Chunk]:
        """Return chunks that leave free the slots in which arithmetic differs."""
        per_chunk, workers = self._slots - self._spare, self.job.runtime.n_workers
        if not self._fixed:
            return pack_evenly(lanes, per_chunk, workers)
        if self._sizes is not None:
            even = pack_evenly(lanes, per_chunk, min(workers, self._sizes.most_stacks(len(lanes))))
            if all(self._sizes.fitting(len(chunk.lanes)) < self._slots for chunk in even):
                return even
        return pack(lanes, per_chunk)

    def train(self, chunk: Chunk, stopped: Callable[[], bool]) -> LaneResults:
        """Train the chunk's lanes in one stack.

        Returns:
            Results in the order of the chunk's lanes.
        """
        job, slots = self.job, self._fill(range(len(chunk.lanes)))
        seeds = [chunk.lanes[slot].seed for slot in slots]
        initial = {seed: job.problem.initial_state(seed) for seed in set(seeds)}
        stack = self._new_stack([initial[seed] for seed in seeds], seeds)
        trainer = ChunkTrainer(
            job,
            chunk.lanes,
            slots,
            stack,
            self._new_optimizer(stack),
            None if self._fixed and self._sizes is None else self._fill,
            self.state_of(chunk.lanes),
        )
        return trainer.train(keep_states=job.keep_states, stopped=stopped)

    @property
    def _fixed(self) -> bool:
        return self._smallest == self._slots

    @property
    def _carry(self) -> float:
        return carry_of(self.job.optimizer, self.job.training.gradient_clip)

    def _fill(self, lanes: Sequence[int]) -> list[int]:
        """Return what a stack's slots hold: these lanes, then copies of the last."""
        size = max(len(lanes) + self._spare, self._smallest)
        if self._sizes is not None:
            size = self._sizes.fitting(len(lanes))
        return [*lanes, *[lanes[-1]] * (size - len(lanes))]

    def _sizes_to_choose_from(self) -> StackSizes | None:
        """Return the sizes of stacks of `torch.func`, None if there is only one to be had."""
        job, batch_size = self.job, self.job.training.batch_size
        mapped = self._on_cpu and self._plan is None and not self._single
        if not mapped or job.runtime.threads > 1 or spare_slots_of_any(batch_size):
            return None
        return StackSizes(job.problem, batch_size, self._slots, self._new_stack, self._update)

    def _choose_slots(self, shapes: Sequence[LinearShape]) -> int:
        asked, device = self.job.runtime.lanes_per_chunk, self.job.device.type
        if asked != "auto":
            return asked
        work = [2.0 * shape.rows * shape.inputs * shape.outputs for shape in shapes]
        mean = sum(work) / len(work) if work else WORK_PER_PRODUCT[device]
        fitting = max(1, int(WORK_PER_PRODUCT[device] / mean))
        most = MOST_MAPPED if self._plan is None else MOST_LANES
        return min(most[device], 1 << (fitting.bit_length() - 1))

    def _new_optimizer(self, stack: Stack) -> OptimizerGroups:
        carried = self._plan is not None and self._carry > 0
        return OptimizerGroups(stack, self.job.optimizer, carried=carried, hidden=self._hidden)

    def _update(self, stack: Stack, gradients: Sequence[Tensor]) -> None:
        rates = torch.ones(stack.lanes, dtype=torch.float64, device=self.job.device)
        self._new_optimizer(stack).step(gradients, rates)

    def _new_stack(self, states: Sequence[Mapping[str, Tensor]], seeds: Sequence[int]) -> Stack:
        tensors = stacked_tensors(self._model, states)
        loss, factors, trial = self.job.problem.loss, self.job.problem.multipliers, self._trial
        if self._plan is not None:
            return PlannedStack(self._plan, *tensors, loss, self._carry, factors)
        draws = self._on_cpu and trial is not None and trial.draws
        generators = [torch_stream("model", seed) for seed in seeds] if draws else []
        if not self._single:
            return VmapStack(self._model, *tensors, loss, generators, factors)
        return SingleStack(
            self._model,
            *tensors,
            loss,
            generators,
            factors,
            apart=self._hidden,
            handled=trial is not None and trial.handles_generator,
            channels_last=trial is not None and trial.channels_last,
            whole=self._whole,
        )


def linear_shapes(model: nn.Module, n_rows: int) -> list[LinearShape]:
    """Return the products of that many examples with weight matrices, as far as these tell."""
    multiplied = {
        id(parameter)
        for module in model.modules()
        if not isinstance(module, nn.Embedding | nn.EmbeddingBag)
        for parameter in module.parameters(recurse=False)
    }
    matrices = [p for p in model.parameters() if p.dim() == 2 and id(p) in multiplied]
    return [LinearShape(n_rows, inputs, outputs) for outputs, inputs in (m.shape for m in matrices)]


def _stackable_plan(model: nn.Module, input_shape: Sequence[int]) -> Plan | None:
    try:
        plan = read_plan(model, input_shape)
        check_stackable_plan(plan, model)
    except PlanError:
        return None
    return plan
