"""Recognize, without reading all runs, that nothing was published or changed since the last time.

Importing MLflow and reading all runs back takes seconds, on every `dvc repro`. SQLite counts
each change of a database in its header, so a database that is as we left it, asked to show what
it was last given, shows it. Anything else, a run deleted in the UI included, breaks the seal; so
does a file gone from the artifacts. Looking writes nothing, and needs no right to write.

A server counts nothing, and is asked one question: what it knows of the schemes' own runs. Whoever
publishes another view of the study changes these, and who deletes a scheme deletes one. What people
delete below them, trials or files, comes back when something else changes.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from initsweep.core.errors import TrackingError
from initsweep.core.params import Params, fingerprint
from initsweep.core.writing import write_text
from initsweep.views.mlflow.artifact_files import walk
from initsweep.views.mlflow.connection import connection
from initsweep.views.mlflow.location import Location, locate

_HEADER = 100  # bytes; 24 to 27 are SQLite's file change counter


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is shown: a study, in an experiment of MLflow's."""

    content: str
    study: str
    experiment: str


def is_sealed(content_sha: str, params: Params, root: Path) -> bool:
    """Return whether the database surely shows the content with this hash.

    Args:
        content_sha: Hash of everything that the view is computed from.
        params: For the tracking URI.
        root: Folder that a relative URI starts from.
    """
    location = locate(params, root)
    try:
        seal = json.loads(location.seal.read_bytes())
        shown = Shown(**seal["shown"])
        if shown.content != content_sha:
            return False
        if location.database is not None:
            state = _state_of_file(location.database)
        else:
            with connection(location) as client:
                state = _state_of_server(client, shown)
        return bool(seal == _content(shown, state, seal["folders"]))
    except TrackingError:  # who publishes says it
        return False
    except (OSError, ValueError, LookupError, TypeError):  # none, damaged, or of another version
        return False


def state_of(location: Location, client: Any, shown: Shown) -> str | None:  # noqa: ANN401
    """Return what changes with every change of what is shown; None where that is unknown.

    It must be taken before looking at the runs, so that later changes are not sealed in.

    Args:
        location: The store.
        client: An `MlflowClient` for it.
        shown: What is to be shown.
    """
    if location.database is None:
        return _state_of_server(client, shown)
    return _state_of_file(location.database)


def put_seal(
    location: Location, shown: Shown, state: str | None, folders: Sequence[Path | None]
) -> None:
    """Note that the database in this state shows the content.

    Args:
        location: The store.
        shown: What is shown.
        state: Of the database or server, before it was looked at.
        folders: With the artifacts; None where they are not on this machine. Beside a file that
            leaves no seal: only looking at them every time shows whether they are still there.
    """
    here = sorted(str(folder) for folder in folders if folder is not None)
    if state is None or (location.database is not None and len(here) < len(folders)):
        return
    with suppress(OSError):  # where nothing can be written, MLflow is opened and looked at instead
        write_text(location.seal, json.dumps(_content(shown, state, here)))


def _state_of_file(database: Path) -> str | None:
    if not database.is_file():
        return None
    # In write-ahead mode changes go to another file first.
    if database.with_name(f"{database.name}-wal").exists():
        return None
    stat = database.stat()
    with database.open("rb") as file:
        header = file.read(_HEADER).hex()
    return fingerprint([stat.st_ino, stat.st_size, stat.st_mtime_ns, header])


def _state_of_server(client: Any, shown: Shown) -> str:  # noqa: ANN401
    condition = f"tags.`study.sha` = '{shown.study}' and tags.role = 'scheme'"
    runs = client.search_runs([shown.experiment], condition)
    return fingerprint(sorted([run.info.run_id, run.info.status, run.data.tags] for run in runs))


def _content(shown: Shown, state: str | None, folders: Sequence[str]) -> dict[str, Any]:
    return {
        "shown": asdict(shown),
        "database": state,
        "folders": list(folders),
        "files": fingerprint(list(walk(folders))),
    }
