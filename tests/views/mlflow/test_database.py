"""Whatever lies where the database should be: built, updated, set aside or left with a word."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy

from initsweep.core.errors import InitsweepWarning, TrackingError
from initsweep.views.mlflow import publish
from initsweep.views.mlflow.schema import keeper
from tests.views.mlflow.conftest import Project
from tests.views.mlflow.synthetic_study import NAMES, ROOT, make_params, make_study

OLDER = "867495a8f9d4"  # MLflow 2.x: without tables that version 3 has
COMPANIONS = ("-journal", "-wal", "-shm")


@pytest.fixture
def study():
    return make_study(NAMES)


def execute(database: Path, *statements: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def rows(database: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()


def names(project: Project) -> set[str]:
    return {path.name for path in project.root.iterdir() if path.name.startswith((".", "mlflow"))}


def half_made(database: Path) -> None:
    """Leave what a process leaves that is killed while MLflow makes its tables."""

    def dies(*arguments: object) -> None:
        if str(arguments[2]).startswith("INSERT INTO _alembic_tmp"):
            os._exit(9)

    child = os.fork()
    if child == 0:
        engine = keeper().create_sqlalchemy_engine(f"sqlite:///{database}")
        sqlalchemy.event.listen(engine, "before_cursor_execute", dies)
        keeper()._initialize_tables(engine)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def older(database: Path) -> None:
    """Make the tables of an MLflow of long ago."""
    from alembic import command
    from mlflow.store.tracking.dbmodels.initial_models import Base

    engine = keeper().create_sqlalchemy_engine(f"sqlite:///{database}")
    Base.metadata.create_all(engine)
    config = keeper()._get_alembic_config(f"sqlite:///{database}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, OLDER)
    engine.dispose()


def truncated(database: Path) -> None:
    os.truncate(database, database.stat().st_size // 2)


def cut_short(database: Path) -> None:
    """Leave the rows of all tables readable."""
    os.truncate(database, database.stat().st_size - 4096)


def damaged(database: Path) -> None:
    with database.open("r+b") as file:
        file.seek(2 * 4096)
        file.write(bytes(30 * 4096))


def text(database: Path) -> None:
    database.write_text("this is no database but a long text\n" * 99)


BROKEN = [text, truncated, damaged, half_made]


@pytest.fixture
def ready_made(template_database, monkeypatch) -> None:
    """Copy new tables instead of making them, which takes MLflow seconds, in the same place."""

    def copy(engine: sqlalchemy.Engine) -> None:
        with (
            closing(sqlite3.connect(template_database)) as template,
            closing(engine.raw_connection()) as connection,
        ):
            template.backup(connection.driver_connection)

    monkeypatch.setattr(keeper(), "_initialize_tables", copy)


@pytest.mark.parametrize("broken", BROKEN)
def test_a_database_that_is_beyond_help_is_set_aside_and_built_again(
    broken, published, study, request
):
    database, before = published.root / "mlflow.db", published.shown()
    if broken is half_made:  # which MLflow itself must fail to complete
        database.unlink()
    else:
        request.getfixturevalue("ready_made")
    broken(database)
    content = database.read_bytes()
    with pytest.warns(
        InitsweepWarning, match=r"mlflow\.db' cannot be used: .*mlflow\.db\.broken-1'"
    ):
        published.publish(study)
    assert published.shown() == before
    assert (published.root / "mlflow.db.broken-1").read_bytes() == content
    assert names(published) == {"mlflow.db", "mlflow.db.broken-1", "mlflow.db.lock"}


THEIRS = {
    "run": (
        lambda project: project.client().create_run("0", run_name="my own run"),
        "1 run ('my own run')",
    ),
    "experiment": (
        lambda project: project.client().create_experiment("my own experiment"),
        "1 experiment ('my own experiment')",
    ),
    "model": (
        lambda project: project.client().create_registered_model("my own model"),
        "1 model ('my own model')",
    ),
    "version": (
        lambda project: project.client().create_model_version(
            project.client().create_registered_model("mine").name, "here"
        ),
        "1 version of a model ('mine 1')",
    ),
    "study": (lambda project: project.publish(make_study(NAMES, epochs=4)), "12 runs ('"),
    "hook": (
        lambda project: execute(
            project.root / "mlflow.db",
            "INSERT INTO webhooks (webhook_id, name, url, status, workspace) "
            "VALUES ('1', 'mine', 'https://host', 'ACTIVE', 'default')",
        ),
        "rows of 'webhooks'",
    ),
    "table": (
        lambda project: execute(
            project.root / "mlflow.db",
            'CREATE TABLE "my ""own"" table" (x)',
            'INSERT INTO "my ""own"" table" VALUES (1)',
            "CREATE TABLE at_the_end (x)",
        ),
        "rows of 'my \"own\" table'",
    ),
}


@pytest.mark.parametrize("theirs", THEIRS)
@pytest.mark.parametrize("broken", ["truncated", "half migrated"])
def test_what_the_results_do_not_hold_is_never_moved(broken, theirs, published, study):
    database = published.root / "mlflow.db"
    add, named = THEIRS[theirs]
    add(published)
    if broken == "truncated":
        cut_short(database)
    else:  # tables of all later versions are there already
        execute(database, f"UPDATE alembic_version SET version_num = '{OLDER}'")
    content = database.read_bytes()
    with pytest.raises(TrackingError, match="the results of this study do not: ") as caught:
        published.publish(study)
    assert named in str(caught.value)
    assert database.read_bytes() == content
    assert names(published) == {"mlflow.db", "mlflow.db.lock"}


def test_the_command_that_is_given_works(published, study):
    published.client().create_run("0", run_name="my own run")
    cut_short(published.root / "mlflow.db")
    (published.root / "mlflow.db-wal").write_bytes(b"")
    with pytest.raises(TrackingError, match=r" && dvc repro publish$") as caught:
        published.publish(study)
    moves = str(caught.value).partition("new one: ")[2].removesuffix(" && dvc repro publish")
    subprocess.run(["sh", "-c", moves], check=True)
    published.publish(study)
    assert len(published.runs()) == 12
    kept = {"mlflow.db.kept-1", "mlflow.db.kept-1-wal"}
    assert names(published) == {"mlflow.db", "mlflow.db.lock"} | kept


def test_an_older_database_is_updated_in_a_copy_and_kept(tmp_path, study):
    project = Project(root=tmp_path, params=make_params())
    older(tmp_path / "mlflow.db")
    execute(
        tmp_path / "mlflow.db",
        "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage) "
        "VALUES (7, 'my own', 'here', 'active')",
    )
    with pytest.warns(
        InitsweepWarning, match=r"older MLflow .* as it was: '.*mlflow\.db\.older-1'"
    ):
        project.publish(study)
    assert {"my own", study.experiment} <= {
        one.name for one in project.client().search_experiments()
    }
    assert len(project.runs()) == 12
    assert rows(tmp_path / "mlflow.db.older-1", "SELECT version_num FROM alembic_version") == [
        (OLDER,)
    ]
    assert project.publish(study).created == 0


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_what_others_write_during_an_update_is_refused_and_never_lost(mode, tmp_path, monkeypatch):
    database = tmp_path / "mlflow.db"
    older(database)
    execute(database, f"PRAGMA journal_mode = {mode}")
    theirs = "INSERT INTO experiments (name, lifecycle_stage) VALUES ('theirs', 'active')"

    def written(connection: sqlite3.Connection) -> bool:
        try:
            with connection:
                connection.execute(theirs)
        except sqlite3.OperationalError as error:
            refusals.append(str(error))
            return False
        return True

    def initialize(engine: object) -> None:
        assert not written(other)
        make(engine)
        assert not written(other)

    refusals, make = [], keeper()._initialize_tables
    monkeypatch.setattr(keeper(), "_initialize_tables", initialize)
    with closing(sqlite3.connect(database, timeout=0)) as other:
        with pytest.warns(InitsweepWarning, match="has been updated"):
            publish(make_study(NAMES), make_params(), tmp_path)
        assert not written(other)
    assert refusals == ["database is locked"] * 2 + ["attempt to write a readonly database"]
    for file in ("mlflow.db", "mlflow.db.older-1"):
        assert not rows(tmp_path / file, "SELECT 1 FROM experiments WHERE name = 'theirs'")
    execute(database, theirs)


def test_an_update_that_is_cut_off_leaves_the_database_as_it_was(tmp_path, study, monkeypatch):
    older(tmp_path / "mlflow.db")
    before = (tmp_path / "mlflow.db").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("initsweep.views.mlflow.database._flush", interrupted)
        with pytest.raises(KeyboardInterrupt):
            publish(study, make_params(), tmp_path)
    assert (tmp_path / "mlflow.db").read_bytes() == before
    assert names(Project(tmp_path, make_params())) == {"mlflow.db", "mlflow.db.lock"}


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_database_of_a_newer_mlflow_is_left_to_it(published, study):
    database = published.root / "mlflow.db"
    execute(database, "UPDATE alembic_version SET version_num = 'abcdef012345'")
    with pytest.raises(TrackingError, match=r"a newer MLflow than 3\..* \(schema abcdef012345\)"):
        published.publish(study)
    assert names(published) == {"mlflow.db", "mlflow.db.lock"}


def test_a_database_of_another_program_is_left_to_it(tmp_path, study):
    execute(
        tmp_path / "mlflow.db",
        "CREATE TABLE trials (x)",
        "CREATE TABLE alembic_version (version_num)",
    )
    with pytest.raises(
        TrackingError, match=r"of another program \(its tables: alembic_version, trials\)"
    ):
        publish(study, make_params(), tmp_path)
    assert rows(tmp_path / "mlflow.db", "SELECT name FROM sqlite_master") == [
        ("trials",),
        ("alembic_version",),
    ]


@pytest.mark.parametrize("what", ["folder", "pipe"])
def test_what_is_no_file_is_named(what, tmp_path, study):
    (os.mkdir if what == "folder" else os.mkfifo)(tmp_path / "mlflow.db")
    with pytest.raises(TrackingError, match=r"mlflow\.db' is (a folder|no ordinary file): name"):
        publish(study, make_params(), tmp_path)


def test_a_database_is_built(tmp_path, study):
    project = Project(root=tmp_path, params=make_params())
    project.publish(study)
    assert len(project.by_name()) == 12
    assert names(project) == {"mlflow.db", "mlflow.db.lock"}


@pytest.mark.parametrize("what", ["empty", "dangling", "loop", "without tables", "journal"])
def test_where_there_is_nothing_a_database_is_built(what, ready_made, tmp_path, study):
    project, database = Project(root=tmp_path, params=make_params()), tmp_path / "mlflow.db"
    if what == "empty":
        database.touch()
    if what == "dangling":
        database.symlink_to(tmp_path / "elsewhere" / "runs.db")
    if what == "loop":
        database.symlink_to(database)
    if what == "without tables":
        execute(database, "CREATE TABLE t (x)", "DROP TABLE t")
    if what == "journal":  # of a database that has been deleted: SQLite would play it back
        for suffix in COMPANIONS:
            database.with_name(f"mlflow.db{suffix}").write_bytes(bytes(range(256)) * 32)
    project.publish(study)
    assert len(project.by_name()) == 12
    assert not [name for name in names(project) if name.endswith(COMPANIONS)]
    assert database.is_symlink() == (what == "dangling")


def test_the_database_of_a_killed_transaction_is_rolled_back(published, study, tmp_path):
    """A hot journal stays where it belongs: what was being written has not been."""
    database, before = published.root / "mlflow.db", published.shown()
    writer = subprocess.run(
        ["python", "-c", "import os, sqlite3, sys\n"
         "d = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
         "d.execute('PRAGMA cache_size = 1'); d.execute('BEGIN IMMEDIATE')\n"
         "d.execute(\"UPDATE tags SET value = value || 'x'\")\n"
         "os.kill(os.getpid(), 9)", str(database)], check=False)  # fmt: skip
    assert writer.returncode == -9
    assert database.with_name("mlflow.db-journal").stat().st_size
    published.publish(study)
    assert published.shown() == before
    assert names(published) == {"mlflow.db", "mlflow.db.lock"}


def test_leftovers_of_a_build_that_was_killed_are_removed(ready_made, tmp_path, study):
    for suffix in ("", "-journal"):
        (tmp_path / f".mlflow.db.partial{suffix}").write_bytes(b"half")
    project = Project(root=tmp_path, params=make_params())
    project.publish(study)
    assert names(project) == {"mlflow.db", "mlflow.db.lock"}


def test_git_ignores_and_make_removes_whatever_a_publisher_may_leave(tmp_path):
    kept = {".git", ".gitignore", "Makefile", "decisions", "install.sh"}
    for name in (".gitignore", "Makefile", "install.sh"):
        shutil.copy(ROOT / name, tmp_path)
    databases = ["mlflow.db", ".mlflow.db.partial"]
    databases += [f"mlflow.db.{why}-1" for why in ("older", "broken", "kept")]
    left = [f"{name}{suffix}" for name in databases for suffix in ("", *COMPANIONS)]
    left += ["mlflow.db.lock", "mlflow.db.published", ".mlflow.db.published.7.partial"]
    left += ["decisions/.champion.json.7.partial"]
    (tmp_path / "decisions").mkdir()
    for name in left:
        (tmp_path / name).touch()
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    status = ["git", "status", "--porcelain", "--untracked-files=all"]
    seen = subprocess.run(status, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert {line.removeprefix("?? ") for line in seen.splitlines()} == kept - {".git", "decisions"}
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True)
    assert {path.name for path in tmp_path.iterdir()} == kept
    assert not [*(tmp_path / "decisions").iterdir()]


def test_a_database_in_write_ahead_mode_is_no_less_a_database(published, study):
    database, before = published.root / "mlflow.db", published.shown()
    execute(database, "PRAGMA journal_mode = WAL")
    with closing(sqlite3.connect(database)) as other:  # so that the last one out leaves the log
        other.execute("SELECT 1 FROM runs").fetchone()
        published.publish(make_study(NAMES, epochs=4))
        assert published.publish(study).created == 0
    assert len(published.runs()) == 2 * len(before)
