"""What a broken database holds that cannot be built again from the results at hand."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from initsweep.core.errors import few
from initsweep.views.mlflow.experiments import IDENTITY
from initsweep.views.mlflow.saved_views import SAVED_VIEW


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """The tag that marks the runs which the results at hand will write again."""

    key: str
    value: str


_RUNS = "SELECT run_uuid FROM tags WHERE key = :key AND value = :value"
_OTHERS = {
    "run": f"""SELECT coalesce(name, run_uuid) FROM runs
        WHERE lifecycle_stage = 'active' AND run_uuid NOT IN ({_RUNS})""",
    "version of a model": f"""SELECT name || ' ' || version FROM model_versions
        WHERE coalesce(run_id, '') NOT IN ({_RUNS})""",
    "model": """SELECT name FROM registered_models
        WHERE name NOT IN (SELECT name FROM model_versions)""",
    "experiment": f"""SELECT name FROM experiments
        WHERE lifecycle_stage = 'active' AND experiment_id != 0
        AND experiment_id NOT IN (SELECT experiment_id FROM runs WHERE run_uuid IN ({_RUNS}))
        AND experiment_id NOT IN (SELECT experiment_id FROM experiment_tags
            WHERE key = '{IDENTITY}' OR key LIKE '{SAVED_VIEW}initsweep-%')""",
}
_LOOKED_INTO = {
    "alembic_version", "datasets", "experiment_tags", "experiments", "input_tags", "inputs",
    "job_locks", "latest_metrics", "logged_model_metrics", "logged_model_params",
    "logged_model_tags", "logged_models", "metrics", "model_version_tags", "model_versions",
    "params", "registered_model_aliases", "registered_model_tags", "registered_models", "runs",
    "scheduler_leases", "tags", "workspaces",
}  # fmt: skip
"""Tables of runs, of models and of MLflow's own housekeeping: any row in another is somebody's."""


def others_in(database: Path, ours: Ours) -> list[str]:
    """Return what can be made out in a database that the results at hand do not hold.

    Args:
        database: It may be damaged: what cannot be read is passed over.
        ours: Whose runs can be written again.
    """
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        with suppress(sqlite3.Error):  # SQLite then reads what is left of a file that was cut short
            connection.execute("PRAGMA writable_schema = ON")
        found = []
        for kind, query in _OTHERS.items():
            names = list(_read(connection, query, ours))
            found += [_counted(kind, names)] if names else []
        for table in _read(connection, "SELECT name FROM sqlite_master WHERE type = 'table'", ours):
            known = table.removeprefix("_alembic_tmp_") in _LOOKED_INTO
            if not known and not table.startswith("sqlite_"):
                quoted = table.replace('"', '""')
                rows = _read(connection, f'SELECT 1 FROM "{quoted}" LIMIT 1', ours)
                found += [f"rows of '{table}'" for _ in rows]
    return found


def _read(connection: sqlite3.Connection, query: str, ours: Ours) -> Iterator[str]:
    with suppress(sqlite3.Error):  # a table that is damaged or not there yet
        for (value,) in connection.execute(query, {"key": ours.key, "value": ours.value}):
            yield value


def _counted(kind: str, names: list[str]) -> str:
    shown = few([f"'{name}'" for name in names])
    return f"{len(names)} {kind}{'s' if len(names) > 1 else ''} ({shown})"
