"""Lock files in folders that several people share."""

import errno
import os
from contextlib import suppress
from pathlib import Path

_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


def opened(lock: Path) -> int | None:
    """Return the open lock file; None in a folder where this user cannot write.

    Whoever may write into the folder may open the file, and nobody else: who could only read there
    could otherwise hold the lock for ever. Reading suffices to lock what another user has left; a
    file that cannot even be read, left by `sudo` for instance, is replaced.

    Raises:
        OSError: If the disk is full or there is something else in its place.
    """
    folder = lock.parent
    folder.mkdir(parents=True, exist_ok=True)
    try:
        handle = _open(lock, os.O_RDWR)
    except OSError as error:
        if error.errno not in _FORBIDDEN:
            raise
        if not os.access(folder, os.W_OK, effective_ids=True):
            return None
        handle = _open_another_user_s(lock)
    owner = folder.stat()
    writers = owner.st_mode & 0o222
    with suppress(PermissionError):  # a group that this user is not in
        os.fchown(handle, owner.st_uid if os.geteuid() == 0 else -1, owner.st_gid)
    with suppress(PermissionError):  # another user's file
        os.fchmod(handle, writers | writers << 1)
    return handle


def _open_another_user_s(lock: Path) -> int:
    try:
        return _open(lock, os.O_RDONLY)
    except PermissionError:
        lock.unlink()
        return _open(lock, os.O_RDWR)


def _open(lock: Path, access: int) -> int:
    try:
        return os.open(lock, access | os.O_NOFOLLOW)
    except FileNotFoundError:
        return os.open(lock, access | os.O_NOFOLLOW | os.O_CREAT, 0o600)
