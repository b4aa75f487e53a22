"""Runs the chunks of a training on several threads, and stops them at once when asked to.

Threads rather than processes: nearly all time is spent in torch operations, which release
Python's lock, and threads share the data and need no pickling.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

import torch

from initsweep.engine.lanes import LaneResults
from initsweep.engine.packing import Chunk

Work = Callable[[Chunk, Callable[[], bool]], LaneResults]
"""Trains one chunk; raises CancelledError soon after the function it is given returns True."""


def run_chunks(
    work: Work, chunks: Sequence[Chunk], *, n_workers: int, threads: int
) -> Iterator[tuple[Chunk, LaneResults]]:
    """Train all chunks and yield each as it finishes, in the calling thread.

    Ctrl-C or an error anywhere stops the other workers before their next step.

    Yields:
        Chunk and results.
    """
    if n_workers == 1 or len(chunks) == 1:
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
