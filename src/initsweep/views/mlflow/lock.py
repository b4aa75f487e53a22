"""Lets one publisher at a time build or write a SQLite database.

A server needs no such lock: publishers that write to it at the same time settle what they did to
each other (`passes`). A file cannot be built twice at once, and waiting is quicker than settling.
"""

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from initsweep.core.errors import TrackingError
from initsweep.running.locking import opened

PATIENCE = 600  # seconds to wait for another publisher; the largest studies take one or two minutes
_INTERVAL = 0.1  # seconds
_logger = logging.getLogger(__name__)


@contextmanager
def only_publisher(database: Path | None) -> Iterator[None]:
    """Keep other publishers away from a database until the block ends.

    The kernel drops the lock when its holder dies, so a killed publisher never blocks the next.

    Args:
        database: The SQLite file; None where a server or another database keeps the runs.

    Yields:
        Nothing, while the lock is held.

    Raises:
        TrackingError: If another process keeps the lock for too long.
    """
    handle = None if database is None else opened(database.with_name(f"{database.name}.lock"))
    if handle is None or database is None:
        yield
        return
    try:
        _acquire(handle, database)
        yield
    finally:
        os.close(handle)


def _acquire(handle: int, database: Path) -> None:
    """Wait for the lock.

    Raises:
        TrackingError: If it does not become free.
    """
    end = time.monotonic() + PATIENCE
    said = False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(handle)
            if time.monotonic() > end:
                raise TrackingError(
                    f"'{database}' has been locked by {holder} for {PATIENCE / 60:.0f} minutes. "
                    "All results are safe on disk: end that process if it hangs, then "
                    "`dvc repro publish` catches up."
                ) from None
            if not said:
                _logger.warning("%s is publishing to %s; waiting for it.", holder, database)
                said = True
            time.sleep(_INTERVAL)
        else:
            return


def _holder(handle: int) -> str:
    """Return which process holds a lock, as far as this machine knows."""
    inode = os.fstat(handle).st_ino
    with suppress(OSError, KeyError):
        for line in Path("/proc/locks").read_text(encoding="utf-8").splitlines():
            fields = line.split()
            if fields[1] == "FLOCK" and fields[5].rpartition(":")[2] == str(inode):
                owner = Path(f"/proc/{fields[4]}").owner()
                return f"process {fields[4]} of {owner}"
    return "another process"
