"""Whether the results on disk are those of `dvc.lock`, and of the parameters and code at hand."""

import json
import os
import subprocess
import sys

from initsweep.errors import ArtifactError

_AFTERWARDS = ("report", "publish")  # they show results and change none
_OWN = "decisions"  # what a promotion writes: it changes what compare says of the champion only


def check_up_to_date() -> None:
    """Compare all results with `dvc.lock`.

    Raises:
        ArtifactError: If anything differs, or DVC cannot tell.
    """
    command = [sys.executable, "-m", "dvc", "status", "--json"]
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    try:
        status = json.loads(done.stdout)
    except json.JSONDecodeError:
        reason = (done.stderr.strip().splitlines() or ["no answer"])[-1].removeprefix("ERROR: ")
        raise ArtifactError(f"`dvc status` failed: {reason}. Nothing was changed.") from None
    stale = [line for stage, changes in status.items() for line in _stale(stage, changes)]
    if stale:
        shown = "; ".join(stale[:3]) + (f"; and {len(stale) - 3} more" if len(stale) > 3 else "")
        raise ArtifactError(
            f"The results do not match dvc.lock, params.yaml and the code: {shown}. Run `dvc "
            "repro`, look at the verdict again, then promote. Nothing was changed."
        )


def _stale(stage: str, changes: list[object]) -> list[str]:
    """Return what makes a stage out of date, as "stage: what"."""
    if stage in _AFTERWARDS:
        return []
    found = []
    for change in changes:
        if isinstance(change, str):
            found.append(f"{stage}: {change}")
        elif isinstance(change, dict):
            entries = [item for paths in change.values() for item in paths.items()]
            found += [f"{stage}: {name} {_word(of)}" for name, of in entries if name != _OWN]
    return found


def _word(state: object) -> str:
    """Return "modified", or for a parameter file the keys: "data.source, model modified"."""
    return f"{', '.join(state)} modified" if isinstance(state, dict) else str(state)
