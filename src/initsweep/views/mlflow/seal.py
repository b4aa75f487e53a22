"""Recognize, without opening MLflow, that nothing was published or changed since the last time.

Importing MLflow and reading all runs back takes seconds, on every `dvc repro`. SQLite counts
each change of a database in its header, so a database that is as we left it, asked to show what
it was last given, shows it. Anything else, a run deleted in the UI included, breaks the seal; so
does a file gone from the artifacts. Looking writes nothing, and needs no right to write.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from initsweep.core.params import Params, fingerprint
from initsweep.core.writing import write_text
from initsweep.views.mlflow.artifact_files import walk
from initsweep.views.mlflow.location import Location, locate

_HEADER = 100  # bytes; 24 to 27 are SQLite's file change counter


def is_sealed(content_sha: str, params: Params, root: Path) -> bool:
    """Return whether the database surely shows the content with this hash.

    Args:
        content_sha: Hash of everything that the view is computed from.
        params: For the tracking URI.
        root: Folder that a relative URI starts from.
    """
    location = locate(params, root)
    if location.database is None:
        return False
    try:
        seal = json.loads(_seal(location.database).read_bytes())
        return bool(seal == _content(content_sha, database_state(location), seal["folders"]))
    except (OSError, ValueError, LookupError, TypeError):  # none, damaged, or of another version
        return False


def database_state(location: Location) -> str | None:
    """Return what changes with every change of the database; None where that is unknown.

    It must be taken before looking at the runs, so that later changes are not sealed in.
    """
    database = location.database
    if database is None or not database.is_file():
        return None
    # In write-ahead mode changes go to another file first.
    if database.with_name(f"{database.name}-wal").exists():
        return None
    stat = database.stat()
    with database.open("rb") as file:
        header = file.read(_HEADER).hex()
    return fingerprint([stat.st_ino, stat.st_size, stat.st_mtime_ns, header])


def put_seal(
    location: Location, content_sha: str, state: str | None, folders: Sequence[Path | None]
) -> None:
    """Note that the database in this state shows the content.

    Args:
        location: The store.
        content_sha: Hash of everything that the view is computed from.
        state: Of the database, before it was looked at.
        folders: With the artifacts; None where they are not on this machine, so that only looking
            at them every time shows whether they are still there.
    """
    here = sorted(str(folder) for folder in folders if folder is not None)
    if location.database is None or state is None or len(here) < len(folders):
        return
    with suppress(OSError):  # where nothing can be written, MLflow is opened and looked at instead
        write_text(_seal(location.database), json.dumps(_content(content_sha, state, here)))


def _seal(database: Path) -> Path:
    return database.with_name(f"{database.name}.published")


def _content(content_sha: str, state: str | None, folders: Sequence[str]) -> dict[str, Any]:
    return {
        "content": content_sha,
        "database": state,
        "folders": list(folders),
        "files": fingerprint(list(walk(folders))),
    }
