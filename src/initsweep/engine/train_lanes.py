"""Trains lanes: by the path that was chosen, in chunks, on workers, keeping checkpoints."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from initsweep.core.errors import ParamsError
from initsweep.core.params import Optimizer, Runtime, Training
from initsweep.engine.checkpoints import Checkpoints
from initsweep.engine.choice import choose_path
from initsweep.engine.devices import numerics, resolve_device
from initsweep.engine.lanes import FloatArray, Lane, LaneResults, Problem, Split
from initsweep.engine.packing import Assembly, Chunk
from initsweep.engine.paths import Job, TrainingPath
from initsweep.engine.unfinished import Unfinished
from initsweep.engine.workers import Trainer, train_here

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
    trainer: Trainer = train_here,
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
        checkpoint: Folder for finished lanes; its path must stand for the problem.
        trainer: Trains the chunks.

    Returns:
        Results of all lanes.

    Raises:
        ParamsError: If a batch is larger than the training set, or the device is not there.
        PathError: If `runtime.engine` names a path that does not cover the job.
    """
    path = lane_path(
        problem, training=training, optimizer=optimizer, runtime=runtime, keep_states=keep_states
    )
    assembly = Assembly(len(lanes), training.epochs, path.name, keep_states=keep_states)
    store = None if checkpoint is None else Checkpoints(checkpoint, path.identity())
    if checkpoint is not None:
        path.unfinished = Unfinished(checkpoint, path.identity(), runtime.keep_every_minutes)
    with numerics_of(path):
        for chunk, results in _finished(path, lanes, store, trainer):
            assembly.add(chunk.positions, results)
            if on_progress is not None:
                on_progress(len(chunk.lanes), results.capped_losses(problem.constant_loss))
    return assembly.results


def lane_path(
    problem: Problem,
    *,
    training: Training,
    optimizer: Optimizer,
    runtime: Runtime,
    keep_states: bool = False,
) -> TrainingPath:
    """Return the path that trains some lanes; the arguments are those of `train_lanes`.

    Raises:
        ParamsError: If a batch is larger than the training set, or the device is not there.
        PathError: If `runtime.engine` names a path that does not cover the job.
    """
    _check_batch_size(training.batch_size, problem.train.n)
    device = resolve_device(runtime.device)
    job = Job(
        problem=_on_device(problem, device),
        training=training,
        optimizer=optimizer,
        runtime=runtime,
        keep_states=keep_states,
    )
    with numerics(device, runtime.threads):
        return choose_path(job)


@contextmanager
def numerics_of(path: TrainingPath) -> Iterator[None]:
    """Have the settings inside the block that a path trains under.

    Yields:
        Nothing.
    """
    with numerics(path.job.device, path.job.runtime.threads), path.numerics():
        yield


def predict_rows(
    problem: Problem,
    states: Sequence[tuple[int, Mapping[str, Tensor]]],
    split: Split,
    *,
    training: Training,
    optimizer: Optimizer,
    runtime: Runtime,
) -> list[Tensor]:
    """Return what trained networks make of some examples, by the path that trains them.

    Args:
        problem: What they share.
        states: Seed, and parameters and buffers by name, of each.
        split: The examples of these seeds.
        training: As they were trained.
        optimizer: As they were trained.
        runtime: Device, engine, threads.

    Returns:
        Outputs in evaluation mode on the CPU, shape (n, n_outputs) each.
    """
    path = lane_path(problem, training=training, optimizer=optimizer, runtime=runtime)
    with numerics_of(path):
        return [
            path.predict(state, split.of(seed).features.to(path.job.device)).cpu()
            for seed, state in states
        ]


def _finished(
    path: TrainingPath, lanes: Sequence[Lane], store: Checkpoints | None, trainer: Trainer
) -> Iterator[tuple[Chunk, LaneResults]]:
    """Yield lanes with their results: first those kept by an earlier call, then the rest in chunks.

    Yields:
        Chunk and results.
    """
    left = dict(enumerate(lanes))
    for position, kept in store.find(lanes) if store else ():
        yield Chunk(positions=(position,), lanes=(left.pop(position),)), kept
    for chunk, results in trainer(path, _chunks(path, left)):
        if store:
            store.save(chunk, results)
        if path.unfinished:
            path.unfinished.forget(chunk.lanes)
        yield chunk, results


def _chunks(path: TrainingPath, lanes: Mapping[int, Lane]) -> list[Chunk]:
    """Return lanes by their positions in chunks: first those that were being trained together."""
    positions, chunks = list(lanes), list[Chunk]()
    for group in path.unfinished.groups(list(lanes.values())) if path.unfinished else ():
        together = tuple(positions[place] for place in group)
        chunks.append(Chunk(positions=together, lanes=tuple(lanes[one] for one in together)))
    begun = {position for chunk in chunks for position in chunk.positions}
    new = [position for position in positions if position not in begun]
    return chunks + [
        replace(chunk, positions=tuple(new[place] for place in chunk.positions))
        for chunk in path.chunks([lanes[position] for position in new])
    ]


def _check_batch_size(batch_size: int, n_examples: int) -> None:
    if batch_size > n_examples:
        raise ParamsError(
            f"training.batch_size: received {batch_size}, but there are only {n_examples} training "
            f"examples. Use {n_examples} or less."
        )


def _on_device(problem: Problem, device: torch.device) -> Problem:
    """Return the problem with its data on the device, and each seed's state computed once."""
    return replace(
        problem,
        train=_moved(problem.train, device),
        validation=_moved(problem.validation, device),
        initial_state=cache(problem.initial_state),
    )


def _moved(split: Split, device: torch.device) -> Split:
    return replace(
        split,
        features=split.features.to(device).contiguous(),
        targets=split.targets.to(device).contiguous(),
    )
