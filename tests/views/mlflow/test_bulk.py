"""What is written in bulk is, row by row, what MLflow's own client writes."""

import math
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy

from initsweep.views.mlflow import bulk
from initsweep.views.mlflow.store import Store
from initsweep.views.mlflow.view import OWNER
from tests.views.mlflow.synthetic_study import NAMES, make_study

# What differs between any two publications: ids and the time of writing.
VOLATILE = {"run_uuid", "artifact_uri", "timestamp", "start_time", "end_time", "experiment_id"}
TABLES = ("runs", "tags", "params", "metrics", "latest_metrics")


def tables(project: Any) -> dict[str, list[Any]]:
    """Return all rows of the runs, with names in place of ids."""
    with closing(sqlite3.connect(project.root / "mlflow.db")) as database:
        database.row_factory = sqlite3.Row
        runs = {row["run_uuid"]: row for row in database.execute("SELECT * FROM runs")}
        return {
            table: sorted(
                repr((runs[row["run_uuid"]]["name"], readable(dict(row), runs)))
                for row in database.execute(f"SELECT * FROM {table}")
            )
            for table in TABLES
        }


def readable(row: dict[str, Any], runs: dict[str, Any]) -> dict[str, Any]:
    if row.get("key") == "mlflow.parentRunId":
        row["value"] = runs[row["value"]]["name"]
    if "artifact_uri" in row:
        assert row["artifact_uri"].endswith(f"/{row['run_uuid']}/artifacts")
        assert row["start_time"] == row["end_time"]
    return {key: value for key, value in row.items() if key not in VOLATILE}


@pytest.fixture
def by_client(new_project, monkeypatch) -> Any:
    """A project that was published through the client, as for a server."""
    project = new_project("client")
    with monkeypatch.context() as patch:
        patch.setattr(Store, "_in_bulk", property(lambda self: False))
        project.publish(make_study(NAMES))
    return project


def test_rows_are_those_of_the_client(by_client, project):
    project.publish(make_study(NAMES))
    expected, found = tables(by_client), tables(project)
    assert {table: len(rows) for table, rows in found.items() if rows} == {
        table: len(rows) for table, rows in expected.items()
    }
    assert found == expected


def test_runs_are_read_as_by_the_client(by_client):
    (experiment, _) = by_client.client().search_experiments()
    for name in ("diverged", "regretted"):  # by other programs and people
        by_client.client().log_metric(by_client.runs()[0].info.run_id, name, math.nan)
    by_client.client().create_run(experiment.experiment_id)
    by_client.client().delete_run(by_client.runs()[-1].info.run_id)
    expected = [run for run in by_client.runs() if run.data.tags.get("mlflow.source.name") == OWNER]
    found = bulk.read(by_client.client().tracking_uri, experiment.experiment_id, OWNER)
    assert told(found) == told(expected)


def test_metrics_are_in_the_order_of_the_client(by_client, project):
    project.publish(make_study(NAMES))
    orders = [
        {run.info.run_name: list(run.data.metrics) for run in one.runs()}
        for one in (by_client, project)
    ]
    assert orders[0] == orders[1]


def told(runs: Iterable[Any]) -> list[str]:
    data = ((dict(run.info), run.data.tags, run.data.metrics) for run in runs)
    return sorted(repr(one) for one in data)


def test_what_the_client_wrote_is_recognized(by_client):
    summary = by_client.publish(make_study(NAMES))
    assert (summary.created, summary.refreshed, summary.removed) == (0, 0, 0)


def test_a_crash_leaves_all_runs_of_a_scheme_or_none(project, monkeypatch):
    insert, tables = sqlalchemy.insert, []

    def crash(table: Any) -> Any:
        tables.append(table.__tablename__)
        if tables.count("metrics") == 2:  # of the scheme's own run, then of the runs below it
            raise KeyboardInterrupt
        return insert(table)

    with monkeypatch.context() as patch:
        patch.setattr(sqlalchemy, "insert", crash)
        with pytest.raises(KeyboardInterrupt):
            project.publish(make_study(NAMES))
    assert [run.info.run_name for run in project.runs()] == ["he_normal"]
    assert project.publish(make_study(NAMES)).created == 11
