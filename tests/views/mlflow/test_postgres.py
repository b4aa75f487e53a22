"""Publishing into PostgreSQL, past MLflow's client, through it, and through a server of a team."""

import sys
import time
from collections import Counter
from threading import Timer

import pytest
import sqlalchemy
from mlflow import MlflowClient

from initsweep.core.errors import TrackingError
from initsweep.views.mlflow import is_sealed, passes, promote, publish, schema
from initsweep.views.mlflow.store import Store
from tests.made_study import changed
from tests.views.mlflow import postgres
from tests.views.mlflow.models import make_model, make_promotion
from tests.views.mlflow.processes import forked, served
from tests.views.mlflow.synthetic_study import NAMES, make_params, make_study
from tests.views.mlflow.test_bulk import TABLES, readable

pytest.importorskip("psycopg", reason="psycopg is not installed: initsweep[postgres]")


@pytest.fixture(scope="module")
def server():
    with postgres.running() as started:
        with schema.tables(started.create("template")):
            pass
        yield started


@pytest.fixture
def new_uri(server, request):
    """Make databases that are as MLflow's migrations leave them."""

    def create(name: str) -> str:
        return server.create(f"{request.node.name.partition('[')[0]}_{name}"[-60:], "template")

    return create


@pytest.fixture(scope="module")
def team(server, tmp_path_factory):
    """A server of MLflow's."""
    root = tmp_path_factory.mktemp("team")
    command = ["server", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--artifacts-destination", str(root / "artifacts")]
    environment = {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_BACKEND_STORE_URI": server.create("team", "template"),
    }
    with served(command, root, environment) as address:
        yield address


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.fixture
def there(monkeypatch, tmp_path):
    """Let an address with a password in it be that of the runs."""

    def point(uri: str):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        return make_params(artifacts=str(tmp_path))

    return point


def runs(uri: str, experiment: str) -> list:
    try:
        return _runs(MlflowClient(uri), experiment)
    finally:
        _closed(uri)


def _closed(uri: str) -> None:
    """Leave no connection: Python would warn of it."""
    if uri.startswith("postgresql"):
        schema.close(uri)


def _runs(client: MlflowClient, experiment: str) -> list:
    found = client.get_experiment_by_name(experiment)
    return list(client.search_runs([found.experiment_id], max_results=5000))


def check_once(uri: str, experiment: str) -> None:
    found = runs(uri, experiment)
    assert set(Counter(run.info.run_name for run in found).values()) == {1}
    assert len(found) == 12
    assert {run.info.status for run in found} == {"FINISHED"}


def rows(uri: str) -> dict[str, list[str]]:
    engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:

        def read(table: str) -> list[dict]:
            found = connection.execute(sqlalchemy.text(f"SELECT * FROM {table}"))
            return [dict(row) for row in found.mappings()]

        known = {row["run_uuid"]: row for row in read("runs")}
        return {
            table: sorted(
                repr((known[row["run_uuid"]]["name"], readable(row, known))) for row in read(table)
            )
            for table in TABLES
        }


def test_rows_are_those_of_the_client(new_uri, there, tmp_path, monkeypatch):
    past, through = new_uri("past"), new_uri("through")
    publish(make_study(NAMES), there(past), tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "_in_bulk", property(lambda self: False))
        assert publish(make_study(NAMES), there(past), tmp_path) == []
        publish(make_study(NAMES), there(through), tmp_path)
    found, expected = rows(past), rows(through)
    assert all(found.values())
    assert found == expected


def test_two_at_once_end_with_everything_shown_once(team, model, tmp_path):
    study = changed(make_study(NAMES), experiment="two", model=model)
    start = time.time() + 1

    def one() -> None:
        time.sleep(start - time.time())
        publish(study, make_params(uri=team), tmp_path)

    with forked(one), forked(one):
        pass
    check_once(team, "two")
    client = MlflowClient(team)
    (version,) = client.search_model_versions("name = 'digits'")
    assert client.get_model_version_by_alias("digits", "challenger").version == version.version


@pytest.mark.parametrize("way", ["direct", "team"])
def test_a_server_that_is_started_again_in_between_is_waited_for(
    way, server, team, new_uri, there, tmp_path, monkeypatch
):
    uri = team if way == "team" else new_uri("way")
    study, steps, log = changed(make_study(NAMES), experiment="away"), [], Store._log

    def interrupted(*arguments: object) -> None:
        steps.append(1)
        if len(steps) == 6:
            server.stop()
            Timer(2, server.start).start()
        log(*arguments)

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(Store, "_in_bulk", property(lambda self: False))
    monkeypatch.setattr(Store, "_log", interrupted)
    publish(study, there(uri), tmp_path)
    assert len(steps) > 12
    check_once(uri, "away")


def test_a_server_that_does_not_come_back_is_one_line(
    server, new_uri, there, tmp_path, monkeypatch
):
    monkeypatch.setattr(passes, "ABSENCE", 1)
    monkeypatch.setattr(Store, "describe", lambda *_: server.stop())
    try:
        with pytest.raises(TrackingError) as caught:
            publish(make_study(NAMES), there(new_uri("gone")), tmp_path)
    finally:
        server.start()
    said = str(caught.value)
    assert said.startswith(f"MLflow at postgresql://***@127.0.0.1:{server.port}/")
    assert "Connection refused" in said
    assert "`dvc repro publish` catches up" in said
    assert "\n" not in said


def test_a_password_is_recorded_nowhere_and_not_printed(
    new_uri, there, model, tmp_path, capfd, caplog
):
    uri = new_uri("password")
    study = changed(make_study(NAMES), model=model)
    publish(study, there(uri), tmp_path, "content")
    promote(study, make_promotion(model), there(uri), tmp_path)
    engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        for table in sqlalchemy.inspect(engine).get_table_names():
            found = connection.execute(sqlalchemy.text(f'SELECT * FROM "{table}"')).all()
            assert postgres.PASSWORD not in repr(found)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files
    for file in files:
        assert postgres.PASSWORD.encode() not in file.read_bytes()
    assert postgres.PASSWORD not in "".join(capfd.readouterr()) + caplog.text


@pytest.mark.parametrize("way", ["direct", "team"])
def test_what_was_published_is_one_question(way, team, new_uri, there, tmp_path, monkeypatch):
    uri = team if way == "team" else new_uri("way")
    study, where = changed(make_study(NAMES), experiment="asked"), there(uri)
    publish(study, where, tmp_path, "content")
    asked, search = [], MlflowClient.search_runs

    def counted(*arguments: object) -> object:
        asked.append(found := search(*arguments))
        return found

    with monkeypatch.context() as patch:
        patch.delattr(Store, "runs")
        patch.delattr(MlflowClient, "search_experiments")
        patch.setattr(MlflowClient, "search_runs", counted)
        assert is_sealed("content", where, tmp_path)
        assert not is_sealed("other content", where, tmp_path)
    assert [len(found) for found in asked] == [len(NAMES)]
    own = next(run for run in runs(uri, "asked") if run.info.run_name == "zeros")
    MlflowClient(uri).delete_run(own.info.run_id)
    _closed(uri)
    assert not is_sealed("content", where, tmp_path)
    publish(study, where, tmp_path, "content")
    assert is_sealed("content", where, tmp_path)


def test_a_driver_that_is_missing_is_named_with_its_extra(there, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(TrackingError, match=r"`pip install 'initsweep\[postgres\]'`"):
        publish(make_study(NAMES), there("postgresql://ann@127.0.0.1/none"), tmp_path)
