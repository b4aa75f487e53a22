"""A study as one block of bytes, and its folder on a node."""

import hashlib
import io
import os
import shutil
import stat
import tempfile
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path

from initsweep.core.errors import RunError

UNUSED = 7 * 86400
"""Seconds after which a folder on a node is removed that no study has used."""


def packed(files: Iterable[tuple[str, str]]) -> bytes:
    """Return files as one block, the same for the same content.

    Args:
        files: Name in the study, and place, of each.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, place in sorted(files):
            archive.writestr(zipfile.ZipInfo(name), Path(place).read_bytes())
    return buffer.getvalue()


def key_of(content: bytes) -> str:
    """Return what a study is called on all nodes."""
    return hashlib.sha256(content).hexdigest()[:32]


def unpacked(key: str, content: memoryview) -> Path:
    """Return the folder of a study on this node, made by whoever comes first.

    Raises:
        RunError: If another user has made it.
    """
    root = Path(tempfile.gettempdir()) / f"initsweep-{os.getuid()}"
    root.mkdir(mode=0o700, exist_ok=True)
    about = root.lstat()
    if about.st_uid != os.getuid() or not stat.S_ISDIR(about.st_mode) or about.st_mode & 0o077:
        raise RunError(f"'{root}' on this node belongs to another user, or others may write to it.")
    folder, partial = root / key, root / f".{key}.{os.getpid()}"
    if not folder.is_dir():
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.extractall(partial)
        try:
            partial.rename(folder)
        except OSError:  # another worker was quicker
            shutil.rmtree(partial, ignore_errors=True)
    os.utime(folder)
    for other in root.iterdir():
        if time.time() - other.lstat().st_mtime > UNUSED:
            shutil.rmtree(other, ignore_errors=True)
    return folder
