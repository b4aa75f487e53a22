"""Where MLflow's runs and artifacts lie, who may write there now, and how to look at them."""

import fcntl
import logging
import os
import re
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from initsweep.errors import TrackingError
from initsweep.params import Params, fingerprint
from initsweep.tracking.saved_views import SAVED_VIEW, VERDICT

_SQLITE = "sqlite:///"
_REMOTE = ("http://", "https://", "databricks")
_DATABASE = ("postgresql", "mysql", "mssql")
_EXAMPLES = "`sqlite:///mlflow.db` (a file in the project) or `http://host:5000` (a server)"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A tracking URI made absolute, and what follows from it.

    `artifact_root` is None where a server decides; `database` is the file of a SQLite URI.
    """

    uri: str
    artifact_root: str | None
    database: Path | None

    @property
    def shown(self) -> str:
        """The URI as it may be shown: without a password."""
        return without_password(self.uri)


def project_root() -> Path:
    """Return the folder that relative tracking URIs start from.

    DVC runs queued experiments in temporary copies that it deletes; `DVC_ROOT` names the real
    project even there. Outside DVC it is the current folder, as for all other paths.
    """
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()


def locate(params: Params, root: Path) -> Location:
    """Return where `MLFLOW_TRACKING_URI` points to if it is set, else `tracking.uri`.

    Raises:
        TrackingError: If the URI is of a kind that cannot hold the runs.
    """
    from_environment = os.environ.get("MLFLOW_TRACKING_URI")
    uri = from_environment or params.tracking.uri
    artifact_root = (root / "mlartifacts").as_uri()
    if uri.startswith(_REMOTE):
        return Location(uri=uri, artifact_root=None, database=None)
    if uri.startswith(_DATABASE):
        return Location(uri=uri, artifact_root=artifact_root, database=None)
    name, _, options = uri.removeprefix(_SQLITE).partition("?")
    if not uri.startswith(_SQLITE) or name in {"", ":memory:"}:
        key = "MLFLOW_TRACKING_URI" if from_environment else "tracking.uri"
        raise TrackingError(
            f"{key}: cannot keep runs in {without_password(uri)!r}. Give {_EXAMPLES}."
        )
    database = (root / name).resolve()
    resolved = f"{_SQLITE}{database}" + (f"?{options}" if options else "")
    return Location(uri=resolved, artifact_root=artifact_root, database=database)


def without_password(text: str) -> str:
    """Return a text with user and password of every URI blanked out."""
    return re.sub(r"(://)[^/@\s]+@", r"\1***@", text)


@contextmanager
def only_publisher(location: Location) -> Iterator[None]:
    """Let one process of this machine at a time create the database or publish to it.

    The kernel drops the lock when its holder dies, so a killed publisher never blocks the next.

    Yields:
        Nothing, while the lock is held.
    """
    if location.database is not None:
        lock = location.database.with_name(f"{location.database.name}.lock")
        lock.parent.mkdir(parents=True, exist_ok=True)
    else:
        name = f"initsweep-{os.getuid()}-{fingerprint(location.uri)}.lock"
        lock = Path(tempfile.gettempdir()) / name
    with lock.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _logger.warning("Another publisher is writing to %s; waiting for it.", location.shown)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def ui_page(params: Params, root: Path, port: int) -> str:
    """Return the address that `ui_command` serves: the latest study's verdict if there is one.

    Args:
        params: For the tracking URI.
        root: Folder that a relative URI starts from.
        port: Where MLflow is served.
    """
    # Without the query MLflow 3 opens its pages for language models.
    query = "workflowType=machine_learning"
    base = f"http://127.0.0.1:{port}/#/experiments"
    database = locate(params, root).database
    if database is None or not database.is_file():
        return f"{base}?{query}"
    latest = (
        "SELECT e.experiment_id FROM experiments e JOIN experiment_tags t USING (experiment_id) "
        "JOIN runs r USING (experiment_id) WHERE t.key = ? AND e.lifecycle_stage = 'active' "
        "GROUP BY e.experiment_id ORDER BY max(r.start_time) DESC"
    )
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        try:
            found = connection.execute(latest, [f"{SAVED_VIEW}{VERDICT}"]).fetchone()
        except sqlite3.Error:  # nothing has been published: MLflow itself will say so
            found = None
    if found is None:
        return f"{base}?{query}"
    return f"{base}/{found[0]}/runs?{query}&viewStateShareKey={VERDICT}"


def ui_command(params: Params, root: Path) -> tuple[list[str], dict[str, str]]:
    """Return the command that shows the runs to this machine only, and its environment.

    One worker and no job runner: MLflow's own default starts four and needs 2 GB of memory.

    Raises:
        TrackingError: If the runs lie on a server, which shows them itself.
    """
    location = locate(params, root)
    if location.artifact_root is None:
        raise TrackingError(f"The runs are on a server: open {location.shown} in a browser.")
    command = [sys.executable, "-m", "mlflow", "ui", "--host", "127.0.0.1"]
    command += ["--workers", "1", "--backend-store-uri", location.uri]
    command += ["--default-artifact-root", location.artifact_root]
    settings = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    return command, {**os.environ, **settings}
