"""Hashes of the parts of the installed package that a study outside its repository depends on.

The repository's own `dvc.yaml` depends on source files. A study made by `initsweep init` has no
sources, so its stages depend on a file per part instead: `versions/engine` changes when, and only
when, the installed `initsweep/engine` does. Its stage `versions` writes them.
"""

import hashlib
import re
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
FOLDER = Path("versions")
TEMPLATE = PACKAGE / "starting" / "template"
SOURCE = re.compile(r"\bsrc/initsweep/([\w./]+)")
COMPILED = {".pyc", ".so"}


def version_file(part: str) -> Path:
    """Return the file with the hash of a part, such as "engine" or "stages/tune.py"."""
    return FOLDER / part.removesuffix(".py").replace("/", ".")


def parts() -> list[str]:
    """Return what any stage depends on, below the package, sorted."""
    return sorted(set(SOURCE.findall((TEMPLATE / "dvc.yaml").read_text(encoding="utf-8"))))


def part_hash(part: str) -> str:
    """Return a SHA-256 over all files of a part but compiled ones.

    Raises:
        FileNotFoundError: If the package has no such part.
    """
    path = PACKAGE / part
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    digest = hashlib.sha256()
    for file in files:
        if file.is_file() and file.suffix not in COMPILED:
            content = file.read_bytes()
            name = file.relative_to(PACKAGE).as_posix()
            digest.update(f"{name}:{len(content)}:".encode() + content)
    if not files:
        raise FileNotFoundError(path)
    return digest.hexdigest()


def content(part: str) -> str:
    """Return what stands in the file of a part."""
    return part_hash(part) + "\n"


def dvc_hash(file: Path) -> str | None:
    """Return DVC's hash of a part's file as it would be written now; None if there is no part."""
    for part in parts():
        if version_file(part) == file:
            return hashlib.md5(content(part).encode(), usedforsecurity=False).hexdigest()
    return None


def write() -> None:
    """Write `versions/`, and leave files alone that are right already."""
    FOLDER.mkdir(exist_ok=True)
    for part in parts():
        file, new = version_file(part), content(part)
        if not file.exists() or file.read_text(encoding="utf-8") != new:
            file.unlink(missing_ok=True)  # it may be a link into DVC's cache
            file.write_text(new, encoding="utf-8")
