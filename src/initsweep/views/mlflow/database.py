"""Makes sure that a SQLite file is a database that MLflow can open, before MLflow opens it.

MLflow makes its tables, and brings older ones up to date, in hundreds of statements that are no
transaction: whoever is killed between two of them leaves a file that no MLflow ever opens again.
So here that happens to a copy under another name, which then takes the place of the database at
once. A file that is beyond help is set aside and built again from the results, unless it holds
what the results do not. Only one process at a time may do any of this (`lock`).
"""

import os
import shlex
import shutil
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from initsweep.core.errors import InitsweepWarning, TrackingError
from initsweep.views.mlflow.holdings import Ours, others_in
from initsweep.views.mlflow.location import sqlite_uri
from initsweep.views.mlflow.schema import COMPANIONS, close, complete_copy, keeper, revisions

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_IN_THE_WAY = {  # of the machine or of other programs, not of the file
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY,
}  # fmt: skip
_REBUILD = "dvc repro publish"
_ELSEWHERE = "name another file in tracking.uri (or MLFLOW_TRACKING_URI)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What lies where a database should be."""

    tables: frozenset[str] = frozenset()
    revision: str | None = None
    damage: str = ""

    @property
    def is_current(self) -> bool:
        """Whether the MLflow of this environment can open it."""
        complete = self.tables >= set(keeper().Base.metadata.tables)
        latest = keeper()._get_latest_schema_revision()
        return not self.damage and complete and self.revision == latest


def make_ready(database: Path, ours: Ours | None) -> None:
    """Build, update or replace a database, so that MLflow finds all of its tables.

    Args:
        database: The file, which need not exist.
        ours: Which runs the results at hand hold; None where nothing can be built again.

    Raises:
        TrackingError: If the file is none of MLflow's or cannot be mended without losing something.
    """
    if database.exists() and not database.is_file():
        what = "a folder" if database.is_dir() else "no ordinary file"
        raise TrackingError(f"'{database}' is {what}: {_ELSEWHERE}, or move it away.")
    found = _look(database)
    if found.is_current:
        return
    fault = found.damage
    if not found.tables and not fault:
        with complete_copy(database) as new:
            _install(new, database)
    elif not fault:
        _refuse_others(database, found)
        fault = _update(database)
    if fault:
        _replace(database, fault, ours)


def _look(database: Path) -> _Found:
    """Return what is there; SQLite undoes what an interrupted transaction has left.

    Raises:
        DatabaseError: If something keeps us from reading it, such as missing rights.
    """
    if not database.exists() or not database.stat().st_size:
        return _Found()
    try:
        with closing(_opened(database)) as connection:
            (health,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            listed = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            tables = frozenset(name for (name,) in listed)
            row = None
            if "alembic_version" in tables:
                row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF not in _DAMAGED:
            raise
        return _Found(damage=str(error))
    damage = "" if health == "ok" else "it is damaged"
    return _Found(tables=tables, revision=row and row[0], damage=damage)


def _opened(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True)


def _refuse_others(database: Path, found: _Found) -> None:
    """Refuse a database of another program, or of an MLflow that knows more than ours.

    Raises:
        TrackingError: If it is one.
    """
    from mlflow.version import VERSION

    bases = (keeper().Base, keeper().InitialBase)
    own = {table for base in bases for table in base.metadata.tables}
    if not found.tables & own and found.tables != {"alembic_version"}:
        what = f"is a database of another program (its tables: {', '.join(sorted(found.tables))})"
    elif found.revision not in {None, *revisions()}:
        what = f"was written by a newer MLflow than {VERSION} (schema {found.revision})"
    else:
        return
    raise TrackingError(
        f"'{database}' {what}. It is left as it is: {_ELSEWHERE}, or keep it elsewhere and build a "
        f"new one: {_commands(database)}"
    )


def _update(database: Path) -> str:
    """Bring the tables of an older MLflow up to date, and keep the file as it was beside it.

    Returns:
        What is wrong with it, if that cannot be done.
    """
    kept = _free_name(database, "older")
    try:
        with _held(database) as source, complete_copy(database, source) as new:
            if not _look(new).is_current:
                return "some of its tables are missing"
            shutil.copymode(database, new)
            _install(new, database, kept)
    except Exception as error:
        code = getattr(getattr(error, "orig", error), "sqlite_errorcode", 0) & 0xFF
        if code in _IN_THE_WAY or isinstance(error, OSError):
            raise
        return f"its tables are half made: {str(error).splitlines()[0]}"
    _say(f"'{database}' had tables of an older MLflow and has been updated; as it was: '{kept}'.")
    return ""


@contextmanager
def _held(database: Path) -> Iterator[sqlite3.Connection]:
    """Keep everybody from writing into a database until another file has taken its place.

    What is refused meanwhile is not lost: it would only lie in the file that is set aside. Whoever
    has that open cannot write into it afterwards either, because SQLite sees that it was moved.

    Yields:
        A connection to read from; SQLite copies nothing through one that may write.
    """
    with closing(_opened(database)) as writer, closing(_opened(database)) as reader:
        writer.execute("PRAGMA journal_mode = DELETE")  # now all of it lies in the one file
        writer.execute("BEGIN IMMEDIATE")
        yield reader


def _replace(database: Path, fault: str, ours: Ours | None) -> None:
    """Set a broken database aside and build a new one.

    Raises:
        TrackingError: If it holds what cannot be built again.
    """
    if ours is None:
        raise TrackingError(
            f"'{database}' cannot be used: {fault}. `{_REBUILD}` builds it again, or says what "
            "else it holds."
        )
    others = others_in(database, ours)
    if others:
        raise TrackingError(
            f"'{database}' cannot be used: {fault}. It is left as it is, because it holds what the "
            f"results of this study do not: {', '.join(others)}. Put a backup in its place, or "
            f"keep it elsewhere and build a new one: {_commands(database)}"
        )
    aside = _free_name(database, "broken")
    with complete_copy(database) as new:
        _install(new, database, aside)
    _say(
        f"'{database}' cannot be used: {fault}. It is now '{aside}', and a new one is being built "
        "from the results."
    )


def _install(new: Path, database: Path, kept: Path | None = None) -> None:
    """Let a file take the place of the database, which is kept under another name.

    A journal goes with the database that it belongs to: SQLite would play it back into the new one.
    """
    _flush(new)
    if kept is not None:
        try:
            kept.hardlink_to(database)
        except OSError:  # a file system without links
            # Closing what was copied ends the lock of `_held`, an instant before the replacement.
            shutil.copy2(database, kept)
    for suffix in COMPANIONS:
        companion = database.with_name(database.name + suffix)
        if kept is None:
            companion.unlink(missing_ok=True)
        elif companion.exists():
            companion.rename(kept.with_name(kept.name + suffix))
    new.replace(database)
    _flush(database.parent)
    close(sqlite_uri(database))  # another file has taken its place


def _flush(path: Path) -> None:
    """Keep a file or a folder as it is, even if the power fails."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _free_name(database: Path, why: str) -> Path:
    number = 1
    while (name := database.with_name(f"{database.name}.{why}-{number}")).exists():
        number += 1
    return name


def _commands(database: Path) -> str:
    kept = _free_name(database, "kept")
    moves = [
        f"mv {shlex.quote(f'{database}{suffix}')} {shlex.quote(f'{kept}{suffix}')}"
        for suffix in ("", *COMPANIONS)
        if database.with_name(database.name + suffix).exists()
    ]
    return " && ".join([*moves, _REBUILD])


def _say(text: str) -> None:
    warnings.warn(text, InitsweepWarning, 2)
