"""Killed at any moment, a study goes on where it was and ends with the same bytes."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.pipeline

KILLS = 2
LONG = {
    "model.width": 64,
    "training.batch_size": 16,
    "confirm.seeds": [10, 11, 12, 13, 14, 15],
    "decide.most_seeds": 0,
    "runtime.workers": 2,
    "runtime.lanes_per_chunk": 2,
}
EPOCHS = {"auto": 1500, "torch": 150}  # a chunk takes some tenths of a second


def start(project, *command):
    """Start a command in a process group of its own, so that its children die with it."""
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=project.path,
        env=project.environment(),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill(process):
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def kept(project):
    """Names of the finished chunks that wait for the rest."""
    return {path.name for path in (project.path / "scratch").rglob("*.npz")}


def wait_for_work(project, process, more_than):
    """Wait until training has begun: until there are more finished chunks than before."""
    while process.poll() is None and len(kept(project)) <= more_than:
        time.sleep(0.001)


@pytest.mark.parametrize(
    ("stage", "engine"),
    # What is kept of the third engine: tests/engine/test_checkpoints.py.
    [("train", "auto"), ("tune", "torch")],
)
def test_stages_killed_at_random_moments(project, stage, engine):
    project.set({**LONG, "runtime.engine": engine, "training.epochs": EPOCHS[engine]})
    folder = f"results/{stage}/he_normal"
    project.initsweep("tune", "--scheme", "he_normal")
    if stage == "train":
        project.initsweep("train", "--scheme", "he_normal")
    expected = project.hashes(folder)
    shutil.rmtree(project.path / folder)
    moments, resumed = random.Random(f"{stage} {engine}"), 0
    for _ in range(KILLS):
        before = kept(project)
        process = start(project, "initsweep", stage, "--scheme", "he_normal")
        wait_for_work(project, process, more_than=len(before))
        time.sleep(moments.uniform(0.0, 0.1))
        kill(process)
        if not kept(project):
            break  # it was quicker than the kill
        assert kept(project) >= before
        resumed += 1
    done = project.initsweep(stage, "--scheme", "he_normal")
    assert done.returncode == 0
    assert resumed
    assert project.hashes(folder) == expected
    assert not kept(project)


def test_dvc_itself_killed(project, computed):
    project.set({**LONG, "training.epochs": EPOCHS["auto"]})
    reference = project.path.parent / "uninterrupted"
    shutil.copytree(project.path, reference, symlinks=True)
    whole = type(project)(reference)
    whole.dvc("repro", "tune@he_normal")
    process = start(project, "dvc", "repro", "tune@he_normal")
    wait_for_work(project, process, more_than=0)
    kill(process)
    assert kept(project)
    project.dvc("repro", "tune@he_normal")
    tuned = "results/tune/he_normal"
    assert project.hashes(tuned) == whole.hashes(tuned) != computed.hashes(tuned)
