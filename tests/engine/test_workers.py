import os
import signal
import threading
import time
from concurrent.futures import CancelledError
from types import SimpleNamespace

import pytest
import torch

from initsweep.core.errors import RunError
from initsweep.engine.lanes import Lane, empty_results
from initsweep.engine.packing import Chunk
from initsweep.engine.workers import run_chunks, train_here

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


def path_of(train, workers=2):
    runtime = SimpleNamespace(n_workers=workers, threads=1)
    problem = SimpleNamespace(initial_state=lambda seed: None)
    job = SimpleNamespace(runtime=runtime, problem=problem)
    return SimpleNamespace(job=job, workers="processes", train=train)


def test_processes_share_out_the_chunks_and_hand_back_all_of_their_results():
    def train(chunk, stopped):
        time.sleep(0.05)
        results = empty_results(1, 2, str(os.getpid()), keep_states=True)
        results.validation_loss[:] = chunk.lanes[0].seed / 3
        results.final_states[0] = {"bias": torch.full((2,), 1.0 / 3), "seen": torch.tensor(7)}
        return results

    found = list(train_here(path_of(train), CHUNKS))
    assert sorted(chunk.positions[0] for chunk, _ in found) == list(range(6))
    assert len({results.engine for _, results in found} - {str(os.getpid())}) == 2
    for chunk, results in found:
        assert results.validation_loss.tolist() == [[chunk.lanes[0].seed / 3] * 3]
        assert torch.equal(results.final_states[0]["bias"], torch.full((2,), 1.0 / 3))
        assert results.final_states[0]["seen"].dtype == torch.int64


def test_what_a_process_raises_is_raised_here_and_a_killed_one_is_told_in_words():
    def broken(chunk, stopped):
        raise KeyError("broken", os.getpid())

    with pytest.raises(KeyError, match=str(os.getpid())):
        list(train_here(path_of(broken), CHUNKS))

    def killed(chunk, stopped):
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(RunError, match=r"was killed.*fewer `runtime\.workers`"):
        list(train_here(path_of(killed), CHUNKS))


@pytest.mark.parametrize(("workers", "chunks"), [(1, CHUNKS), (2, CHUNKS[:1]), (8, [])])
def test_what_one_can_do_alone_is_done_here(workers, chunks):
    def train(chunk, stopped):
        return empty_results(1, 1, str(os.getpid()), keep_states=False)

    found = list(train_here(path_of(train, workers), chunks))
    assert [results.engine for _, results in found] == [str(os.getpid())] * len(chunks)
