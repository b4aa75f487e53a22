"""The files that DVC counts in a dependency or an output, and its hash of them."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pathspec

IGNORE = Path(".dvcignore")
_CHUNK = 1 << 20


def counted(path: Path) -> Iterator[Path]:
    """Yield a file, or those in a folder, but for those that `.dvcignore` names.

    Yields:
        Existing files, by the parts of their paths.
    """
    lines = IGNORE.read_text(encoding="utf-8").splitlines() if IGNORE.is_file() else []
    ignored = pathspec.GitIgnoreSpec.from_lines(lines)
    for file in [path] if path.is_file() else sorted(path.rglob("*")):
        if file.is_file() and not ignored.match_file(file):
            yield file


def dvc_hash(path: Path) -> str | None:
    """Return what `dvc.lock` calls a file or folder: the MD5 of its content; None for neither."""
    if path.is_file():
        return _md5(path)
    if not path.is_dir():
        return None
    listing = [
        {"md5": _md5(file), "relpath": file.relative_to(path).as_posix()} for file in counted(path)
    ]
    content = json.dumps(listing, sort_keys=True).encode()
    return hashlib.md5(content, usedforsecurity=False).hexdigest() + ".dir"


def _md5(file: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
