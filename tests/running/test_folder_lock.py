"""One run at a time in a folder, whoever has left a lock there."""

import os
from pathlib import Path

import pytest

from initsweep.core.errors import RunningError
from initsweep.core.writing import refusal
from initsweep.running.folder_lock import HOLDER, LOCK, run_folder
from tests.views.mlflow.processes import as_another_user


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def take():
    with run_folder("theirs") as sockets:
        assert sockets.is_dir()


def test_who_is_there_is_named_and_nothing_is_left_behind():
    with run_folder("mine") as sockets:
        with pytest.raises(RunningError, match=rf"`mine` runs .* process {os.getpid()} of "):
            take()
        assert sockets.is_dir()
    assert not sockets.exists()
    assert not HOLDER.exists()


def test_what_a_killed_run_has_left_is_tidied_up(folder):
    with run_folder("killed") as sockets:
        left = HOLDER.read_text()
        Path(sockets, "warm").touch()
        HOLDER.rename(folder / "kept")
        sockets.rename(folder / "sockets")
    (folder / "sockets").rename(sockets)
    HOLDER.write_text(left)
    take()
    assert not sockets.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a file of another user")
@pytest.mark.parametrize("mode", [0o644, 0o600])
def test_the_lock_that_another_user_has_left_is_taken(folder, mode):
    LOCK.parent.mkdir(parents=True)
    LOCK.parent.chmod(0o777)
    LOCK.touch()
    LOCK.chmod(mode)
    HOLDER.write_text("{}")
    assert as_another_user(LOCK.parent.resolve(), take) == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a file of another user")
def test_another_user_s_run_is_not_disturbed(folder):
    LOCK.parent.mkdir(parents=True)
    LOCK.parent.chmod(0o777)
    with run_folder("mine"):
        for mode in (0o666, 0o644):
            LOCK.chmod(mode)
            assert "`mine` runs in this folder already" in as_another_user(
                LOCK.parent.resolve(), take
            )


def test_a_folder_that_cannot_be_written_is_said_as_such():
    def asks():
        try:
            take()
        except PermissionError as error:
            raise RunningError(refusal(error)) from None

    LOCK.parent.mkdir(parents=True)
    LOCK.parent.chmod(0o555)
    said = as_another_user(LOCK.parent.resolve(), asks)
    LOCK.parent.chmod(0o755)
    assert said.startswith(f"'{LOCK.parent}' cannot be used: Permission denied. Make it writable")
