"""Runs the chunks of a training on several workers, and stops them at once when asked to.

Threads where nearly all time is spent outside Python's lock: they share the data and need no
pickling. Forks of this process where Python has a part in every step, for which threads wait.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial

import torch

from initsweep.engine.checkpoints import from_bytes, to_bytes
from initsweep.engine.lanes import LaneResults
from initsweep.engine.packing import Chunk
from initsweep.engine.paths import TrainingPath
from initsweep.running import forks

Work = Callable[[Chunk, Callable[[], bool]], LaneResults]
"""Trains one chunk; raises CancelledError soon after the function it is given returns True."""

Trainer = Callable[[TrainingPath, Sequence[Chunk]], Iterator[tuple[Chunk, LaneResults]]]
"""Trains all chunks by a path, and yields lanes with their results, in chunks of its own."""


def train_here(path: TrainingPath, chunks: Sequence[Chunk]) -> Iterator[tuple[Chunk, LaneResults]]:
    """Train all chunks on this machine, and yield each as it finishes.

    Yields:
        Chunk and results.

    Raises:
        RunError: If a worker was killed.
    """
    runtime, workers = path.job.runtime, path.workers
    n_workers = min(runtime.n_workers, len(chunks)) if workers else 1
    if n_workers > 1:
        # Once for all processes. And while threads train, nothing else is done: other code may
        # change what all threads see.
        for seed in {lane.seed: None for chunk in chunks for lane in chunk.lanes}:
            path.job.problem.initial_state(seed)
    if n_workers > 1 and workers == "processes":
        for place, content in forks.each(partial(_train, path, chunks), len(chunks), n_workers):
            yield chunks[place], from_bytes(content)
        return
    yield from run_chunks(path.train, chunks, n_workers=n_workers, threads=runtime.threads)


def _train(path: TrainingPath, chunks: Sequence[Chunk], place: int) -> bytes:
    return to_bytes(path.train(chunks[place], lambda: False))


def run_chunks(
    work: Work, chunks: Sequence[Chunk], *, n_workers: int, threads: int
) -> Iterator[tuple[Chunk, LaneResults]]:
    """Train all chunks on threads, and yield each as it finishes, in the calling thread.

    Ctrl-C or an error anywhere stops the other workers before their next step.

    Yields:
        Chunk and results.
    """
    if n_workers < 2:
        for chunk in chunks:
            yield chunk, work(chunk, lambda: False)
        return
    stop = threading.Event()
    # The number of threads is a setting of each thread in torch.
    pool = ThreadPoolExecutor(n_workers, initializer=torch.set_num_threads, initargs=(threads,))
    try:
        futures = {pool.submit(work, chunk, stop.is_set): chunk for chunk in chunks}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
