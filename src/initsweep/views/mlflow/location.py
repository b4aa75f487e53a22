"""Where MLflow's runs and artifacts lie."""

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from initsweep.core.errors import TrackingError
from initsweep.core.params import Params
from initsweep.views.mlflow.passwords import hide, holds_password

_SQLITE = "sqlite:///"
_REMOTE = ("http://", "https://", "databricks")
_DATABASE = ("postgresql", "mysql", "mssql")
_FILE = "file://"
_MISREAD = re.compile(r"\?|%(?=[0-9A-Fa-f]{2})")
_SEAL = ".published"
_EXAMPLES = "`sqlite:///mlflow.db` (a file in the project) or `http://host:5000` (a server)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A tracking URI made absolute, and what follows from it.

    `artifact_root` is where new experiments keep their files, None where a server decides;
    `chosen` says whether `tracking.artifacts` names it. `database` is the file of a SQLite URI,
    `seal` that of what was seen there last.
    """

    uri: str
    artifact_root: str | None
    database: Path | None
    seal: Path
    chosen: bool

    @property
    def shown(self) -> str:
        """The URI as it may be shown: without a password."""
        return hide(self.uri)

    @property
    def by_server(self) -> bool:
        """Whether MLflow's server stands between us and the database."""
        return self.uri.startswith(_REMOTE)


def project_root() -> Path:
    """Return the folder that relative tracking URIs start from.

    DVC runs queued experiments in temporary copies that it deletes; `DVC_ROOT` names the real
    project even there. Outside DVC it is the current folder, as for all other paths.
    """
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()


def locate(params: Params, root: Path) -> Location:
    """Return where `MLFLOW_TRACKING_URI` points to if it is set, else `tracking.uri`.

    Raises:
        TrackingError: If the URI is of a kind that cannot hold the runs, has a password in it that
            would be committed, or leads others to runs without their files.
    """
    from_environment = os.environ.get("MLFLOW_TRACKING_URI")
    uri = from_environment or params.tracking.uri
    key = "MLFLOW_TRACKING_URI" if from_environment else "tracking.uri"
    if not from_environment and holds_password(uri):
        raise TrackingError(
            f"tracking.uri: {hide(uri)!r} has a password in it, and params.yaml is for everybody. "
            "Set MLFLOW_TRACKING_URI instead, or leave the password out here and keep it where "
            "the client looks for it (docs/sharing.md)."
        )
    shared = _shared_artifacts(params.tracking.artifacts)
    if uri.startswith(_DATABASE) and shared is None:
        raise TrackingError(
            f"{key}: others see the runs in {hide(uri)!r}, but not the models and reports, which "
            "would lie in this folder. Set tracking.artifacts to a place that all can reach, such "
            "as `s3://bucket/runs` or the path of a file share, or name a server that keeps both "
            "(docs/sharing.md)."
        )
    if uri.startswith((*_REMOTE, *_DATABASE)):
        seal = root / f"mlflow.db{_SEAL}"
        chosen = shared is not None
        return Location(uri=uri, artifact_root=shared, database=None, seal=seal, chosen=chosen)
    return _file(uri, key, root, shared)


def _file(uri: str, key: str, root: Path, shared: str | None) -> Location:
    """Return what follows from the URI of a SQLite file.

    Raises:
        TrackingError: If it is another URI.
    """
    name, _, options = uri.removeprefix(_SQLITE).partition("?")
    if not uri.startswith(_SQLITE) or name in {"", ":memory:"}:
        raise TrackingError(f"{key}: cannot keep runs in {hide(uri)!r}. Give {_EXAMPLES}.")
    # Links that lead nowhere are found out later.
    database = Path(os.path.realpath(root / unquote(name)))
    return Location(
        uri=sqlite_uri(database) + (f"?{options}" if options else ""),
        artifact_root=shared or (root / "mlartifacts").as_uri(),
        database=database,
        seal=database.with_name(f"{database.name}{_SEAL}"),
        chosen=shared is not None,
    )


def _shared_artifacts(given: str | None) -> str | None:
    """Return the URI of a place for files that was chosen, None if none was.

    Raises:
        TrackingError: If it is none, or a folder that is not there, as a share that is not mounted.
    """
    if given is None:
        return None
    place = given.removeprefix(_FILE)
    if place.startswith("/"):
        if not Path(place).is_dir():
            raise TrackingError(
                f"tracking.artifacts: there is no folder '{place}'. Mount the share, or make it."
            )
        return Path(place).as_uri()
    if "://" not in given or holds_password(given):
        raise TrackingError(
            f"tracking.artifacts: {hide(given)!r} is no place for files. Give an address without "
            "a password, such as `s3://bucket/runs`, or the whole path of a folder."
        )
    return given.rstrip("/")


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
