"""A transfer: stages that are there once it is asked for, and nothing else in the study changes."""

from pathlib import Path

import pytest

from initsweep.running.dvc_file import kind_of, read_stages
from tests.conftest import ROOT


@pytest.mark.pipeline
def test_what_is_asked_for_is_answered_and_nothing_else_changes(project):
    before, packet = project.hashes("results"), project.path / "reports/review.md"
    assert "Larger sizes" not in packet.read_text()
    done = project.initsweep("transfer", "model.width=4,8,16", "--to", "32")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("For model.width 32 ")
    assert "stage 8 of 8: extrapolate 32" in done.stderr
    shown = project.initsweep("repro")
    assert shown.returncode == 0, shown.stderr
    assert "For model.width 32 " in shown.stdout
    assert "Larger sizes" in packet.read_text()
    assert project.hashes("results") == before
    assert not project.run("git", "status", "--porcelain", "transfer").stdout


def test_the_default_study_has_no_such_stages(monkeypatch):
    monkeypatch.chdir(ROOT)  # whose stages have no path in their names
    kinds = {kind_of(name) for name in read_stages(Path("dvc.yaml"))}
    assert kinds >= {"tune", "report"}
    assert not kinds & {"tune_at", "extrapolate"}
