"""Hashes of the code that each stage of a study outside the repository runs.

The repository's own `dvc.yaml` depends on source files. A study made by `initsweep init` has no
sources, so each of its stages depends on one file instead: `versions/tune` changes when, and only
when, code of the installed package does that `tune` depends on. Its stage `versions` writes them.
One file, not one for each part: DVC reads and writes its whole lock at every stage.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
FOLDER = Path("versions")
TEMPLATE = PACKAGE / "starting" / "template"
COMPILED = {".pyc", ".so"}
_STAGE = re.compile(r"  (\w+):")
_SOURCE = re.compile(r" +- src/initsweep/([\w./]+)")


def stages_of(text: str) -> Iterator[tuple[str, str | None, str]]:
    """Read the stages of the repository's `dvc.yaml`.

    Yields:
        Each line with the stage that it belongs to, and the part of the package that it names.
    """
    stage = ""
    for line in text.splitlines():
        if heading := _STAGE.fullmatch(line):
            stage = heading[1]
        source = _SOURCE.fullmatch(line)
        yield stage, source and source[1], line


def sources() -> dict[str, list[str]]:
    """Return by stage what it depends on below the package."""
    found: dict[str, list[str]] = {}
    for stage, part, _ in stages_of((TEMPLATE / "dvc.yaml").read_text(encoding="utf-8")):
        if part is not None:
            found.setdefault(stage, []).append(part)
    return found


def part_hash(part: str) -> str:
    """Return a SHA-256 over all files of a part, such as "engine" or "stages/tune.py".

    Compiled ones do not count.

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


def contents() -> dict[Path, str]:
    """Return what stands in the file of each stage."""
    needed = sources()
    known = {part: part_hash(part) for parts in needed.values() for part in parts}
    return {
        FOLDER / stage: hashlib.sha256("".join(known[part] for part in parts).encode()).hexdigest()
        + "\n"
        for stage, parts in needed.items()
    }


def dvc_hashes() -> dict[str, str]:
    """Return DVC's hash of each file as it would be written now."""
    return {
        file.as_posix(): hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()
        for file, content in contents().items()
    }


def write() -> int:
    """Write `versions/`, and leave files alone that are right already.

    Returns:
        How many there are.
    """
    FOLDER.mkdir(exist_ok=True)
    wanted = contents()
    for file, new in wanted.items():
        if not file.exists() or file.read_text(encoding="utf-8") != new:
            file.unlink(missing_ok=True)  # it may be a link into DVC's cache
            file.write_text(new, encoding="utf-8")
    return len(wanted)
