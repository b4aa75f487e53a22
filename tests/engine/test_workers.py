import threading
import time
from concurrent.futures import CancelledError

import pytest
import torch

from initsweep.engine.lanes import Lane, empty_results
from initsweep.engine.packing import Chunk
from initsweep.engine.workers import run_chunks

CHUNKS = [
    Chunk(positions=(seed,), lanes=(Lane(learning_rate=0.1, seed=seed),)) for seed in range(6)
]
NOTHING = empty_results(1, 1, "torch", keep_states=False)
PATIENCE = 60.0  # seconds, reached only by a worker that is never told to stop


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.parametrize("n_workers", [1, 2, 8])
def test_every_chunk_is_done_once(n_workers):
    done = run_chunks(lambda chunk, _: NOTHING, CHUNKS, n_workers=n_workers, threads=1)
    assert sorted(chunk.positions[0] for chunk, _ in done) == list(range(6))


def test_chunks_run_at_the_same_time_with_the_right_number_of_threads():
    barrier, seen = threading.Barrier(2, timeout=PATIENCE), []

    def work(chunk, stopped):
        barrier.wait()
        seen.append((threading.current_thread().name, torch.get_num_threads()))
        return NOTHING

    list(run_chunks(work, CHUNKS, n_workers=2, threads=2))
    assert len({name for name, _ in seen}) == 2
    assert {threads for _, threads in seen} == {2}


@pytest.mark.parametrize("ending", ["caller", "worker"])
def test_running_chunks_are_told_to_stop(ending):
    started, told = [], []

    def work(chunk, stopped):
        started.append(chunk)
        if chunk is CHUNKS[0]:
            wait_until(lambda: len(started) == 2)
            if ending == "worker":
                raise KeyError("broken")
            return NOTHING
        wait_until(stopped)
        told.append(chunk)
        raise CancelledError

    def consume():
        for _ in run_chunks(work, CHUNKS, n_workers=2, threads=1):
            raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        consume()
    assert len(told) == len(started) - 1 < len(CHUNKS) - 1
