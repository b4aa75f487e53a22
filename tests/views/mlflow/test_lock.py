"""One publisher at a time writes a database file, and nobody can keep the others out for ever."""

import fcntl
import os
import re
from contextlib import contextmanager

import pytest

from initsweep.core.errors import TrackingError
from initsweep.views.mlflow import lock
from initsweep.views.mlflow.lock import only_publisher
from tests.views.mlflow.processes import as_another_user


@pytest.fixture
def database(tmp_path):
    return tmp_path / "mlflow.db"


@contextmanager
def held(database):
    with open(f"{database}.lock", "w") as handle:  # noqa: PTH123
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def test_who_holds_it_is_named_after_a_while(database, monkeypatch, caplog):
    monkeypatch.setattr(lock, "PATIENCE", 0.2)
    with held(database), pytest.raises(TrackingError) as caught, only_publisher(database):
        pytest.fail("two at once")
    assert re.search(rf"locked by process {os.getpid()} of \w+ for", str(caught.value))
    assert "end that process if it hangs, then `dvc repro publish` catches up" in str(caught.value)
    assert [record.getMessage() for record in caplog.records if record.name == lock.__name__] == [
        f"process {os.getpid()} of root is publishing to {database}; waiting for it."
    ] or os.geteuid()


def test_it_is_free_again_afterwards(database):
    for _ in range(2):
        with only_publisher(database):
            assert database.with_name("mlflow.db.lock").exists()


@pytest.mark.parametrize(("folder", "file"), [(0o755, 0o600), (0o775, 0o660), (0o777, 0o666)])
def test_whoever_may_write_into_the_folder_may_lock_and_nobody_else(folder, file, database):
    database.parent.chmod(folder)
    database.with_name("mlflow.db.lock").touch(mode=0o644)
    with only_publisher(database):
        assert database.with_name("mlflow.db.lock").stat().st_mode & 0o777 == file


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a file of another user")
def test_the_lock_that_another_user_has_made_is_replaced(database):
    database.parent.chmod(0o777)
    database.with_name("mlflow.db.lock").touch(mode=0o600)
    assert as_another_user(database.parent, lambda: take(database)) == ""
    assert database.with_name("mlflow.db.lock").stat().st_uid != 0


def test_where_nothing_can_be_written_there_is_nothing_to_lock(database):
    database.parent.chmod(0o555)
    assert as_another_user(database.parent, lambda: take(database)) == ""
    database.parent.chmod(0o755)
    assert not database.with_name("mlflow.db.lock").exists()


def take(database):
    with only_publisher(database):
        pass
