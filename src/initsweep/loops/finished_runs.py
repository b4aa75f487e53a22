"""Finished runs, each in a folder of its own, so that a stopped study goes on where it was."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from initsweep.core.artifacts import RUN_OUTCOME
from initsweep.core.params import fingerprint
from initsweep.core.writing import write_bytes
from initsweep.loops.saved import KEPT
from initsweep.loops.spec import Outcome, RunSpec, from_json, to_json


class Kept:
    """The runs of one scheme and role.

    Args:
        folder: Its name stands for whatever the results depend on beside the runs themselves.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def place(self, settings: Mapping[str, Any]) -> Path:
        """Return the folder of a run, by all that decides its results."""
        return self._folder / fingerprint(settings)

    def load(self, spec: RunSpec) -> Outcome | None:
        """Return what came of a run, None if it is not kept."""
        try:
            return from_json((Path(spec.folder) / RUN_OUTCOME).read_bytes())
        except (OSError, ValueError):
            return None

    def save(self, spec: RunSpec, outcome: Outcome) -> None:
        """Keep what came of a run, and remove what else lies in its folder but its network."""
        folder = Path(spec.folder)
        for found in folder.iterdir():
            if found.is_dir() and not found.is_symlink():
                shutil.rmtree(found, ignore_errors=True)
            elif found.name not in KEPT:
                found.unlink()
        write_bytes(folder / RUN_OUTCOME, to_json(outcome))

    def files(self, spec: RunSpec) -> dict[str, bytes]:
        """Return the files in which a run has kept its network, by their names."""
        places = (Path(spec.folder) / name for name in KEPT)
        return {place.name: place.read_bytes() for place in places if place.exists()}
