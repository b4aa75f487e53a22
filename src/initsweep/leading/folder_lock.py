"""One run at a time in a folder; what a killed one has left behind is tidied up."""

import fcntl
import getpass
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TextIO

from initsweep.errors import RunningError

LOCK = Path(".dvc/tmp/initsweep.lock")
PREFIX = "initsweep-"


@contextmanager
def run_folder(command: str) -> Iterator[Path]:
    """Be the only run in the current folder, and have a folder for its sockets.

    The kernel drops the lock when its holder dies.

    Args:
        command: What runs, for others who want to.

    Yields:
        The folder; it lies elsewhere, because the paths of sockets must be short.

    Raises:
        RunningError: If another run is at work here.
    """
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("a+", encoding="utf-8") as lock:
        _take(lock)
        _tidy(lock)
        with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
            _write(lock, command, folder)
            try:
                yield Path(folder)
            finally:
                lock.truncate(0)


def _take(lock: TextIO) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        who = _content(lock)
        raise RunningError(
            f"`{who.get('command', 'initsweep')}` runs in this folder already: process "
            f"{who.get('process', '?')} of {who.get('user', '?')} on {who.get('host', '?')}, since "
            f"{who.get('since', '?')}. Wait for it, or end it: kill {who.get('process', 'PROCESS')}"
        ) from None


def _tidy(lock: TextIO) -> None:
    """Remove the folder of a run that could not do so itself."""
    left = Path(str(_content(lock).get("folder", "")))
    if left.name.startswith(PREFIX) and left.parent == Path(tempfile.gettempdir()):
        shutil.rmtree(left, ignore_errors=True)


def _write(lock: TextIO, command: str, folder: str) -> None:
    content = {
        "command": command,
        "process": os.getpid(),
        "user": _user(),
        "host": socket.gethostname(),
        "since": f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S}",
        "folder": folder,
    }
    lock.truncate(0)
    lock.write(json.dumps(content))
    lock.flush()


def _content(lock: TextIO) -> dict[str, object]:
    lock.seek(0)
    with suppress(ValueError):
        content = json.loads(lock.read())
        if isinstance(content, dict):
            return content
    return {}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in containers
        return str(os.getuid())
