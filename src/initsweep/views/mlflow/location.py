"""Where MLflow's runs and artifacts lie."""

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from initsweep.core.errors import TrackingError
from initsweep.core.params import Params
from initsweep.views.mlflow.passwords import hide

_SQLITE = "sqlite:///"
_REMOTE = ("http://", "https://", "databricks")
_DATABASE = ("postgresql", "mysql", "mssql")
_MISREAD = re.compile(r"\?|%(?=[0-9A-Fa-f]{2})")
_EXAMPLES = "`sqlite:///mlflow.db` (a file in the project) or `http://host:5000` (a server)"


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
        return hide(self.uri)


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
        raise TrackingError(f"{key}: cannot keep runs in {hide(uri)!r}. Give {_EXAMPLES}.")
    # Links that lead nowhere are found out later.
    database = Path(os.path.realpath(root / unquote(name)))
    resolved = sqlite_uri(database) + (f"?{options}" if options else "")
    return Location(uri=resolved, artifact_root=artifact_root, database=database)


def sqlite_uri(database: Path) -> str:
    """Return the URI of a file: what SQLAlchemy would take for options or for a code is a code.

    Nothing else is, because MLflow makes an empty folder of the name as it stands there.
    """
    return _SQLITE + _MISREAD.sub(lambda found: quote(found[0]), str(database))


def address_setting(params: Params, root: Path) -> str:
    """Return how a shell command is told where the runs are, from any folder.

    Instead of user and password it has these words, which people replace by theirs.
    """
    uri = hide(locate(params, root).uri, "USER:PASSWORD", "PASSWORD")
    return f"MLFLOW_TRACKING_URI={shlex.quote(uri)}"
