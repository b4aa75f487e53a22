"""Whether the results belong to the parameters, the code and the lock that lie beside them."""

import json
import subprocess
import sys

from initsweep import versions
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
