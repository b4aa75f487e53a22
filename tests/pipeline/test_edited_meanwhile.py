"""What is edited while a stage runs is never recorded as what its results came from."""

import re
import shutil
import subprocess
import sys
import time

import pytest

from initsweep.core import artifacts
from initsweep.core.records import CurveRow
from tests.pipeline.conftest import Project

pytestmark = pytest.mark.pipeline

LONG = {"model.width": 64, "training.batch_size": 4, "runtime.engine": "torch"}
PATIENCE = 60


def repro(project: Project, *command: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=project.path,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for_work(project: Project) -> None:
    """Wait until a stage has trained something, and has more to train."""
    end = time.monotonic() + PATIENCE
    while not list(project.path.rglob("scratch/tune/zeros/*/*.npz")):
        assert time.monotonic() < end, "nothing was trained"
        time.sleep(0.01)


def epochs_of(project: Project) -> int:
    table = project.path / artifacts.tune_folder("zeros") / "curves.csv"
    return max(row.epoch for row in artifacts.read_rows(table, CurveRow))


@pytest.mark.parametrize("command", [("initsweep", "repro"), ("dvc", "repro", "tune@zeros")])
def test_edited_parameters_poison_neither_lock_nor_cache(project, command):
    project.set({**LONG, "training.epochs": 20})
    running = repro(project, *command)
    wait_for_work(project)
    project.set({"training.epochs": 2})
    said = running.communicate(timeout=PATIENCE)[0]
    assert running.returncode != 0
    # What is done ahead is edited too: whoever notices first says so.
    assert re.search("While (tune@zeros|tune@he_normal|diagnose) ran, its inputs were edited", said)
    assert "params.yaml: training.epochs was 20 and is 2." in said
    assert "Traceback" not in said
    project.dvc("repro", "tune@zeros")
    assert epochs_of(project) == 2
    shutil.rmtree(project.path / "results/tune/zeros")
    project.dvc("repro", "tune@zeros")
    assert epochs_of(project) == 2
    project.set({"training.epochs": 20})
    project.dvc("repro", "tune@zeros")
    assert epochs_of(project) == 20


def test_edited_own_code_fails_the_stage_too(project):
    project.set({**LONG, "training.epochs": 20})
    running = repro(project, "initsweep", "repro", "tune@zeros")
    wait_for_work(project)
    (project.path / "own/new.py").write_text("x = 1\n")
    said = running.communicate(timeout=PATIENCE)[0]
    assert running.returncode == 2
    assert said.splitlines()[-1].startswith("initsweep: While tune@zeros ran")
    assert "'own/new.py'" in said


def test_a_lock_that_was_poisoned_all_the_same_is_found_and_healed_as_told(project):
    project.set({"training.epochs": 4})
    project.initsweep("tune", "--scheme", "zeros")  # by hand: 4 epochs …
    project.set({"training.epochs": 3})
    project.dvc("commit", "--force", "tune@zeros")  # … recorded as those of 3
    done = project.initsweep("repro")
    assert done.returncode == 2
    remedy = "initsweep repro --force tune@zeros"
    assert f"computed from other parameters than today's. Run `{remedy}" in done.stderr
    command = done.stderr[done.stderr.index(remedy) :].partition("`")[0].split()[1:]
    assert project.initsweep(*command).returncode == 0
    assert project.initsweep("repro").returncode == 0
    assert epochs_of(project) == 3
