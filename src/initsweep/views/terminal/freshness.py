"""Whether the results belong to the parameters, the code and the lock that lie beside them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from initsweep.core import artifacts, part_hashes
from initsweep.core.counted import dvc_hash
from initsweep.core.decisions import Challenge, Decision
from initsweep.core.errors import ArtifactError, ParamsError, few
from initsweep.core.yaml_files import read_yaml
from initsweep.running.dvc_file import Stage, read_stages, upstream
from initsweep.running.edited import change_in_words, differing, value_at
from initsweep.running.lock_file import read_lock

_DECISIONS = "decisions"


def check_results() -> None:
    """Refuse results that `dvc repro` would compute again, or that were edited since.

    New decisions do not count: a promotion writes them, and must not make the results that it was
    made from look outdated.

    Raises:
        ArtifactError: If there is no lock, or a stage up to `compare` is out of date.
    """
    if stale := outdated("compare", ignoring={_DECISIONS}):
        raise ArtifactError(
            f"The results do not match dvc.lock, params.yaml or the code: {told_few(stale)}. Run "
            "`dvc pull` if they were computed elsewhere, else `initsweep repro`."
        )


def outdated(target: str | None = None, ignoring: Collection[str] = ()) -> dict[str, str]:
    """Return the stages up to a target that `dvc repro` would run again, each with a reason.

    Nothing is written, and DVC, which would, is not asked. Stages that run every time do not count.

    Args:
        target: A stage of `dvc.yaml`; None for all.
        ignoring: Dependencies that may differ.

    Returns:
        The reasons by stage.

    Raises:
        ArtifactError: If there is no such stage here.
    """
    stages = read_stages(Path("dvc.yaml"))
    if target not in {None, *stages} or not stages:
        raise ArtifactError(
            f"There is no dvc.yaml with a stage '{target or 'prepare'}' in {Path.cwd()}. Run this "
            "from the root of the project."
        )
    asked = [] if target is None else [target]
    needed = [stages[name] for name in upstream(stages, asked) if not stages[name].always]
    files = {name for stage in needed for name in stage.params}
    lock, now = read_lock(), {name: _parameters(name) for name in files}
    paths = {path for stage in needed for path in (*stage.deps, *stage.outs)} - {*ignoring}
    # Of what is installed a file stands for the code of a stage; the repository has the sources.
    installed = any(Path(path).parent == part_hashes.FOLDER for path in paths)
    code = part_hashes.dvc_hashes() if installed else {}
    hashes = {path: code.get(path) or dvc_hash(Path(path)) for path in paths}
    found = {stage.name: _reason(stage, lock.get(stage.name), hashes, now) for stage in needed}
    return {name: reason for name, reason in found.items() if reason}


def _reason(
    stage: Stage,
    entry: Mapping[str, Any] | None,
    hashes: Mapping[str, str | None],
    now: Mapping[str, object],
) -> str:
    """Return what in a stage is not as in its entry in the lock, for a person; "" for nothing."""
    if entry is None:
        return "has not run"
    if entry.get("cmd") != stage.command:
        return "its command was edited"
    for key, paths in (("deps", stage.deps), ("outs", stage.outs)):
        then = {str(one.get("path")): one.get("md5") for one in entry.get(key, [])}
        if {*then} != {*paths}:
            return f"its {key} in dvc.yaml were edited"
        for path in paths:
            if hashes.get(path, then[path]) != then[path]:
                return f"{path} {'has changed' if hashes[path] else 'is missing'}"
    return next(_edited(stage, entry.get("params", {}), now), "")


def _edited(stage: Stage, locked: Mapping[str, Any], now: Mapping[str, object]) -> Iterator[str]:
    for file, keys in stage.params.items():
        for key in keys:
            then = locked.get(file, {}).get(key)
            for inner, values in differing(key, then, value_at(now[file], key)).items():
                yield change_in_words(f"{file}: {inner}", *values)


def _parameters(file: str) -> object:
    try:
        return read_yaml(Path(file))
    except OSError as error:
        raise ArtifactError(f"'{file}' cannot be read: {error}") from None


def told_few(stale: Mapping[str, str]) -> str:
    """Return stages with their reasons for a person, the first few of them."""
    return few([f"{stage} ({reason})" for stage, reason in stale.items()])


def notices(challenge: Challenge, decision: Decision | None) -> list[str]:
    """Return what has changed since the results were computed, as far as a quick look can tell.

    It compares parameters with those in `dvc.lock`, and the decision with the one that `compare`
    saw; code and data are left to `check_results`, which takes seconds.

    Args:
        challenge: What `compare` said of the last decision.
        decision: The decision that holds now.
    """
    found = []
    try:
        lock = read_lock()
    except ArtifactError as error:
        lock = {}
        found.append(str(error))
    if _is_damaged(artifacts.COMPARE, lock):
        found.append(
            f"'{artifacts.COMPARE}' is not what dvc.lock recorded: edited, cut short, or computed "
            "by hand. Run `initsweep repro`."
        )
    changed = edited_parameters(lock, Path("params.yaml"))
    if changed:
        found.append(
            f"Out of date: params.yaml was edited since these results ({few(changed)}). Run "
            "`initsweep repro`."
        )
    if is_newer(challenge, decision):
        found.append(
            "Out of date: the packet and the comparison do not know the last decision yet. Run "
            "`initsweep repro`; it trains nothing again."
            if not changed
            else "The packet and the comparison do not know the last decision yet."
        )
    return found


def _is_damaged(folder: Path, lock: Mapping[str, Any]) -> bool:
    outs = lock.get("compare", {}).get("outs", [])
    recorded = {one.get("path"): one.get("md5") for one in outs}.get(folder.as_posix())
    return recorded is not None and recorded != dvc_hash(folder)


def is_newer(challenge: Challenge, decision: Decision | None) -> bool:
    """Return whether the decision is another one than `compare` saw."""
    if decision is None:
        return False
    return (decision.scheme, decision.when) != (challenge.champion, challenge.decided_when)


def edited_parameters(lock: Mapping[str, Any], params: Path) -> list[str]:
    """Return the parameters of finished stages that are set otherwise now, by dotted key.

    Args:
        lock: What `dvc.lock` has, by stage.
        params: The parameter file; a damaged one is left to those who need it.
    """
    try:
        now = read_yaml(params)
        locked = {
            key: value
            for name, stage in lock.items()
            if _counts(name, now["schemes"])
            for key, value in stage.get("params", {}).get("params.yaml", {}).items()
        }
    except (OSError, ParamsError, KeyError, TypeError, AttributeError):
        return []
    return sorted(
        inner for key, then in locked.items() for inner in differing(key, then, value_at(now, key))
    )


def _counts(stage: str, schemes: Sequence[str]) -> bool:
    """Return whether the results rest on a stage; the lock keeps those of former schemes."""
    name, _, scheme = stage.partition("@")
    return name != "publish" and (not scheme or scheme in schemes)
