"""A first publication that is cut off at any moment is finished by the next one."""

import os
import pickle
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from initsweep.views.mlflow import is_sealed, publish
from tests.faults.fuzzing import ROUNDS
from tests.made_study import changed
from tests.views.mlflow.conftest import Project
from tests.views.mlflow.models import make_model
from tests.views.mlflow.synthetic_study import NAMES, ROOT, make_params, make_study

CUTS, CUTS_PER_STUDY = 6 * ROUNDS, 3
SEED = 7
SIGNALS = (signal.SIGKILL, signal.SIGINT)
PARTIAL = ".mlflow.db.partial"

ZYGOTE = """
import os, pickle, signal, sys
from pathlib import Path
from initsweep.views.mlflow import preload_mlflow, publish
from tests.views.mlflow.synthetic_study import make_params
preload_mlflow()
import mlflow.pyfunc
study = pickle.loads(Path(sys.argv[1]).read_bytes())
print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        status = 130
        try:
            publish(study, make_params(), Path(line.strip()), "content")
            status = 0
        except KeyboardInterrupt:
            pass
        finally:
            os._exit(status)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Publisher:
    """Forks of a process that has imported MLflow: what takes long is not what is cut off."""

    def __init__(self, study: Path) -> None:
        path = f"{ROOT / 'src'}{os.pathsep}{ROOT}"
        self.process = subprocess.Popen(
            [sys.executable, "-c", ZYGOTE, str(study)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            text=True,
            start_new_session=True,
        )
        assert self.said() == "ready"

    def said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def start(self, root: Path) -> int:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{root}\n")
        self.process.stdin.flush()
        return int(self.said())


@pytest.fixture
def study(tmp_path, monkeypatch):
    for name in [*os.environ]:
        if name.startswith(("MLFLOW_", "DVC_")):
            monkeypatch.delenv(name)
    report = tmp_path / "review.md"
    report.write_text("# review")
    attachments = {"report/review.md": report}
    study = make_study(NAMES, attachments=attachments)
    return changed(study, model=make_model())


@pytest.fixture
def zygote(study, tmp_path) -> Iterator[Publisher]:
    (tmp_path / "study.pickle").write_bytes(pickle.dumps(study))
    started = Publisher(tmp_path / "study.pickle")
    yield started
    started.process.communicate()


def published(project: Project) -> dict:
    """Return all that is left of a publication, without ids and times."""
    client = project.client()
    # Files of a run that was removed stay until `mlflow gc`.
    files = {path.name for path in project.root.rglob("*") if path.is_file()}
    (version,) = client.search_model_versions("name = 'digits'")
    by_id = {run.info.run_id: run.info.run_name for run in project.runs()}
    experiments = client.search_experiments()
    models = client.search_logged_models([one.experiment_id for one in experiments])
    return {
        "runs": project.shown(),
        "files": files - {"mlflow.db.lock"},
        "version": (by_id[version.run_id], version.tags, version.aliases, version.status),
        "models": [(one.name, str(one.status), by_id[one.source_run_id]) for one in models],
        "outputs": {
            by_id[run.info.run_id]: len(run.outputs.model_outputs) for run in project.runs()
        },
        "experiments": sorted((one.name, sorted(one.tags)) for one in experiments),
    }


def test_whatever_a_killed_first_publication_leaves_the_next_one_finishes(study, zygote, tmp_path):
    draw, params = random.Random(SEED), make_params()
    whole = Project(root=tmp_path / "whole", params=params)
    whole.root.mkdir()
    began = time.monotonic()
    zygote.start(whole.root)
    assert zygote.said() == "0"
    length, expected = time.monotonic() - began, published(whole)

    cut: list[tuple[Path, bool]] = []
    for number in range(4 * CUTS):
        root = tmp_path / f"study-{number // CUTS_PER_STUDY}"
        first = not root.exists()
        root.mkdir(exist_ok=True)
        pid = zygote.start(root)
        if first:  # while MLflow makes its tables
            until_it_begins(root, pid)
        time.sleep(draw.uniform(0, length / 20 if first else length))
        with suppress(ProcessLookupError):  # it was quicker
            os.kill(pid, SIGNALS[number % 2])
        if zygote.said() != "0":
            cut.append((root, not has_tables(root / "mlflow.db")))
        if len(cut) == CUTS:
            break
    assert len(cut) == CUTS
    assert any(without_tables for _, without_tables in cut), "no tables were cut off"

    for root in {root for root, _ in cut}:
        publish(study, params, root, "content")
        assert published(Project(root=root, params=params)) == expected
        assert is_sealed("content", params, root)
        assert not [*root.glob(".*")], "nothing half made is left"
        shutil.rmtree(root)


def until_it_begins(root: Path, pid: int) -> None:
    beginnings = [root / PARTIAL, root / "mlflow.db", Path(f"/proc/{pid}")]
    while [path.exists() for path in beginnings] == [False, False, True]:
        time.sleep(0.005)


def has_tables(database: Path) -> bool:
    """Return whether MLflow had made all of them, after which it adds its first experiment."""
    if not database.exists():
        return False
    with closing(sqlite3.connect(database)) as connection, suppress(sqlite3.Error):
        return bool(connection.execute("SELECT 1 FROM experiments").fetchone())
    return False
