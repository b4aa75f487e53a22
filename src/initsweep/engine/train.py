"""Trains lanes: chooses the path, packs chunks, runs workers, keeps checkpoints."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from initsweep.engine.checkpoints import Checkpoints
from initsweep.engine.devices import numerics, resolve_device
from initsweep.engine.lanes import FloatArray, Lane, LaneResults, Problem, Split
from initsweep.engine.packing import Assembly, Chunk, pack, padded, spare_slots
from initsweep.engine.reference import train_one
from initsweep.engine.stackability import check_stackable
from initsweep.engine.stacked import ChunkTrainer
from initsweep.engine.workers import run_chunks
from initsweep.errors import ParamsError, StackingError
from initsweep.params import Optimizer, Runtime, Training

OnProgress = Callable[[int, FloatArray], None]
"""Called with the number of lanes a finished chunk had, and their final capped losses."""


def train_lanes(
    problem: Problem,
    lanes: Sequence[Lane],
    *,
    training: Training,
    optimizer: Optimizer,
    runtime: Runtime,
    keep_states: bool = False,
    on_progress: OnProgress | None = None,
    checkpoint: Path | None = None,
) -> LaneResults:
    """Train every lane and return what came of it, in the order given.

    A lane's result depends on the problem, the settings and the lane itself, to the last bit: not
    on the other lanes, on their order, on the number of workers, or on an interruption.

    Args:
        problem: What the lanes share.
        lanes: Learning rate and seed of each training.
        training: Length, batches, schedule and clipping.
        optimizer: The optimizer and its settings.
        runtime: Device, engine, threads, lanes per chunk, workers.
        keep_states: Whether to return the final parameters and buffers.
        on_progress: Called in this thread whenever a chunk is finished.
        checkpoint: Folder for finished chunks; its path must stand for the problem.

    Returns:
        Results of all lanes.

    Raises:
        ParamsError: If a batch is larger than the training set, or the device is not there.
        StackingError: If `runtime.engine` is "torch" and the network cannot be stacked.
    """
    _check_batch_size(training.batch_size, len(problem.train.targets))
    device = resolve_device(runtime.device)
    problem = _on_device(problem, device)
    with numerics(device, runtime.threads):
        job = _Job(
            problem=problem,
            training=training,
            optimizer=optimizer,
            runtime=runtime,
            keep_states=keep_states,
            engine=_choose_path(problem, runtime),
        )
        assembly = Assembly(len(lanes), training.epochs, job.engine, keep_states=keep_states)
        store = None if checkpoint is None else Checkpoints(checkpoint, job.settings())
        for chunk, results in job.finished(job.chunks(lanes), store):
            assembly.add(chunk.positions, results)
            if on_progress is not None:
                on_progress(len(chunk.lanes), results.capped_losses(problem.constant_loss))
    return assembly.results


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One call of `train_lanes`: everything that its chunks share."""

    problem: Problem
    training: Training
    optimizer: Optimizer
    runtime: Runtime
    keep_states: bool
    engine: str

    @property
    def stacked(self) -> bool:
        return self.engine == "torch"

    def chunks(self, lanes: Sequence[Lane]) -> list[Chunk]:
        slots = self.runtime.lanes_per_chunk
        spare = spare_slots(slots, self.training.batch_size) if self.stacked else 0
        return pack(lanes, slots - spare)

    def settings(self) -> dict[str, object]:
        """Return what the bits of a chunk depend on, apart from problem and lanes."""
        return {
            "engine": self.engine,
            "device": self.problem.train.features.device.type,
            "threads": self.runtime.threads,
            "slots": self.runtime.lanes_per_chunk,
            "training": self.training.model_dump(mode="json"),
            "optimizer": self.optimizer.model_dump(mode="json"),
            "keep_states": self.keep_states,
        }

    def finished(
        self, chunks: Sequence[Chunk], store: Checkpoints | None
    ) -> Iterator[tuple[Chunk, LaneResults]]:
        """Yield chunks with their results: first those kept by an earlier call, then the rest.

        Yields:
            Chunk and results.
        """
        todo = []
        for chunk in chunks:
            kept = store.load(chunk) if store else None
            if kept is None:
                todo.append(chunk)
            else:
                yield chunk, kept
        # Python's own work dominates the plain loop: a second thread would slow it down.
        parallel = self.stacked and self.problem.train.features.device.type == "cpu"
        n_workers = self.runtime.n_workers if parallel else 1
        train = self._train_stacked if self.stacked else self._train_one_by_one
        for chunk, results in run_chunks(
            train, todo, n_workers=n_workers, threads=self.runtime.threads
        ):
            if store:
                store.save(chunk, results)
            yield chunk, results

    def _train_stacked(self, chunk: Chunk, stopped: Callable[[], bool]) -> LaneResults:
        trainer = ChunkTrainer(
            self.problem,
            padded(chunk.lanes, self.runtime.lanes_per_chunk),
            {seed: self.problem.initial_state(seed) for seed in {x.seed for x in chunk.lanes}},
            self.training,
            self.optimizer,
        )
        return trainer.train(len(chunk.lanes), keep_states=self.keep_states, stopped=stopped)

    def _train_one_by_one(self, chunk: Chunk, stopped: Callable[[], bool]) -> LaneResults:
        assembly = Assembly(
            len(chunk.lanes), self.training.epochs, self.engine, keep_states=self.keep_states
        )
        for position, lane in enumerate(chunk.lanes):
            if stopped():
                raise CancelledError
            result = train_one(
                self.problem,
                lane,
                training=self.training,
                optimizer=self.optimizer,
                keep_state=self.keep_states,
            )
            assembly.add([position], result)
        return assembly.results


def _check_batch_size(batch_size: int, n_examples: int) -> None:
    if batch_size > n_examples:
        raise ParamsError(
            f"training.batch_size: received {batch_size}, but there are only {n_examples} training "
            f"examples. Use {n_examples} or less."
        )


def _choose_path(problem: Problem, runtime: Runtime) -> str:
    """Return "torch", or "reference" with the reason why if it was not asked for.

    Raises:
        StackingError: If stacking was asked for and the network cannot be stacked.
    """
    if runtime.engine == "reference":
        return "reference"
    try:
        check_stackable(problem)
    except StackingError as error:
        if runtime.engine == "torch":
            raise StackingError(
                f"{error}. Set `runtime.engine: auto` to train it one lane at a time."
            ) from error
        return f"reference: {error}"
    return "torch"


def _on_device(problem: Problem, device: torch.device) -> Problem:
    """Return the problem with its data on the device, safe to be shared by threads."""
    return replace(
        problem,
        train=_moved(problem.train, device),
        validation=_moved(problem.validation, device),
        initial_state=_one_at_a_time(problem.initial_state),
    )


def _moved(split: Split, device: torch.device) -> Split:
    return Split(features=split.features.to(device), targets=split.targets.to(device))


def _one_at_a_time(
    initial_state: Callable[[int], Mapping[str, Tensor]],
) -> Callable[[int], Mapping[str, Tensor]]:
    """Return the function, computing each seed once and never two at the same time."""
    lock, known = threading.Lock(), dict[int, Mapping[str, Tensor]]()

    def guarded(seed: int) -> Mapping[str, Tensor]:
        with lock:
            if seed not in known:
                known[seed] = initial_state(seed)
            return known[seed]

    return guarded
