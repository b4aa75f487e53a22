"""A real repository with real git, DVC and MLflow, small enough to run in seconds."""

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from initsweep.core import artifacts
from initsweep.core.records import RunRow, TrialRow
from tests.conftest import ROOT, SMALL_STUDY, replace_keys
from tests.views.mlflow.synthetic_study import empty_database

COPIED = (
    "src",
    "decisions/README.md",
    "own/README.md",
    "transfer/README.md",
    "pyproject.toml",
    "dvc.yaml",
    "MLproject",
    ".gitignore",
    ".dvcignore",
    ".dvc/config",
    ".dvc/.gitignore",
    ".dvc/plots",
    "data/raw/.gitkeep",
)
STUDY = "a study"  # the space is on purpose: paths with spaces must work
QUIET = {
    "DVC_NO_ANALYTICS": "1",
    "GIT_AUTHOR_NAME": "test",
    "GIT_AUTHOR_EMAIL": "test@example.com",
    "GIT_COMMITTER_NAME": "test",
    "GIT_COMMITTER_EMAIL": "test@example.com",
}
SMALL: dict[str, Any] = {
    **SMALL_STUDY,
    "model.width": 8,
    "tune.grid": {"low": 0.001, "high": 0.1, "points": 3},
    "tune.refinement_trials": 1,
    "runtime.workers": 2,  # so that stages are done ahead where initsweep leads
}


@dataclass(frozen=True)
class View:
    """What MLflow holds: run names, and everything that is wrong with them."""

    names: Counter[str]
    unfinished: list[str]
    orphans: list[str]
    doubled: list[str]
    tags: dict[str, dict[str, str]]

    @property
    def is_clean(self) -> bool:
        return not (self.unfinished or self.orphans or self.doubled)


@dataclass(frozen=True)
class Project:
    """A repository of a small study."""

    path: Path
    python = sys.executable

    def run(
        self, *command: str, check: bool = True, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            cwd=self.path,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            pytest.fail(f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def dvc(self, *arguments: str, check: bool = True, **environment: str) -> str:
        done = self.run(sys.executable, "-m", "dvc", *arguments, check=check, **environment)
        return done.stdout + done.stderr

    def initsweep(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "initsweep", *arguments, check=False, **environment)

    def environment(self, **more: str) -> dict[str, str]:
        # Python must be free to leave __pycache__ in the sources, as it does for a user.
        hidden = ("MLFLOW_", "DVC_", "PYTHONDONTWRITEBYTECODE")
        clean = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
        python = str(Path(sys.executable).parent)
        path = os.pathsep.join([python, clean["PATH"]])
        return {**clean, **QUIET, "PATH": path, "PYTHONPATH": "src", **more}

    def set(self, replacements: dict[str, object]) -> None:
        yaml = YAML(typ="safe", pure=True)
        file = self.path / "params.yaml"
        content = yaml.load(file.read_text())
        replace_keys(content, replacements)
        with file.open("w") as stream:
            yaml.dump(content, stream)

    def commit(self, message: str) -> None:
        self.run("git", "add", "-A")
        self.run("git", "commit", "-qm", message)

    def hashes(self, *folders: str) -> dict[str, str]:
        files = [file for folder in folders for file in sorted((self.path / folder).rglob("*"))]
        return {
            str(file.relative_to(self.path)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in files
            if file.is_file()
        }

    def view(self) -> View:
        with closing(sqlite3.connect(self.path / "mlflow.db")) as connection:
            query = "SELECT run_uuid, name, status FROM runs WHERE lifecycle_stage = 'active'"
            runs = {uuid: (name, status) for uuid, name, status in connection.execute(query)}
            tags: dict[str, dict[str, str]] = {uuid: {} for uuid in runs}
            for uuid, key, value in connection.execute("SELECT run_uuid, key, value FROM tags"):
                if uuid in tags:
                    tags[uuid][key] = value
        published = {uuid: run for uuid, run in runs.items() if "record.sha" in tags[uuid]}
        shas = Counter(tags[uuid]["record.sha"] for uuid in published)
        return View(
            names=Counter(name for name, _ in published.values()),
            unfinished=[name for name, status in published.values() if status != "FINISHED"],
            orphans=[
                runs[uuid][0]
                for uuid in published
                if tags[uuid].get("mlflow.parentRunId", uuid) not in published
            ],
            doubled=[sha for sha, count in shas.items() if count > 1],
            tags={uuid: tags[uuid] for uuid in published},
        )


@pytest.fixture(scope="session")
def migrated_database(made_once) -> Path:
    """An empty MLflow database: making one takes a second, copying it nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        return made_once("template", empty_database) / "mlflow.db"


@pytest.fixture(scope="session")
def computed(made_once, tmp_path_factory, params_file, migrated_database) -> Project:
    """A study that ran once and was committed. Copy it, do not change it."""

    def fill(folder: Path) -> None:
        project = Project(folder / STUDY)
        project.path.mkdir()
        for name in COPIED:
            target = project.path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, target)
        yaml = YAML(typ="safe", pure=True)
        with (project.path / "params.yaml").open("w") as stream:
            yaml.dump(params_file, stream)
        project.set(SMALL)
        shutil.copy(migrated_database, project.path / "mlflow.db")
        project.run("git", "init", "-q", "-b", "main")
        project.commit("Small study")
        done = project.initsweep("repro")
        assert done.returncode == 0, done.stderr
        project.commit("Results")

    # DVC writes where it reads: each worker has a copy of its own.
    own = Project(tmp_path_factory.mktemp("computed") / STUDY)
    shutil.copytree(made_once("study", fill) / STUDY, own.path, symlinks=True)
    return own


@pytest.fixture
def project(computed, tmp_path, migrated_database) -> Project:
    """A copy of the computed study, with nothing published yet."""
    copy = Project(tmp_path / STUDY)
    shutil.copytree(computed.path, copy.path, symlinks=True)
    (copy.path / "mlflow.db").unlink()
    shutil.rmtree(copy.path / "mlartifacts", ignore_errors=True)
    shutil.copy(migrated_database, copy.path / "mlflow.db")
    return copy


@pytest.fixture
def expected_names() -> Callable[[Project], Counter[str]]:
    """Return the run names that the records of a project call for."""

    def names(project: Project) -> Counter[str]:
        result: Counter[str] = Counter()
        for folder in sorted((project.path / "results/tune").iterdir()):
            scheme = folder.name
            result[scheme] += 1
            for trial in artifacts.read_rows(folder / "trials.csv", TrialRow):
                result[f"{scheme}/lr={trial.learning_rate:.4g}"] += 1
            confirmed = project.path / "results/train" / scheme / "runs.csv"
            for run in artifacts.read_rows(confirmed, RunRow):
                result[f"{scheme}/seed={run.seed}"] += 1
        return result

    return names
