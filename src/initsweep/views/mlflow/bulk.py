"""Writes many runs into MLflow's tables at once, and reads them back.

Through MLflow's client a run takes seven transactions, and comes back as an object per param and
metric; a study has hundreds of runs: that is more time than many a study needs for training. Here
all runs of a scheme are one transaction, so that a crash leaves all of them or none. The tables are
MLflow's own definitions of them, and `tests/views/mlflow/test_bulk.py` compares every row with what
the client writes, and every run with what it reads.
"""

import math
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from initsweep.views.mlflow.points import Point
from initsweep.views.mlflow.view import RunView

_BUSY = 20  # seconds to wait for another writer to a file, as MLflow does
_KINDS = ("sqlite", "postgresql")  # those that the tests compare


def is_possible(uri: str) -> bool:
    """Return whether runs may be written past MLflow's client."""
    return uri.startswith(_KINDS)


def insert(
    uri: str,
    experiment: Any,  # noqa: ANN401 - MLflow's type, imported only when used
    runs: Sequence[tuple[RunView, int]],
    tags: Mapping[str, str],
    *,
    finished: bool = True,
) -> list[str]:
    """Insert runs as MLflow's client leaves them: created, logged and, if finished, terminated.

    Args:
        uri: A database that MLflow has migrated.
        experiment: The MLflow experiment they belong to.
        runs: Each with its time, in milliseconds since 1970.
        tags: Added to the tags of every run.
        finished: Whether nothing else will be written to them.

    Returns:
        Their run ids.
    """
    import sqlalchemy
    from mlflow.store.tracking.dbmodels import models

    rows: dict[Any, list[dict[str, object]]] = defaultdict(list)
    now = int(time.time() * 1000)
    end = {"status": "FINISHED"} if finished else {"status": "RUNNING", "end_time": None}
    for view, start in runs:
        run_id = uuid.uuid4().hex
        rows[models.SqlRun].append(_run(experiment, run_id, view.name, start) | end)
        all_tags = {**view.tags, **tags, "mlflow.runName": view.name}
        rows[models.SqlTag] += _pairs(run_id, all_tags)
        rows[models.SqlParam] += _pairs(run_id, view.params)
        rows[models.SqlMetric] += [_metric(run_id, point, now) for point in view.metrics]
        latest = _latest(view.metrics)
        rows[models.SqlLatestMetric] += [_metric(run_id, point, now) for point in latest]
    with _opened(uri) as connection:
        for table, content in rows.items():
            if content:
                connection.execute(sqlalchemy.insert(table), content)
    return [str(row["run_uuid"]) for row in rows[models.SqlRun]]


def read(uri: str, experiment_id: str, owner: str) -> Iterator[Any]:
    """Yield the runs of an experiment that have not been deleted, as MLflow has them.

    Args:
        uri: A database that MLflow has migrated.
        experiment_id: The experiment.
        owner: What they name as their source.

    Yields:
        Runs of MLflow with their tags and latest metrics, but without params and inputs.
    """
    from mlflow.entities import Metric, Run, RunData, RunTag
    from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlRun, SqlTag
    from sqlalchemy import select

    named: Any = select(SqlTag.run_uuid).where(
        SqlTag.key == "mlflow.source.name", SqlTag.value == owner
    )
    living = SqlRun.experiment_id == int(experiment_id), SqlRun.lifecycle_stage == "active"
    chosen: Any = select(SqlRun.run_uuid).where(*living, SqlRun.run_uuid.in_(named))
    tags, metrics = defaultdict(list), defaultdict(list)
    with _opened(uri) as connection:
        runs, all_tags, latest = (
            connection.execute(select(table.__table__).where(table.run_uuid.in_(chosen))).all()
            for table in (SqlRun, SqlTag, SqlLatestMetric)
        )
    for one in all_tags:
        tags[one.run_uuid].append(RunTag(one.key, one.value))
    for one in latest:
        value = math.nan if one.is_nan else one.value
        metrics[one.run_uuid].append(Metric(one.key, value, one.timestamp, one.step))
    for run in runs:
        yield Run(_info(run), RunData(metrics[run.run_uuid], [], tags[run.run_uuid]))


@contextmanager
def _opened(uri: str) -> Iterator[Any]:
    """Open a database for one transaction.

    Yields:
        A connection.
    """
    import sqlalchemy

    waits = {"timeout": _BUSY} if uri.startswith("sqlite") else {}
    engine = sqlalchemy.create_engine(uri, connect_args=waits)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _run(experiment: Any, run_id: str, name: str, start: int) -> dict[str, object]:  # noqa: ANN401
    from mlflow.utils.uri import append_to_uri_path

    root = experiment.artifact_location
    artifact_uri = append_to_uri_path(root, run_id, "artifacts")  # type: ignore[no-untyped-call]
    return {
        "run_uuid": run_id,
        "name": name,
        "experiment_id": int(experiment.experiment_id),
        "artifact_uri": artifact_uri,
        "source_type": "UNKNOWN",
        "source_name": "",
        "source_version": "",
        "entry_point_name": "",
        "user_id": "unknown",
        "start_time": start,
        "end_time": start,
        "lifecycle_stage": "active",
    }


def _info(run: Any) -> Any:  # noqa: ANN401 - a row, and MLflow's type
    from mlflow.entities import RunInfo

    same = ("user_id", "status", "start_time", "end_time", "lifecycle_stage", "artifact_uri")
    return RunInfo(
        run_id=run.run_uuid,
        experiment_id=str(run.experiment_id),
        run_name=run.name,
        **{name: getattr(run, name) for name in same},
    )


def _pairs(run_id: str, values: Mapping[str, str]) -> list[dict[str, object]]:
    return [{"run_uuid": run_id, "key": key, "value": value} for key, value in values.items()]


def _metric(run_id: str, point: Point, now: int) -> dict[str, object]:
    return {
        "run_uuid": run_id,
        "key": point.key,
        "value": point.value,
        "timestamp": now,
        "step": point.step,
        "is_nan": False,
    }


def _latest(points: Sequence[Point]) -> list[Point]:
    """Return the point with the largest step of every metric, in the order of the metrics."""
    order = dict.fromkeys(point.key for point in points)
    by_step = sorted(points, key=lambda point: (point.step, point.value))
    latest = {point.key: point for point in by_step}
    return [latest[key] for key in order]
