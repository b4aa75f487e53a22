"""Opens MLflow quickly and quietly, or says clearly why it cannot be opened."""

import importlib
import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from initsweep.errors import TrackingError
from initsweep.tracking.location import Location, only_publisher, without_password

# MLflow would retry for minutes, call home and print every run; the user's own settings win.
_SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_NOISY = ("mlflow", "mlflow.store.db.utils", "alembic", "alembic.runtime.migration")


@contextmanager
def connection(location: Location) -> Iterator[Any]:
    """Open the tracking store for writing; on first use this creates the database.

    Other publishers of this machine wait until the block ends: several processes that create
    the same database at once would crash each other.

    Yields:
        An `MlflowClient`.

    Raises:
        TrackingError: If MLflow cannot be reached or refuses something, while the block runs.
    """
    # The client knows its store, but what it calls to look into a logged model asks for it.
    here = {"MLFLOW_TRACKING_URI": location.uri}
    with (
        _explained(location),
        _environment(_settings(location), here),
        only_publisher(location),
    ):
        _check(location)
        from mlflow import MlflowClient

        with _quiet():
            yield MlflowClient(tracking_uri=location.uri, registry_uri=location.uri)


def preload_mlflow() -> None:
    """Import what `connection` will need, which takes seconds, without opening anything."""
    with _environment(_SETTINGS, {}):
        importlib.import_module("mlflow.store.tracking.sqlalchemy_store")


def experiment_id(client: Any, name: str, location: Location) -> str:  # noqa: ANN401
    """Return the id of an experiment, which is created or restored if need be."""
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        created = client.create_experiment(name, artifact_location=location.artifact_root)
        return str(created)
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    return str(experiment.experiment_id)


def _check(location: Location) -> None:
    """Fail at once where MLflow would try again for two minutes."""
    if location.database is not None:
        with closing(sqlite3.connect(location.database)) as database:
            database.execute("PRAGMA schema_version")
    elif location.artifact_root is not None:
        import sqlalchemy

        sqlalchemy.create_engine(location.uri).connect().close()


def _settings(location: Location) -> dict[str, str]:
    if location.artifact_root is None:
        return _SETTINGS
    # Otherwise MLflow's own `Default` experiment would keep artifacts in the current folder,
    # which DVC deletes after a queued experiment.
    return {**_SETTINGS, "_MLFLOW_SERVER_ARTIFACT_ROOT": location.artifact_root}


@contextmanager
def _environment(settings: Mapping[str, str], forced: Mapping[str, str]) -> Iterator[None]:
    added = {name: value for name, value in settings.items() if name not in os.environ}
    added |= forced
    before = {name: os.environ.get(name) for name in added}
    os.environ.update(added)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _quiet() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in _NOISY]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def _explained(location: Location) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not _is_about_tracking(error):
            raise
        lines = str(error).strip().splitlines() or [type(error).__name__]
        reason = without_password(lines[0])
        raise TrackingError(
            f"MLflow at {location.shown} failed: {reason}. All results are safe on disk; once "
            "tracking.uri (or MLFLOW_TRACKING_URI) names a store that works, `dvc repro publish` "
            "catches up."
        ) from error


def _is_about_tracking(error: Exception) -> bool:
    """Return whether MLflow, the database or the network failed, rather than our own code."""
    families = {base.__module__.partition(".")[0] for base in type(error).__mro__}
    foreign = {"mlflow", "sqlalchemy", "requests", "urllib3"}
    return bool(families & foreign) or isinstance(error, (OSError, sqlite3.Error, ImportError))
