"""DVC's command line, which writes the same and reads less.

DVC reads and writes all of its lock after every stage, by a parser that keeps comments: half a
second for a study of 16 schemes, 35 times. What it would write is known to the byte without that:
other stages stay as they stand. Parameters it parses a few times per stage, here once. What a
stage depends on it hashes seven times, three of them where the hash has just been taken.
"""

import sys
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import lru_cache, partial
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from dvc.cli import main
from dvc.dvcfile import Lockfile
from dvc.stage import cache, serialize
from dvc.utils.serialize import _yaml, dumps_yaml

from initsweep.core.writing import write_text

HEAD = ["schema: '2.0'\n", "stages:\n"]
INDENT = "  "


def spliced(lock: str, entry: str) -> str | None:
    """Return a lock with the entry of one stage put in its place, or at the end.

    Args:
        lock: The text of a `dvc.lock`.
        entry: The text of another one with that stage alone, without `schema`.

    Returns:
        The new text; None if the old one is not of the form that DVC gives it.
    """
    lines = lock.splitlines(keepends=True)
    count = len(HEAD)
    if lines[:count] != HEAD or not all(line.startswith(INDENT) for line in lines[count:]):
        return None
    _, name, *body = entry.splitlines(keepends=True)
    starts = [n for n, line in enumerate(lines) if n >= count and line[len(INDENT)] != " "]
    begin, end = next(
        (two for two in pairwise([*starts, len(lines)]) if lines[two[0]] == name),
        (len(lines), len(lines)),
    )
    return "".join([*lines[:begin], name, *body, *lines[end:]])


def _quickly(original: Callable[..., None]) -> Callable[..., None]:
    """Return what writes entries of stages into a lock; other forms of it are left to DVC's own."""

    def dump_stages(lockfile: Lockfile, stages: Sequence[Any], **options: Any) -> None:  # noqa: ANN401
        file = Path(lockfile.path)
        for stage in stages:
            before = file.read_text("utf-8") if file.is_file() else ""
            entry = serialize.to_lockfile(stage, **options)
            after = spliced(before, dumps_yaml({"stages": entry}))
            if after is None:
                original(lockfile, [stage], **options)
            elif after != before:
                write_text(file, after)
                lockfile.repo.scm_context.track_file(lockfile.relpath)

    return dump_stages


def _once(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return what parses YAML, a text once unless it is for an update."""
    parsed = lru_cache(maxsize=8)(original)

    def parse(text: str, path: str, typ: str = "safe") -> Any:  # noqa: ANN401
        return deepcopy(parsed(text, path)) if typ == "safe" else original(text, path, typ)

    return parse


def from_known(original: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Return what tells whether a stage's run can be kept; what has a hash is not hashed again.

    Before a stage is run that may be the hash in the lock: whoever goes on then takes it anew.
    """

    def can_hash(stage: Any) -> bool:  # noqa: ANN401 - DVC's
        deps = [
            SimpleNamespace(
                protocol=dep.protocol, def_path=dep.def_path, get_hash=partial(_hash_of, dep)
            )
            for dep in stage.deps
        ]
        asked = ("is_callback", "always_changed", "cmd", "outs")
        return original(SimpleNamespace(deps=deps, **{one: getattr(stage, one) for one in asked}))

    return can_hash


def _hash_of(dependency: Any) -> object:  # noqa: ANN401 - DVC's
    return dependency.hash_info or dependency.get_hash()


if __name__ == "__main__":
    _yaml.parse_yaml = _once(_yaml.parse_yaml)
    cache._can_hash = from_known(cache._can_hash)
    Lockfile.dump_stages = _quickly(Lockfile.dump_stages)
    sys.exit(main(sys.argv[1:]))
