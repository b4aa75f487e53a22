"""One run at a time in a folder; what a killed one has left behind is tidied up."""

import errno
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

from initsweep.core.errors import RunningError
from initsweep.core.writing import write_text
from initsweep.running.locking import opened

LOCK = Path(".dvc/tmp/initsweep.lock")
HOLDER = LOCK.with_suffix(".json")
"""Says who holds it: apart, for the lock may be a file that only another user can write to."""

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
        PermissionError: If this user cannot write here.
    """
    handle = opened(LOCK)
    if handle is None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(LOCK.parent))
    try:
        _take(handle)
        _tidy()
        with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
            try:
                _write(command, folder)
                yield Path(folder)
            finally:
                HOLDER.unlink(missing_ok=True)
    finally:
        os.close(handle)


def _take(handle: int) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        who = _holder()
        raise RunningError(
            f"`{who.get('command', 'initsweep')}` runs in this folder already: process "
            f"{who.get('process', '?')} of {who.get('user', '?')} on {who.get('host', '?')}, since "
            f"{who.get('since', '?')}. Wait for it, or end it: kill {who.get('process', 'PROCESS')}"
        ) from None


def _tidy() -> None:
    """Remove the folder of a run that could not do so itself."""
    left = Path(str(_holder().get("folder", "")))
    if left.name.startswith(PREFIX) and left.parent == Path(tempfile.gettempdir()):
        shutil.rmtree(left, ignore_errors=True)


def _write(command: str, folder: str) -> None:
    content = {
        "command": command,
        "process": os.getpid(),
        "user": _user(),
        "host": socket.gethostname(),
        "since": f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S}",
        "folder": folder,
    }
    write_text(HOLDER, json.dumps(content))


def _holder() -> dict[str, object]:
    """Return what there is to know of the run that is at work, or was killed."""
    with suppress(OSError, ValueError):
        content = json.loads(HOLDER.read_text(encoding="utf-8"))
        if isinstance(content, dict):
            return content
    return {}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in containers
        return str(os.getuid())
