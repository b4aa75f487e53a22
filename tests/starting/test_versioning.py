"""Where a new study gets a git repository of its own, and what it leaves alone."""

import subprocess
from pathlib import Path

import pytest

from initsweep.starting import folder
from initsweep.starting.data_source import Source


def git(*command: str) -> str:
    return subprocess.run(
        ["git", *command], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def outer(tmp_path, monkeypatch) -> Path:
    """A repository with something staged and a name that it ignores."""
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    (tmp_path / ".gitignore").write_text("*-study/\n")
    git("add", ".gitignore")
    return tmp_path


def test_the_first_commit_takes_nothing_that_the_pipeline_makes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    folder.lay_out(Source(kind="", location="digits", files=()), [], copy=True)
    git("add", "-A")
    assert Path("versions/tune").exists()
    committed = {name.split("/")[0] for name in git("ls-files").split("\n")}
    assert {"dvc.yaml", "own", "transfer"} <= committed
    assert "versions" not in committed


@pytest.mark.parametrize(("name", "own"), [("my-study", True), ("mine", False)])
def test_an_outer_repository_is_left_as_it_was(outer, monkeypatch, name, own):
    (outer / name).mkdir()
    monkeypatch.chdir(outer / name)
    done = folder.start_versioning([])
    assert done == (["git", "DVC"] if own else ["DVC"])
    assert Path(git("rev-parse", "--show-toplevel")) == (outer / name if own else outer)
    assert (outer / name / ".dvc/plots").is_dir()
    monkeypatch.chdir(outer)
    assert git("diff", "--cached", "--name-only") == ".gitignore"
    assert git("status", "--short", "--untracked-files=normal").split("\n")[1:] == (
        [] if own else [f"?? {name}/"]
    )
