"""However a run is stopped, nothing of it goes on, nothing is torn, and it ends with its bytes."""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from initsweep.core import stopping
from initsweep.running.folder_lock import HOLDER
from tests.faults.fuzzing import ROUNDS
from tests.pipeline.conftest import Project

pytestmark = pytest.mark.pipeline

SIGNALS = (signal.SIGHUP, signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
KILLS = 2 if ROUNDS == 1 else 4 * ROUNDS  # those that no other test here sends, or all
PATIENCE = 60
LONG = {
    "model.width": 48,
    "training.batch_size": 16,
    "training.epochs": 40,
    "confirm.seeds": [10, 11, 12, 13, 14, 15],
    "decide.most_seeds": 0,
    "runtime.workers": 2,
    "runtime.lanes_per_chunk": 2,
    "runtime.engine": "torch",
}
STOPPED = "initsweep: stopped; finished work is kept, run again to go on."


def start(project: Project, *command: str, **environment: str) -> "subprocess.Popen[str]":
    """Start a command as the terminal does, in a group of its own, and however we were started."""
    return subprocess.Popen(
        [sys.executable, "-m", "initsweep", *command],
        cwd=project.path,
        env=project.environment(**environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
        preexec_fn=lambda: [signal.signal(sent, signal.SIG_DFL) for sent in stopping.SIGNALS],
    )


def processes_in(folder: Path) -> dict[int, str]:
    """Processes whose current folder it is, with their command lines."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve().is_relative_to(folder):
                line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found[int(process.name)] = line
        except OSError:  # it has just ended
            continue
    return {process: line for process, line in found.items() if line}


def wait_until_nothing_runs(folder: Path) -> None:
    end = time.monotonic() + PATIENCE
    while left := processes_in(folder):
        assert time.monotonic() < end, f"still running: {left}"
        time.sleep(0.05)


def wait_for(condition, what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def is_training(project: Project) -> bool:
    with contextlib.suppress(FileNotFoundError):  # a folder that DVC removes meanwhile
        return any(project.path.rglob("scratch/*/*/*/*.npz"))
    return False


@pytest.fixture
def long(project):
    """A study that is out of date from its first training on, with nothing published yet."""
    project.set(LONG)
    (project.path / "mlflow.db").unlink()
    return project


def test_runs_stopped_at_random_moments(long):
    """From the first line on, through trainings and first publications, and again from nothing."""
    whole = Project(long.path.parent / "uninterrupted")
    shutil.copytree(long.path, whole.path, symlinks=True)
    assert whole.initsweep("repro").returncode == 0
    nothing = {path: path.is_dir() for path in long.path.iterdir()}
    moments, stopped = random.Random(0), 0
    while stopped < KILLS:
        sent = SIGNALS[stopped % len(SIGNALS)]
        running = start(long, "repro")
        time.sleep(moments.choice([1.0, 8.0]) * moments.random())
        running.send_signal(sent)
        said = running.communicate(timeout=PATIENCE)[0]
        wait_until_nothing_runs(long.path)
        assert "Traceback" not in said
        if running.returncode == 0:
            check_same(long, whole)
            begin_again(long, nothing)
            continue
        stopped += 1
        if running.returncode == -sent:  # killed, or before our first line: Python itself starts
            assert sent == signal.SIGKILL or not said
        else:
            assert running.returncode == 128 + sent
            assert said.splitlines()[-1] == STOPPED
    done = long.initsweep("repro")
    assert done.returncode == 0, done.stderr
    check_same(long, whole)


def check_same(project, whole):
    assert project.hashes("results", "reports") == whole.hashes("results", "reports")
    assert project.view().is_clean
    assert project.view().names == whole.view().names
    assert not list(project.path.rglob("*.partial"))


def begin_again(project, nothing):
    """Forget all results, those in DVC's cache included."""
    for path in [*project.path.iterdir(), project.path / ".dvc/cache", project.path / "results"]:
        if path not in nothing or path.name in ("cache", "results"):
            shutil.rmtree(path, ignore_errors=True)
            path.unlink(missing_ok=True)


def kill_all(running, folder, sent):
    for process in processes_in(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, sent)


def kill_group(running, folder, sent):
    os.killpg(running.pid, sent)


@pytest.mark.parametrize(
    ("sent", "kill", "dvc_lives"),
    [
        (signal.SIGINT, kill_group, True),  # a terminal; `timeout` sends twice
        (signal.SIGTERM, kill_all, False),  # systemd, containers
    ],
)
def test_signals_to_many_processes_at_once(long, sent, kill, dvc_lives):
    running = start(long, "repro")
    wait_for(lambda: is_training(long), "nothing was trained")
    for _ in range(2):
        kill(running, long.path, sent)
    said = running.communicate(timeout=PATIENCE)[0]
    wait_until_nothing_runs(long.path)
    assert running.returncode == 128 + sent
    assert said.splitlines()[-1] == STOPPED
    assert "Traceback" not in said
    # Whoever is killed while it holds DVC's lock leaves its name there.
    holders = (long.path / ".dvc/tmp/rwlock").read_text()
    assert ("repro" in holders) is not dvc_lives


STAGE, CHAIN = 1, -1
"""Of the warm process and its forks, in their order: the stage, and one that does others ahead."""


def warm_forks(folder: Path) -> list[int]:
    found = processes_in(folder).items()
    return sorted(process for process, line in found if "initsweep.commands.warm" in line)


@pytest.mark.parametrize("victim", ["dvc", STAGE, CHAIN])
def test_a_part_of_the_run_is_killed(long, victim):
    """DVC, or a stage, as by a machine that runs out of memory: all end, and it is said."""
    running = start(long, "repro")
    wait_for(lambda: is_training(long), "nothing was trained")
    if victim == "dvc":
        dvc = [p for p, line in processes_in(long.path).items() if "dvc_process repro" in line]
        os.kill(max(dvc), signal.SIGKILL)
    else:
        os.kill(warm_forks(long.path)[victim], signal.SIGKILL)
    said = running.communicate(timeout=PATIENCE)[0]
    wait_until_nothing_runs(long.path)
    last = said.splitlines()[-1]
    if victim == "dvc":
        assert running.returncode == 128 + signal.SIGKILL
        assert last == (
            "initsweep: DVC was ended by SIGKILL. Finished work is kept, run again to go on."
        )
    else:
        assert running.returncode == 2
        assert re.match(
            "initsweep: (This stage|A process of this stage) was killed, perhaps because memory "
            "ran out", last
        )  # fmt: skip
    assert "Traceback" not in said


def test_whoever_is_in_a_hurry_asks_twice(long):
    running = start(long, "repro")
    wait_for(lambda: is_training(long), "nothing was trained")
    os.kill(warm_forks(long.path)[STAGE], signal.SIGSTOP)  # DVC waits for a stage that does not end
    running.send_signal(signal.SIGINT)
    time.sleep(1.5)
    assert running.poll() is None
    running.send_signal(signal.SIGINT)
    assert running.wait(PATIENCE) == 130
    running.communicate()
    wait_until_nothing_runs(long.path)


def test_a_second_run_is_refused_and_one_after_a_kill_tidies_up(long, tmp_path):
    temporary = tmp_path / "t"
    temporary.mkdir()
    running = start(long, "repro", TMPDIR=str(temporary))
    wait_for(lambda: is_training(long), "nothing was trained")
    second = long.initsweep("repro")
    assert second.returncode == 2
    said = rf"`initsweep repro` runs in this folder already: process {running.pid} of \w+ on \S+, "
    assert re.search(rf"{said}since .*\. Wait for it, or end it: kill {running.pid}", second.stderr)
    running.kill()
    running.communicate()
    wait_until_nothing_runs(long.path)
    (left,) = temporary.glob("initsweep-*")
    holder = long.path / HOLDER
    assert left.name in holder.read_text()
    again = start(long, "repro", TMPDIR=str(temporary))
    wait_for(lambda: left.name not in holder.read_text(), "the killed run is still named")
    again.send_signal(signal.SIGTERM)
    assert again.wait(PATIENCE) == 143
    again.communicate()
    assert not list(temporary.glob("initsweep-*"))
    assert not holder.exists()


def test_output_that_nobody_reads_stops_the_run(long):
    command = f"{sys.executable} -m initsweep repro --force 2>&1 | head -1"
    done = long.run("bash", "-o", "pipefail", "-c", command, check=False)
    assert done.returncode == 141
    assert "Traceback" not in done.stderr
    wait_until_nothing_runs(long.path)
