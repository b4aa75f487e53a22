"""Crashes, races, other machines and unreachable servers leave nothing that is not mended."""

import os
import signal
import sqlite3
from types import SimpleNamespace

import pytest

from initsweep.core.errors import TrackingError
from initsweep.views.mlflow import publish
from initsweep.views.mlflow.store import Store
from tests.made_study import changed
from tests.views.mlflow.processes import as_another_user, publisher
from tests.views.mlflow.synthetic_study import NAMES, make_params, make_study


@pytest.fixture
def study():
    return make_study(NAMES)


@pytest.mark.parametrize(
    ("in_bulk", "step", "died_after", "left"),
    [(1, "_attach", 0, 1), (1, "_attach", 1, 7), (0, "_log", 7, 8)],
)
def test_a_publisher_killed_halfway_leaves_nothing_that_the_next_does_not_mend(
    new_project, published, study, in_bulk, step, died_after, left
):
    project = new_project("killed")
    process = publisher(
        project.root,
        "import os, signal",
        f"Store._in_bulk = {in_bulk}",
        f"calls, step = [], Store.{step}",
        "def dying(*arguments):",
        "    calls.append(1)",
        f"    if len(calls) > {died_after}: os.kill(os.getpid(), signal.SIGKILL)",
        "    step(*arguments)",
        f"Store.{step} = dying",
    )
    assert process.wait() == -signal.SIGKILL
    assert len(project.runs()) == left
    project.publish(study)
    assert project.shown() == published.shown()


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


@pytest.mark.parametrize(
    "login", ["me:secret", "me:sec@ret", "me:sec%40ret", "me:sec/ret", "tok3n"]
)
def test_a_server_that_does_not_answer_is_reported_by_name_and_without_password(
    login, study, tmp_path, monkeypatch
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{login}@127.0.0.1:9")
    with pytest.raises(TrackingError) as caught:
        publish(study, make_params(), tmp_path)
    message = str(caught.value)
    assert message.startswith("MLflow at http://***@127.0.0.1:9 failed: ")
    assert "\n" not in message
    assert "safe on disk" in message
    assert "`dvc repro publish` catches up" in message
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    for piece in ("sec", "ret", "tok3n"):
        assert piece not in message


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:port",
        "databricks",
        "postgresql://u:pw@db.invalid/x",
        "postgresql://u:pw@db:port/x",
    ],
)
def test_an_address_that_mlflow_cannot_use_is_one_line(uri, study, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(TrackingError, match=r"^MLflow at .* failed: ") as caught:
        publish(study, make_params(artifacts=str(tmp_path)), tmp_path)
    assert "\n" not in str(caught.value)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("tables", ["ready made", "migrated"])
def test_a_full_disk_is_named_with_what_is_free(tables, study, tmp_path, monkeypatch):
    """The database may grow no further: what SQLite says of a disk that is full."""
    monkeypatch.setattr("mlflow.store.db.utils._initialize_tables", _fills_the_disk)
    if tables == "ready made":
        small = SimpleNamespace(connect=_on_a_small_disk)
        monkeypatch.setattr("initsweep.views.mlflow.schema.sqlite3", small)
    else:
        monkeypatch.setattr("mlflow.store.db.utils._get_latest_schema_revision", lambda: "new")
    with pytest.raises(TrackingError) as caught:
        publish(study, make_params(), tmp_path)
    said = str(caught.value)
    assert f"failed: '{tmp_path / 'mlflow.db'}' cannot be used: No space left on device; " in said
    assert f"MB are free in '{tmp_path}'. Free some; " in said
    assert not [*tmp_path.glob(".*")], "nothing half made is left"


def _on_a_small_disk(database):
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA max_page_count = 2")
    return connection


def _fills_the_disk(engine) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 2")
        connection.exec_driver_sql("CREATE TABLE t (x)")
        connection.exec_driver_sql("INSERT INTO t VALUES (zeroblob(1000000))")


def test_artifacts_on_a_full_disk_are_named(project, study, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Store, "_attach", full)
    with pytest.raises(TrackingError, match=r"/mlartifacts' cannot be used: No space left"):
        project.publish(study)


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


def test_a_folder_without_rights_to_write_is_named(published, study):
    published.root.chmod(0o555)
    (published.root / "mlflow.db").chmod(0o444)
    changed = make_study(NAMES, epochs=4)
    said = as_another_user(published.root, lambda: published.publish(changed))
    published.root.chmod(0o755)
    assert f"'{published.root / 'mlflow.db'}' cannot be used: Permission denied. Make it" in said
    assert "`dvc repro publish` catches up" in said


def test_what_is_up_to_date_can_be_looked_at_without_rights_to_write(published, study):
    """Not sealed, as after copying it: it is looked at, and nothing is written."""
    published.root.chmod(0o555)
    (published.root / "mlflow.db").chmod(0o444)
    before = sorted(path.name for path in published.root.iterdir())
    said = as_another_user(published.root, lambda: published.publish(study))
    published.root.chmod(0o755)
    assert said == ""
    assert sorted(path.name for path in published.root.iterdir()) == before


def test_a_database_that_may_not_be_read_is_left_alone(published, study):
    database = published.root / "mlflow.db"
    published.root.chmod(0o777)
    database.chmod(0o000)
    said = as_another_user(published.root, lambda: published.publish(study))
    database.chmod(0o644)
    assert f"'{database}' cannot be used: Permission denied. Make it writable for user" in said
    assert published.ids()


def test_a_cloud_that_refuses_is_reported_too(project, study, monkeypatch):
    class NoCredentialsError(Exception):
        pass

    def refuses(*_: object, **__: object) -> None:
        raise NoCredentialsError("Unable to locate credentials")

    monkeypatch.setattr("mlflow.tracking._tracking_service.client.get_artifact_repository", refuses)
    monkeypatch.setattr(
        "mlflow.store.artifact.artifact_repository_registry.get_artifact_repository", refuses
    )
    report = project.root / "review.md"
    report.touch()
    attached = changed(study, attachments={"report/review.md": report}, attachments_sha="1")
    with pytest.raises(TrackingError, match="failed: Unable to locate credentials"):
        project.publish(attached)
