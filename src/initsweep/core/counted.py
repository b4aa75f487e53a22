"""The files that DVC counts in a dependency or an output, and its hash of them."""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from initsweep.core.errors import ArtifactError

IGNORE = ".dvcignore"
PROJECT = ".dvc"
WRITTEN = Path(__file__).parents[1] / "starting/template/dvcignore"
"""What `init` writes into a study's `.dvcignore`."""

_ALWAYS = (".hg/", ".git/", ".git", f"{PROJECT}/")
"""What DVC leaves out without being told (`dvc/ignore.py`)."""

_CHUNK = 1 << 20


class _Rule(NamedTuple):
    """A line of a `.dvcignore`; of several that fit a path, the last one holds."""

    regex: re.Pattern[str]
    leaves_out: bool
    folders_only: bool


def counted(path: Path) -> list[Path]:
    """Return a file, or those in a folder that DVC counts, in its order.

    Where DVC has no project, what tools make of sources does not count either.
    """
    return _files(path, _written())


def is_made(name: str) -> bool:
    """Return whether a file or folder of that name would not count in a new study."""
    return _leave_out(_written(), f"{name}/")


def dvc_hash(path: Path) -> str | None:
    """Return what `dvc.lock` calls a file or folder: the MD5 of its content; None for neither."""
    if path.is_file():
        return _md5(path)
    if not path.is_dir():
        return None
    listing = [
        {"md5": _md5(file), "relpath": file.relative_to(path).as_posix()}
        for file in _files(path, [])  # outside its project DVC leaves out nothing
    ]
    content = json.dumps(listing, sort_keys=True).encode()
    return hashlib.md5(content, usedforsecurity=False).hexdigest() + ".dir"


def _files(path: Path, elsewhere: Sequence[_Rule]) -> list[Path]:
    """Return the files that count by DVC's rules, or by others where those do not hold."""
    if path.is_file():
        return [path]
    place = Path(os.path.abspath(path))  # noqa: PTH100 - as DVC: links stay
    root, rules = _rules(place, elsewhere)
    found: list[Path] = []
    for folder, inside, names in os.walk(place):
        at = os.path.relpath(folder, root) + "/"
        another = rules and PROJECT in (*inside, *names) and folder != str(root)
        if another or _leave_out(rules, at):
            inside.clear()
        else:
            kept = (name for name in names if not _leave_out(rules, at.removeprefix("./") + name))
            found += map((path / Path(folder).relative_to(place)).joinpath, kept)
    return sorted(filter(Path.is_file, found), key=Path.as_posix)


def _rules(place: Path, elsewhere: Sequence[_Rule]) -> tuple[Path, list[_Rule]]:
    """Return the root of the project, and the rules for what lies in a folder."""
    here = Path.cwd()
    root = next((one for one in (here, *here.parents) if (one / PROJECT).is_dir()), here)
    if not place.is_relative_to(root):
        return root, [*elsewhere]
    rules = _parsed(_ALWAYS) + ([] if (root / PROJECT).is_dir() else [*elsewhere])
    parts = place.relative_to(root).parts
    for depth in range(len(parts) + 1):
        above = [f"{'/'.join(parts[: n + 1])}/" for n in range(depth)]
        if any(_leave_out(rules, one) or (root / one / PROJECT).exists() for one in above):
            return root, _parsed(["*"])
        at = above[-1] if above else ""
        if depth < len(parts) and not _leave_out(rules, at + IGNORE):
            rules += _read(root / at / IGNORE, at)
    return root, rules


def _written() -> list[_Rule]:
    return _parsed(_ALWAYS) + _read(WRITTEN)


def _read(file: Path, at: str = "") -> list[_Rule]:
    """Return the rules of a file, as if it lay in the root.

    Raises:
        ArtifactError: If it cannot be read.
    """
    try:
        return _parsed(file.read_text(encoding="utf-8").split("\n"), at) if file.exists() else []
    except ValueError as error:
        raise ArtifactError(f"'{file}' cannot be read: {error}. Correct it.") from None


def _parsed(lines: Iterable[str], at: str = "") -> list[_Rule]:
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern  # of the extra `study`

    rules = []
    for line in filter(None, map(str.strip, lines)):
        pattern = _in_root(line, at) if at and not line.startswith("#") else line
        regex, leaves_out = GitIgnoreSpecPattern.pattern_to_regex(pattern)
        if regex is not None:
            rules.append(_Rule(re.compile(regex), bool(leaves_out), line.endswith("/")))
    return rules


def _in_root(line: str, at: str) -> str:
    """Return what a pattern is in the root (`dvc/pathspec_math.py`)."""
    negated, pattern = line.startswith("!"), line.removeprefix("!")
    anchored = "/" in pattern[:-1] and not pattern.startswith("**/")
    pattern = pattern.removeprefix("/" if anchored else "**/").removeprefix("\\")
    return f"{'!' * negated}/{at}{'' if anchored else '**/'}{pattern}"


def _leave_out(rules: Sequence[_Rule], path: str) -> bool:
    """Return whether rules leave out a path; that of a folder ends in a slash."""
    fitting = (
        rule.leaves_out
        for rule in reversed(rules)
        if (path.endswith("/") or not rule.folders_only) and rule.regex.match(path)
    )
    return next(fitting, False)


def _md5(file: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
