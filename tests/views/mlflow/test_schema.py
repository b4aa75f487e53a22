"""The tables that come with us are those that MLflow makes; run as a script, this writes them."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy

from initsweep.views.mlflow import schema

FOLDER = Path(schema.__file__).parent
RENEW = "Another MLflow, other tables: python -m tests.views.mlflow.test_schema"


def migrated(database: Path) -> Path:
    """Let MLflow make its tables, state by state."""
    engine = sqlalchemy.create_engine(f"sqlite:///{database}")
    schema.keeper()._initialize_tables(engine)
    engine.dispose()
    return database


def content(database: Path) -> dict[str, Any]:
    """Return the definition of everything in a database, and all rows.

    Constraints come in any order: SQLAlchemy holds them in sets.
    """
    with closing(sqlite3.connect(database)) as connection:
        defined = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
        found = {(kind, name): (table, lines(sql or "")) for kind, name, table, sql in defined}
        tables = [name for kind, name in found if kind == "table"]
        rows = {name: list(connection.execute(f'SELECT * FROM "{name}"')) for name in tables}
    return {"defined": found, "rows": rows}


def lines(text: str) -> list[str]:
    return sorted(line.strip(" \t,") for line in text.splitlines())


def renew(folder: Path) -> None:
    for file in FOLDER.glob("schema_*.sql"):
        file.unlink()
    with closing(sqlite3.connect(migrated(folder / "mlflow.db"))) as connection:
        stripped = [line.rstrip() for text in connection.iterdump() for line in text.splitlines()]
    revision = schema.keeper()._get_latest_schema_revision()
    (FOLDER / f"schema_{revision}.sql").write_text("\n".join([*stripped, ""]), encoding="utf-8")


def test_tables_are_those_of_mlflow(tmp_path, monkeypatch):
    expected = content(migrated(tmp_path / "migrated.db"))
    with monkeypatch.context() as patch:
        patch.delattr(schema.keeper(), "_initialize_tables")  # the file is used, or this fails
        with schema.complete_copy(tmp_path / "mlflow.db") as new:
            assert content(new) == expected, RENEW
    revision = schema.keeper()._get_latest_schema_revision()
    assert [file.name for file in FOLDER.glob("*.sql")] == [f"schema_{revision}.sql"], RENEW


def test_an_mlflow_with_other_tables_makes_them_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "__file__", str(tmp_path / "schema.py"))  # where no tables are
    with schema.complete_copy(tmp_path / "mlflow.db") as new:
        assert ("table", "runs") in content(new)["defined"]


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        renew(Path(folder))
