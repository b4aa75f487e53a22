"""Which stages `dvc repro` would run again, by their lock, without DVC and without writing."""

import subprocess
from collections.abc import Callable, Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from initsweep.errors import ArtifactError, ParamsError
from initsweep.running.dvc_file import Stage
from initsweep.running.edited import differing, told, value_at
from initsweep.yaml_files import MOST_OF_DVC, content_of, parse_yaml, read_yaml

LOCK = Path("dvc.lock")
_GIT = 10  # seconds for git to answer
_CONFLICT = ("<<<<<<<", "=======", ">>>>>>>")


def read_lock() -> dict[str, Any]:
    """Return what stands in `dvc.lock` by stage; nothing if there is none.

    Raises:
        ArtifactError: If it cannot be read.
    """
    return _stages(content_of(LOCK, MOST_OF_DVC)) if LOCK.is_file() else {}


def committed_lock() -> dict[str, Any]:
    """Return what stands by stage in the `dvc.lock` of the last commit; nothing if there is none.

    Nothing too where it is the one that lies here.
    """
    try:
        shown = subprocess.run(
            ["git", "show", f"HEAD:./{LOCK}"], capture_output=True, check=False, timeout=_GIT
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    if shown.returncode or (LOCK.is_file() and shown.stdout == LOCK.read_bytes()):
        return {}
    return _stages(shown.stdout)


def other_results(now: Mapping[str, Any], then: Mapping[str, Any]) -> list[str]:
    """Return the stages whose results differ although nothing that they come from does."""
    return [
        name
        for name, stage in now.items()
        if name in then
        and stage.get("outs") != then[name].get("outs")
        and all(stage.get(key) == then[name].get(key) for key in ("cmd", "deps", "params"))
    ]


def _stages(content: bytes) -> dict[str, Any]:
    try:
        stages = parse_yaml(content, str(LOCK), MOST_OF_DVC)["stages"]
    except (ParamsError, TypeError, KeyError) as error:
        text = content.decode(errors="replace")
        marks = [n for n, line in enumerate(text.splitlines(), 1) if line[:7] in _CONFLICT]
        reason = f"git's conflict marks in line {marks[0]}" if marks else str(error).rstrip(".")
        raise ArtifactError(
            f"'{LOCK}' cannot be read: {reason}. Take either side, `git checkout --ours {LOCK}`, "
            "then `initsweep repro` runs what does not fit it."
        ) from None
    if not isinstance(stages, Mapping):
        raise ArtifactError(
            f"'{LOCK}' cannot be read: `stages` is no mapping. Restore it from git."
        )
    return dict(stages)


def outdated(
    stages: Mapping[str, Stage],
    lock: Mapping[str, Any],
    hash_of: Callable[[Path], str | None],
    ignoring: Collection[str] = (),
) -> dict[str, str]:
    """Return the stages whose commands, inputs or outputs are not those of the lock, and why.

    Args:
        stages: Those to look at; those that run every time are left out.
        lock: What `dvc.lock` has, by stage.
        hash_of: Returns DVC's hash of a path.
        ignoring: Paths that may differ.

    Returns:
        The first reason of each, for a person.
    """
    looked_at = {name: stage for name, stage in stages.items() if not stage.always}
    names = {file for stage in looked_at.values() for file in stage.params}
    now, hashes = {file: _parameters(file) for file in names}, cache(hash_of)
    found = {}
    for name, stage in looked_at.items():
        entry = lock.get(name)
        if not isinstance(entry, Mapping):
            found[name] = "has not run"
        elif entry.get("cmd") != stage.command:
            found[name] = "its command was edited"
        else:
            found[name] = _edited_file(stage, entry, hashes, ignoring) or _edited_parameter(
                stage, entry.get("params", {}), now
            )
    return {name: reason for name, reason in found.items() if reason}


def _edited_file(
    stage: Stage,
    entry: Mapping[str, Any],
    hash_of: Callable[[Path], str | None],
    ignoring: Collection[str],
) -> str:
    for key, paths in (("deps", stage.deps), ("outs", stage.outs)):
        then = {str(one.get("path")): one.get("md5") for one in entry.get(key, [])}
        if {*then} != {*paths}:
            return f"its {key} in dvc.yaml were edited"
        for path in paths:
            if path not in ignoring and (now := hash_of(Path(path))) != then[path]:
                return f"{path} {'has changed' if now else 'is missing'}"
    return ""


def _edited_parameter(stage: Stage, locked: Mapping[str, Any], now: Mapping[str, object]) -> str:
    return next(
        (
            told(f"{file}: {inner}", *values)
            for file, keys in stage.params.items()
            for key in keys
            for inner, values in differing(
                key, locked.get(file, {}).get(key), value_at(now[file], key)
            ).items()
        ),
        "",
    )


def _parameters(file: str) -> object:
    try:
        return read_yaml(Path(file))
    except OSError as error:
        raise ArtifactError(f"'{file}' cannot be read: {error}") from None
