"""Runs in processes of their own: what a user's function does to one, no other notices."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from initsweep.core.params import Loop, Resources
from initsweep.loops import pool as pools
from initsweep.loops.pool import Pool
from initsweep.loops.run_process import LONGEST, PRINTED
from initsweep.loops.spec import Failure, Outcome
from initsweep.views.terminal import watching


def test_a_run_tells_of_every_epoch_and_of_its_end(spec, done):
    told = []
    found = done(spec("train"), on_report=lambda run, epoch, report: told.append((run.seed, epoch)))
    outcome = found[0]
    assert isinstance(outcome, Outcome)
    assert (outcome.ending, len(outcome.reports), outcome.test) == ("finished", 3, None)
    assert told == [(0, 1), (0, 2), (0, 3)]
    assert (outcome.asked_rate, outcome.asked_scheme, outcome.optimizer_made) == (True,) * 3
    assert outcome.parameters == 4 * 8 + 8 + 8 + 1


def test_a_run_is_a_function_of_its_spec_whoever_runs_beside_it(spec, done, tmp_path):
    alone = done(spec("train", 3, folder=str(tmp_path / "alone")))[3]
    beside = done(*(spec("train", seed) for seed in (1, 2, 3)), workers=3)
    assert beside[3] == alone
    assert beside[1] != beside[2]


FAILING = {
    "raises": "it raised ValueError: no data here (training_functions.py, line",
    "crashes": "its process was ended by SIGSEGV",
    "exits": "its process ended with status 3 and without a word",
    "leaves": "it raised SystemExit: enough",
    "out_of_memory": "it ran out of memory (CUDA out of memory. Tried to allocate 20.00 GiB)",
    "reports_nothing": "it reported nothing. Call run.report(validation_loss=...) every epoch",
    "skips_an_epoch": "report: epoch 2 follows epoch 0",
    "looks_at_test": "report_test: only final runs may touch test data",
    "reports_text": "loss: expected one number, received 'low'",
    "missing": "training.function: module 'training_functions' has no 'missing'",
}


@pytest.mark.parametrize("function", FAILING)
def test_a_run_that_fails_says_why_in_one_line_and_hurts_no_other(function, spec, done):
    found = done(spec(function, 1), spec("train", 2))
    assert isinstance(found[1], Failure)
    assert found[1].message.startswith(FAILING[function])
    assert "\n" not in found[1].message
    assert found[2].ending == "finished"


def test_a_final_run_has_to_tell_of_test_data(spec, done):
    found = done(spec("forgets_test", 1, final=True), spec("train", 2, final=True))
    assert "without run.report_test" in found[1].message
    assert (found[2].test.score, len(found[2].test.row_losses)) == (0.5, 64)
    assert (Path(spec("train", 2).folder) / "model.safetensors").exists()


@pytest.mark.parametrize("function", ["nan_from_the_start", "swallows"])
def test_divergence_is_a_result(function, spec, done):
    found = done(spec(function))[0]
    assert (found.ending, found.reports) == ("diverged", [])


def test_a_run_that_says_nothing_for_too_long_is_given_up(spec, done):
    began = time.monotonic()
    found = done(spec("hangs"), silence=1.0)[0]
    assert found.message == "it reported nothing for 1 seconds (training.silence_limit)"
    assert time.monotonic() - began < 60


def test_what_a_run_has_begun_ends_with_it(spec, done):
    assert isinstance(done(spec("forks"))[0], Outcome)
    (child,) = Path(spec("forks").folder).glob("child-*")
    gone, deadline = int(child.name.partition("-")[2]), time.monotonic() + 30
    while alive(gone) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(gone)


def alive(process: int) -> bool:
    state = Path(f"/proc/{process}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_the_end_of_a_run_is_seen_though_its_child_lives(spec, done):
    began = time.monotonic()
    found = done(spec("dies_beside_a_child"))[0]
    assert found.message == "its process ended with status 3 and without a word"
    assert time.monotonic() - began < 15


def test_a_run_sees_the_gpus_that_this_process_was_given(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert pools.visible_gpus() == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-3,5")
    assert pools.visible_gpus() == ["GPU-3", "5"]


def test_runs_share_a_gpu_where_each_needs_a_part_of_it(monkeypatch):
    monkeypatch.setattr(pools, "visible_gpus", lambda: ["0", "1"])
    needs = Resources(cpu=1, gpu=0.4)
    pool = Pool.of(Loop(function="a:b", resources=needs), ".", cores=8)
    assert pool._free == ["0", "1", "0", "1"]
    assert needs.gpus == 1


def test_what_is_printed_is_kept_up_to_a_size_and_shown_nowhere(spec, done, capfd):
    assert isinstance(done(spec("prints"))[0], Outcome)
    assert (Path(spec("prints").folder) / PRINTED).stat().st_size <= LONGEST + 3_100_000
    assert capfd.readouterr() == ("", "")


def test_runs_wait_for_memory(spec, monkeypatch):
    monkeypatch.setattr(pools, "_free_memory", lambda: 1)
    most, specs = 0, [spec("train", seed) for seed in range(3)]
    with Pool(workers=3) as pool:
        for _ in pool.run(specs):
            most = max(most, len(pool._running))
    assert most <= 1


def test_each_run_sees_its_own_gpus_and_no_other(spec, done):
    with Pool(workers=2, gpus=("4", "5")) as pool:
        [(_, found)] = pool.run([spec("says_gpus", gpu=2)])
    assert found.message.startswith("it raised LookupError: 4,5 (")


def test_who_watches_sees_the_runs_at_work(spec, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    seen = []
    place = tmp_path / "scratch/tune/he_normal/key/run"

    def look(*_):
        seen.extend(watching.running("he_normal"))

    with Pool(workers=1, on_report=look) as pool:
        list(pool.run([spec("train", folder=str(place))]))
    assert {one.called for one in seen} <= {"he_normal at rate 0.01, seed 0"}
    told = json.loads((place / "now.json").read_text())
    assert (told["epoch"], told["called"]) == (3, "he_normal at rate 0.01, seed 0")
    assert not list(watching.running("he_normal"))  # it has ended


def test_runs_end_when_the_stage_is_killed(spec, tmp_path):
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from dataclasses import replace
from initsweep.loops.pool import Pool
from initsweep.loops.spec import RunSpec
def tell(*_):
    open({str(tmp_path / "told")!r}, "w").close()
if __name__ == "__main__":
    spec = {spec("hangs")!r}
    with Pool(workers=1, on_report=tell) as pool:
        list(pool.run([spec]))
"""
    file = tmp_path / "stage.py"
    file.write_text(code)
    stage = subprocess.Popen([sys.executable, str(file)])
    while not (tmp_path / "told").exists():
        assert stage.poll() is None
        time.sleep(0.05)
    others = [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()]
    runs = [one for one in others if _session_leader_of(one, stage.pid)]
    os.kill(stage.pid, signal.SIGKILL)
    stage.wait()
    deadline = time.monotonic() + 30
    while any(map(alive, runs)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert runs
    assert not any(map(alive, runs))


def _session_leader_of(process: int, stage: int) -> bool:
    """Return whether a process leads a session and descends from the stage's fork server."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        parent, session = int(fields[1]), int(fields[3])
        above = Path(f"/proc/{parent}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return session == process and int(above[1]) == stage
