"""Says in one line why MLflow could not be read or written, and what helps."""

import errno
import os
import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from initsweep.core.errors import TrackingError, not_installed
from initsweep.core.writing import refusal
from initsweep.views.mlflow.artifact_files import local_folder
from initsweep.views.mlflow.location import Location
from initsweep.views.mlflow.passwords import hide_all

_FOREIGN = {"mlflow", "sqlalchemy", "alembic", "requests", "urllib3"}
_EXTRAS = {"psycopg": "postgres", "boto3": "s3"}  # what brings the modules that addresses ask for
_SAID_BY_SQLITE = {  # which reaches us as text, inside what MLflow says
    "database or disk is full": errno.ENOSPC,
    "readonly database": errno.EACCES,
    "unable to open database file": errno.EACCES,
}


@contextmanager
def explained(location: Location) -> Iterator[None]:
    """Turn failures of MLflow, the database, the disk or the network into one message.

    Yields:
        Nothing.

    Raises:
        TrackingError: What failed and what to do. It is not chained to what MLflow said, in which
            there may be a password.
    """
    try:
        yield
    except Exception as error:
        if not _is_about_tracking(error):
            raise
        said = _chain(error)
        told = _missing(said) or _refused(said, location) or _unreachable(said)
        reason = told or _first_line(error)
        failure = TrackingError(
            f"MLflow at {location.shown} failed: {hide_all(reason.rstrip('.'), location.uri)}. All "
            "results are safe on disk; once tracking.uri (or MLFLOW_TRACKING_URI) names a store "
            "that works, `dvc repro publish` catches up."
        )
        try:
            raise failure from None
        finally:
            failure.__context__ = None


def _is_about_tracking(error: Exception) -> bool:
    """Return whether MLflow, what it uses or the disk failed, rather than our own code."""
    if isinstance(error, (OSError, sqlite3.Error, ImportError)):
        return True
    steps = traceback.walk_tb(error.__traceback__)
    rooms = {str(frame.f_globals.get("__name__")).partition(".")[0] for frame, _ in steps}
    ours = (AttributeError, NameError, TypeError)
    return bool(rooms & _FOREIGN) and not isinstance(error, ours)


def _chain(error: BaseException | None) -> list[BaseException]:
    """Return an error and what it came from."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def is_away(error: Exception) -> bool:
    """Return whether a server did not answer, as one that is started again does for a while."""
    from requests import exceptions
    from sqlalchemy.exc import OperationalError

    said = _chain(error)
    if any(isinstance(one, sqlite3.Error) for one in said):  # a file is nobody's to start again
        return False
    silent = (exceptions.ConnectionError, exceptions.RetryError, exceptions.Timeout)
    return any(isinstance(one, (*silent, OperationalError)) for one in said)


def _missing(said: list[BaseException]) -> str | None:
    """Return which extra is not installed, None if it is something else."""
    names = [str(one.name) for one in said if isinstance(one, ModuleNotFoundError)]
    return next((not_installed(name, _EXTRAS[name]) for name in names if name in _EXTRAS), None)


def _refused(said: list[BaseException], location: Location) -> str | None:
    """Return what the disk does not allow; None if it is something else."""
    for one in said:
        for text, code in _SAID_BY_SQLITE.items():
            if location.database is not None and text in str(one):
                return _about_database(code, location.database)
        if isinstance(one, OSError) and (text_of := refusal(one)) is not None:
            # Of two files the second is a copy of the first; without any, it was being filled.
            place = one.filename2 or one.filename or local_folder(location.artifact_root or "")
            return refusal(OSError(one.errno, one.strerror, str(place))) if place else text_of
    return None


def _about_database(code: int, database: Path) -> str | None:
    """Return what keeps SQLite from a file: the disk, the file or its folder."""
    folder = database.parent
    if code == errno.EACCES and folder.is_dir() and os.statvfs(folder).f_flag & os.ST_RDONLY:
        code = errno.EROFS
    own = os.access(database, os.R_OK | os.W_OK, effective_ids=True) or not database.exists()
    place = folder if code == errno.EACCES and own else database
    return refusal(OSError(code, os.strerror(code), str(place)))


def _unreachable(said: list[BaseException]) -> str | None:
    """Return why a server does not answer, without the long story that the client tells."""
    from requests import exceptions

    if any(isinstance(one, exceptions.RetryError) for one in said):
        return str(said[-1])
    if any(isinstance(one, exceptions.ConnectionError | exceptions.Timeout) for one in said):
        return getattr(said[-1], "strerror", None) or type(said[-1]).__name__
    return None


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
