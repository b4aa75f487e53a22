"""Crashes, races, other machines and unreachable servers leave nothing that is not mended."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from initsweep.errors import TrackingError
from initsweep.tracking import publish
from initsweep.tracking.store import Store
from tests.tracking.synthetic_study import NAMES, ROOT, make_params, make_study


@pytest.fixture
def study():
    return make_study(NAMES)


def publisher(root: Path, *lines: str) -> subprocess.Popen:
    """Start a process that publishes a study; `lines` run before."""
    program = [
        "from pathlib import Path",
        "from initsweep.tracking import publish",
        "from initsweep.tracking.store import Store",
        "from tests.tracking.synthetic_study import make_params, make_study",
        *lines,
        f"publish(make_study({NAMES!r}), make_params(), Path({str(root)!r}))",
    ]
    path = f"{ROOT / 'src'}{os.pathsep}{ROOT}"
    return subprocess.Popen(
        [sys.executable, "-c", "\n".join(program)], env={**os.environ, "PYTHONPATH": path}
    )


@pytest.mark.parametrize(("in_bulk", "died_after", "left"), [(1, 0, 1), (1, 1, 7), (0, 7, 8)])
def test_a_publisher_killed_halfway_leaves_nothing_that_the_next_does_not_mend(
    new_project, study, in_bulk, died_after, left
):
    project, whole = new_project("project"), new_project("whole")
    process = publisher(
        project.root,
        "import os, signal",
        f"Store._in_bulk = {in_bulk}",
        "calls, log = [], Store._log",
        "def dying_log(*arguments):",
        "    calls.append(1)",
        f"    if len(calls) > {died_after}: os.kill(os.getpid(), signal.SIGKILL)",
        "    log(*arguments)",
        "Store._log = dying_log",
    )
    assert process.wait() == -signal.SIGKILL
    assert len(project.runs()) == left
    project.publish(study)
    whole.publish(study)
    assert project.shown() == whole.shown()


def test_two_publishers_at_once_on_a_database_that_does_not_exist_yet(tmp_path, study):
    processes = [publisher(tmp_path), publisher(tmp_path)]
    assert [process.wait() for process in processes] == [0, 0]
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(study.experiment)
    runs = client.search_runs([experiment.experiment_id])
    assert len({run.info.run_name for run in runs}) == len(runs) == 12
    location = (tmp_path / "mlartifacts").as_uri()
    assert {found.artifact_location.rpartition("/mlartifacts")[0] + "/mlartifacts"
            for found in client.search_experiments()} == {location}  # fmt: skip


def test_an_unfinished_run_of_another_machine_is_left_to_it_for_a_while(published, study):
    before, client = published.shown(), published.client()
    child = published.by_name()["zeros/lr=0.1"]
    tags = {**child.data.tags, "published.by": "elsewhere", "mlflow.runName": "being written"}
    started = child.info.start_time
    other = client.create_run(child.info.experiment_id, start_time=started, tags=tags)
    assert published.publish(study).removed == 0
    client.delete_run(other.info.run_id)
    client.create_run(child.info.experiment_id, start_time=started - 3_700_000, tags=tags)
    assert published.publish(study).removed == 1
    assert published.shown() == before


def test_the_run_of_mlflow_run_is_not_disturbed(project, study, monkeypatch):
    client = project.client()
    outer = client.create_run("0", run_name="mlflow run").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", outer)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "0")
    project.publish(study)
    run = client.get_run(outer)
    assert run.info.status == "RUNNING"
    assert (run.data.params, run.data.metrics) == ({}, {})
    assert "mlflow.parentRunId" not in project.by_name()["he_normal"].data.tags


def test_a_server_that_does_not_answer_is_reported_by_name(study, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    params = make_params(uri="http://me:secret@127.0.0.1:9")
    with pytest.raises(TrackingError) as caught:
        publish(study, params, tmp_path)
    message = str(caught.value)
    assert "http://***@127.0.0.1:9" in message
    assert "secret" not in message
    assert "safe on disk" in message
    assert "dvc repro publish" in message


def test_a_database_that_is_none_is_reported_at_once(study, tmp_path):
    (tmp_path / "mlflow.db").write_text("this is no database but a long text\n" * 99)
    with pytest.raises(TrackingError, match=r"mlflow\.db failed: file is not a database"):
        publish(study, make_params(), tmp_path)


def test_a_database_driver_that_is_missing_is_reported(study, tmp_path):
    params = make_params(uri="postgresql+psycopg2://me:secret@db.invalid/runs")
    with pytest.raises(TrackingError, match=r"postgresql\+psycopg2://\*\*\*@db\.invalid/runs"):
        publish(study, params, tmp_path)


def test_a_defect_of_our_own_keeps_its_traceback(project, study, monkeypatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Store, "describe", broken)
    with pytest.raises(ZeroDivisionError):
        project.publish(study)


def test_the_environment_is_left_as_it_was(project, study):
    before = dict(os.environ)
    project.publish(study)
    assert dict(os.environ) == before
