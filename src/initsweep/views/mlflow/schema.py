"""MLflow's tables: made by one process at a time, and in a file only where nobody looks yet.

In an empty file MLflow goes through fifty states of its tables, which takes longer than filling
them. `schema_REVISION.sql` beside this module is what it arrives at; with an MLflow whose tables
are of another revision the file is not used. `tests/views/mlflow/test_schema.py` compares the two,
and writes the file anew.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from initsweep.views.mlflow.location import sqlite_uri

COMPANIONS = ("-journal", "-wal", "-shm")  # what SQLite keeps beside a database in use
_LOCKS = {
    "postgresql": "SELECT pg_advisory_lock(hashtext('initsweep'))",
    "mysql": "SELECT GET_LOCK('initsweep', 600)",
    "mariadb": "SELECT GET_LOCK('initsweep', 600)",
}


def keeper() -> Any:  # noqa: ANN401 - a module
    """Return the part of MLflow that makes its tables and knows what they should be."""
    from mlflow.store.db import utils

    return utils


def revisions() -> set[str]:
    """Return the names of all states that the tables of this and earlier MLflows have had."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(keeper()._get_alembic_config(""))
    return {script.revision for script in scripts.walk_revisions()}


@contextmanager
def tables(uri: str) -> Iterator[None]:
    """Make the tables on a database server, and leave no connection to it.

    It fails at once where there is no server; MLflow would try again for two minutes.

    Args:
        uri: Of the server.

    Yields:
        Nothing, while MLflow may open it.
    """
    import sqlalchemy

    engine = sqlalchemy.create_engine(uri)
    try:
        with engine.connect() as connection:
            if statement := _LOCKS.get(engine.dialect.name):
                connection.execute(sqlalchemy.text(statement))  # until the connection is closed
            if not keeper()._all_tables_exist(engine):
                keeper()._initialize_tables(engine)
    finally:
        engine.dispose()
    try:
        yield
    finally:
        close(uri)


@contextmanager
def complete_copy(database: Path, source: sqlite3.Connection | None = None) -> Iterator[Path]:
    """Make a file with all tables, of nothing or of what another database holds.

    Args:
        database: The file whose place it may take.
        source: The database that it is to hold.

    Yields:
        The new file; it is removed unless it has been moved.
    """
    new = database.with_name(f".{database.name}.partial")
    remove(new)  # left by somebody who was killed
    engine = keeper().create_sqlalchemy_engine(sqlite_uri(new))
    try:
        if source is not None:
            with closing(sqlite3.connect(new)) as target:
                source.backup(target)
        ready_made = Path(__file__).with_name(
            f"schema_{keeper()._get_latest_schema_revision()}.sql"
        )
        if source is None and ready_made.is_file():
            with closing(sqlite3.connect(new)) as target:
                target.executescript(ready_made.read_text(encoding="utf-8"))
        else:
            keeper()._initialize_tables(engine)
        engine.dispose()
        yield new
    finally:
        engine.dispose()
        remove(new)


def remove(database: Path) -> None:
    """Remove a database and what lies beside it."""
    for suffix in ("", *COMPANIONS):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def close(uri: str) -> None:
    """Close what MLflow has open in this process of a database."""
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as RegistryStore
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy import make_url

    meant = make_url(uri)
    for store in (SqlAlchemyStore, RegistryStore):
        for engine in store._engine_map.values():
            url = engine.url
            if (url.host, url.port, url.database) == (meant.host, meant.port, meant.database):
                engine.dispose()
