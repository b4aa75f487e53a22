"""Writes many finished runs into MLflow's SQLite tables at once.

Through MLflow's client a run takes seven transactions, and a study has hundreds of runs: that is
more time than many a study needs for training. Here all runs of a scheme are one transaction, so
that a crash leaves all of them or none. The tables are MLflow's own definitions of them, and
`tests/views/mlflow/test_bulk.py` compares every row with what the client writes.
"""

import time
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from initsweep.views.mlflow.points import Point
from initsweep.views.mlflow.view import RunView

BUSY = 20  # seconds to wait for another writer, as MLflow does


def insert_finished(
    uri: str,
    experiment: Any,  # noqa: ANN401 - MLflow's type, imported only when used
    runs: Sequence[tuple[RunView, int]],
    tags: Mapping[str, str],
) -> None:
    """Insert runs as MLflow's client leaves them: created, logged and terminated.

    Args:
        uri: A SQLite database that MLflow has migrated.
        experiment: The MLflow experiment they belong to.
        runs: Each with its time, in milliseconds since 1970.
        tags: Added to the tags of every run.
    """
    import sqlalchemy
    from mlflow.store.tracking.dbmodels import models

    rows: dict[Any, list[dict[str, object]]] = defaultdict(list)
    now = int(time.time() * 1000)
    for view, start in runs:
        run_id = uuid.uuid4().hex
        rows[models.SqlRun].append(_run(experiment, run_id, view.name, start))
        all_tags = {**view.tags, **tags, "mlflow.runName": view.name}
        rows[models.SqlTag] += _pairs(run_id, all_tags)
        rows[models.SqlParam] += _pairs(run_id, view.params)
        rows[models.SqlMetric] += [_metric(run_id, point, now) for point in view.metrics]
        latest = _latest(view.metrics)
        rows[models.SqlLatestMetric] += [_metric(run_id, point, now) for point in latest]
    engine = sqlalchemy.create_engine(uri, connect_args={"timeout": BUSY})
    with engine.begin() as connection:
        for table, content in rows.items():
            if content:
                connection.execute(sqlalchemy.insert(table), content)
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
        "status": "FINISHED",
        "start_time": start,
        "end_time": start,
        "lifecycle_stage": "active",
    }


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
    """Return the point with the largest step of every metric."""
    return list({p.key: p for p in sorted(points, key=lambda p: (p.step, p.value))}.values())
