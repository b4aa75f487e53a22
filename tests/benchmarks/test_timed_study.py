"""The scripts that make a study and time it ask for the same, and pass on what goes wrong."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from benchmarks import timed_study
from tests.conftest import ROOT

SCRIPTS = {
    "benchmarks.estimate": ["--examples"],
    "examples.make_packets": [],
}


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["image"], "the example 'image' needs --mnist, the folder with"),
        (["image", "--mnist", "nowhere"], "--mnist: there is no file /"),
        (["imgae"], "no such example: imgae; known: classification, deep"),
    ],
)
def test_what_is_missing_is_said_at_once(script, asked, expected):
    command = [sys.executable, "-m", script, *SCRIPTS[script], *asked]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_why_init_fails_is_passed_on(capfd):
    with (
        pytest.raises(SystemExit, match=r"`initsweep init study --data gone\.csv` ended with"),
        timed_study.timed_study(["--data", "gone.csv"]),
    ):
        pass
    assert "there is no file 'gone.csv'" in capfd.readouterr().err


def test_a_study_is_timed_while_it_is_there(monkeypatch):
    said = iter(["Estimate: about 1.5 minutes.\n", ""])
    ran = []

    def run(command, *, cwd, **_):
        ran.append((command[3:], cwd.name))
        return SimpleNamespace(returncode=0, stdout=next(said))

    monkeypatch.setattr(timed_study.subprocess, "run", run)
    with timed_study.timed_study(["--data", "wine"]) as study:
        assert study.folder.parent.is_dir()
    assert (study.estimate, study.estimated) == ("1.5 minutes", 90.0)
    assert [command for command, _ in ran] == [["init", "study", "--data", "wine"], ["repro"]]
    assert ran[1][1] == "study"
    assert not study.folder.parent.exists()
