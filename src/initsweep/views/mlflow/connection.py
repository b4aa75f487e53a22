"""Opens MLflow quickly and quietly, or says clearly why it cannot be opened."""

import importlib
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from initsweep.views.mlflow.database import make_ready
from initsweep.views.mlflow.holdings import Ours
from initsweep.views.mlflow.location import Location
from initsweep.views.mlflow.lock import only_publisher
from initsweep.views.mlflow.schema import tables
from initsweep.views.mlflow.trouble import explained

# MLflow would retry for minutes, call home and print every run; the user's own settings win.
_SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_NOISY = {
    "mlflow": logging.WARNING,
    "mlflow.store.db.utils": logging.CRITICAL,  # prints what it then raises, passwords and all
    "alembic": logging.WARNING,
    "urllib3.connectionpool": logging.ERROR,  # tells each attempt
    "alembic.runtime.migration": logging.WARNING,
}


@contextmanager
def connection(location: Location, ours: Ours | None = None) -> Iterator[Any]:
    """Open the tracking store for writing; on first use this creates the database.

    Other publishers to a database file wait until the block ends.

    Args:
        location: The store.
        ours: Which runs can be written again, should the database have to be built anew.

    Yields:
        An `MlflowClient`.

    Raises:
        TrackingError: If MLflow cannot be reached or refuses something, while the block runs.
    """
    # The client knows its store, but what it calls to look into a logged model asks for it.
    here = {"MLFLOW_TRACKING_URI": location.uri}
    with ready(location, ours), _environment(_settings(location), here):
        from mlflow import MlflowClient

        yield MlflowClient(tracking_uri=location.uri, registry_uri=location.uri)


@contextmanager
def ready(location: Location, ours: Ours | None = None) -> Iterator[None]:
    """Make sure that a store can be opened, and keep other publishers away from a database file.

    Args:
        location: The store.
        ours: Which runs can be written again, should the database have to be built anew.

    Yields:
        Nothing, while the block may use the store.

    Raises:
        TrackingError: If the store cannot be opened, or fails while the block runs.
    """
    alone = only_publisher(location.database)
    with explained(location), _environment(_SETTINGS, {}), alone, _quiet():
        if location.database is not None:
            make_ready(location.database, ours)
            yield
        elif location.by_server:
            yield
        else:
            with tables(location.uri):
                yield


def preload_mlflow() -> None:
    """Import what `connection` will need, which takes seconds, without opening anything."""
    with _environment(_SETTINGS, {}):
        importlib.import_module("mlflow.store.tracking.sqlalchemy_store")


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
    importlib.import_module("mlflow")  # which sets levels of its own
    loggers = {logging.getLogger(name): level for name, level in _NOISY.items()}
    before = {logger: logger.level for logger in loggers}
    for logger, level in loggers.items():
        logger.setLevel(level)
    try:
        yield
    finally:
        for logger, level in before.items():
            logger.setLevel(level)
