"""Writes files whole or not at all, and says plainly what the disk refuses."""

import contextlib
import errno
import os
import shutil
from pathlib import Path

_MISSING = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_OTHERS = {
    errno.EIO, errno.EISDIR, errno.ELOOP, errno.EMFILE, errno.ENAMETOOLONG, errno.ENFILE,
    errno.ENODEV, errno.ENOMEM, errno.ENOTDIR, errno.ENXIO, errno.ESTALE,
}  # fmt: skip


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise type(error)(error.errno, error.strerror, str(path)) from None
        raise


def write_text(path: Path, content: str) -> None:
    """Write a UTF-8 text file, with Unix line ends on every platform."""
    write_bytes(path, content.encode())


def refusal(error: OSError) -> str | None:
    """Return what to tell a person about a file that cannot be used; None if it is our defect.

    It names the file, what there is room for and what to do.
    """
    file = error.filename if isinstance(error.filename, str) else None
    name = f"'{file}'" if file else "A file or standard output"
    said = f"{name} cannot be used: {error.strerror}"
    if error.errno in _MISSING:
        return f"{said}; {_room(file)}. Free some; finished work is kept, run again to go on."
    if error.errno in _FORBIDDEN:
        return f"{said}. Make it writable for {_user()}, or work in a copy of the folder."
    return f"{said}." if error.errno in _OTHERS else None


def _room(file: str | None) -> str:
    """Return how much is free where a file should go."""
    place = Path(file or ".").absolute()
    while not place.is_dir() and place != place.parent:
        place = place.parent
    try:
        free = shutil.disk_usage(place).free
    except OSError:
        return "how much is free there cannot be told"
    return f"{free / 1e6:,.1f} MB are free in '{place}'".replace(",", " ")


def _user() -> str:
    import pwd

    try:
        return f"user {pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:
        return f"user {os.getuid()}"
