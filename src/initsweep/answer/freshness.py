"""Whether the results belong to the parameters, the code and the lock that lie beside them."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from initsweep import versions
from initsweep.decisions import Challenge, Decision
from initsweep.errors import ArtifactError

_FEW = 3
_DECISIONS = "decisions"
_LOOKS_ONLY = "always changed"
"""What DVC says of a stage that runs every time; whether it changes anything shows in its outs."""


def check_results() -> None:
    """Refuse results that `dvc repro` would compute again, or that were edited since.

    Raises:
        ArtifactError: If DVC cannot say, or says that a stage up to `compare` is out of date.
    """
    if versions.FOLDER.is_dir():  # a study outside the repository: another version may be installed
        versions.write()
    command = [sys.executable, "-m", "dvc", "status", "--json", "--with-deps", "compare"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        stale = json.loads(done.stdout) if done.returncode == 0 else None
    except json.JSONDecodeError:
        stale = None
    if stale is None:
        said = " ".join((done.stderr or done.stdout).split())
        raise ArtifactError(
            f"`dvc status` cannot say whether the results are up to date: {said[:300]} "
            "Run this from the root of the project."
        )
    stale = {stage: left for stage, changes in stale.items() if (left := _relevant(changes))}
    if stale:
        raise ArtifactError(
            f"The results do not match dvc.lock, params.yaml or the code: {_told(stale)}. Run "
            "`dvc pull` if they were computed elsewhere, else `initsweep repro`."
        )


def notices(challenge: Challenge, decision: Decision | None) -> list[str]:
    """Return what has changed since the results were computed, as far as a quick look can tell.

    It compares parameters with those in `dvc.lock`, and the decision with the one that `compare`
    saw; code and data are left to `check_results`, which takes seconds.

    Args:
        challenge: What `compare` said of the last decision.
        decision: The decision that holds now.
    """
    found = []
    changed = edited_parameters(Path("dvc.lock"), Path("params.yaml"))
    if changed:
        more = f" and {len(changed) - _FEW} more" if len(changed) > _FEW else ""
        edited = ", ".join(changed[:_FEW]) + more
        found.append(
            f"Out of date: params.yaml was edited since these results ({edited}). Run "
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


def is_newer(challenge: Challenge, decision: Decision | None) -> bool:
    """Return whether the decision is another one than `compare` saw."""
    if decision is None:
        return False
    return (decision.scheme, decision.when) != (challenge.champion, challenge.decided_when)


def edited_parameters(lock: Path, params: Path) -> list[str]:
    """Return the parameters of finished stages that are set otherwise now, by dotted key.

    Nothing is returned where there is no lock to compare with; damaged files are left to those
    who need them.
    """
    try:
        now, stages = _loaded(params), _loaded(lock)["stages"]
        locked = {
            key: value
            for name, stage in stages.items()
            if _counts(name, now["schemes"])
            for key, value in stage.get("params", {}).get("params.yaml", {}).items()
        }
    except (OSError, YAMLError, KeyError, TypeError, AttributeError):
        return []
    missing = object()
    return sorted(
        inner
        for key, value in locked.items()
        for inner in _differing(key, value, _at(now, key, missing))
    )


def _loaded(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    return content


def _counts(stage: str, schemes: Sequence[str]) -> bool:
    """Return whether the results rest on a stage; the lock keeps those of former schemes."""
    name, _, scheme = stage.partition("@")
    return name != "publish" and (not scheme or scheme in schemes)


def _at(content: object, key: str, missing: object) -> object:
    for name in key.split("."):
        if not isinstance(content, Mapping) or name not in content:
            return missing
        content = content[name]
    return content


def _differing(key: str, then: object, now: object) -> list[str]:
    if not (isinstance(then, Mapping) and isinstance(now, Mapping)):
        return [key] if then != now else []
    return [
        inner
        for name in {*then, *now}
        for inner in _differing(f"{key}.{name}", then.get(name), now.get(name))
    ]


def _relevant(changes: list[object]) -> list[object]:
    """Return the changes without new decisions, which change no verdict.

    A promotion writes them, and must not make the results that it was made from look outdated.
    """
    left: list[object] = []
    for change in changes:
        if not isinstance(change, dict):
            left += [] if change == _LOOKS_ONLY else [change]
            continue
        kinds = {
            kind: {name: state for name, state in paths.items() if name != _DECISIONS}
            for kind, paths in change.items()
        }
        kinds = {kind: paths for kind, paths in kinds.items() if paths}
        left += [kinds] if kinds else []
    return left


def _told(stale: dict[str, object]) -> str:
    # DVC lists the stages in an order that varies.
    reasons = [f"{stage} ({_first(changes)})" for stage, changes in sorted(stale.items())]
    more = len(reasons) - _FEW
    return ", ".join(reasons[:_FEW]) + (f" and {more} more" if more > 0 else "")


def _first(changes: object) -> str:
    """Return the first thing that DVC lists as changed, e.g. `params.yaml: model: modified`."""
    parts = []
    while changes and isinstance(changes, dict | list):
        if isinstance(changes, list):
            changes = changes[0]
            continue
        name, changes = next(iter(changes.items()))
        parts.append(str(name))
    parts.extend([changes] if isinstance(changes, str) else [])
    return ": ".join(parts)
