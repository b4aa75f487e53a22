"""Recognize, without opening MLflow, that nothing was published or changed since the last time.

Importing MLflow and reading all runs back takes seconds, on every `dvc repro`. SQLite counts
each change of a database in its header, so a database that is as we left it, asked to show what
it was last given, shows it. Anything else, a run deleted in the UI included, breaks the seal.
"""

import json
from pathlib import Path

from initsweep.params import Params, fingerprint
from initsweep.tracking.location import Location, locate

_HEADER = 100  # bytes; 24 to 27 are SQLite's file change counter


def is_sealed(content_sha: str, params: Params, root: Path) -> bool:
    """Return whether the database surely shows the content with this hash.

    Args:
        content_sha: Hash of everything that the view is computed from.
        params: For the tracking URI.
        root: Folder that a relative URI starts from.
    """
    location = locate(params, root)
    state = database_state(location)
    if location.database is None or state is None:
        return False
    try:
        return _seal(location.database).read_text() == _content(content_sha, state)
    except FileNotFoundError:
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


def put_seal(location: Location, content_sha: str, state: str | None) -> None:
    """Note that the database in this state shows the content."""
    if location.database is not None and state is not None:
        _seal(location.database).write_text(_content(content_sha, state))


def _seal(database: Path) -> Path:
    return database.with_name(f"{database.name}.published")


def _content(content_sha: str, state: str) -> str:
    return json.dumps({"content": content_sha, "database": state})
