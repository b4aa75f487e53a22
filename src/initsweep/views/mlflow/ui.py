"""How people look at what has been published."""

import os
import shlex
import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path

from initsweep.core.errors import TrackingError
from initsweep.core.params import Params
from initsweep.views.mlflow.connection import ready
from initsweep.views.mlflow.location import locate
from initsweep.views.mlflow.saved_views import SAVED_VIEW, VERDICT


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
    latest = (
        "SELECT e.experiment_id FROM experiments e JOIN experiment_tags t USING (experiment_id) "
        "JOIN runs r USING (experiment_id) WHERE t.key = ? AND e.lifecycle_stage = 'active' "
        "GROUP BY e.experiment_id ORDER BY max(r.start_time) DESC"
    )
    found = None
    with suppress(sqlite3.Error):  # there is none, or none that can be read: MLflow will say so
        address = "file::memory:" if database is None else f"{database.as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            found = connection.execute(latest, [f"{SAVED_VIEW}{VERDICT}"]).fetchone()
    if found is None:
        return f"{base}?{query}"
    return f"{base}/{found[0]}/runs?{query}&viewStateShareKey={VERDICT}"


def ui_command(params: Params, root: Path) -> tuple[list[str], dict[str, str]]:
    """Return the command that shows the runs to this machine only, and its environment.

    The database is made ready first: MLflow would make its tables in place, where Ctrl-C leaves
    half of them. One worker and no job runner: its own default starts four and needs 2 GB of
    memory. The environment names the database, not the command, which everybody may read.

    Raises:
        TrackingError: If the runs lie on a server, which shows them itself, or the database cannot
            be opened.
    """
    location = locate(params, root)
    if location.by_server or location.artifact_root is None:
        raise TrackingError(f"The runs are on a server: open {location.shown} in a browser.")
    with ready(location):
        pass
    command = [sys.executable, "-m", "mlflow", "ui", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--default-artifact-root", location.artifact_root]
    # It would put the current folder first, where any file may have a library's name.
    command += ["--uvicorn-opts", f"--app-dir {shlex.quote(sys.prefix)}"]
    settings = {
        "MLFLOW_BACKEND_STORE_URI": location.uri,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    return command, {**os.environ, **settings}
