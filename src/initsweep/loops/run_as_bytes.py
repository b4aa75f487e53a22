"""A run that was done on another machine: what came of it, and its files, as bytes and back."""

import io
import json
import zipfile
from dataclasses import asdict
from pathlib import Path

from initsweep.core.artifacts import RUN_OUTCOME
from initsweep.core.writing import write_bytes
from initsweep.loops.run_process import PRINTED
from initsweep.loops.saved import KEPT
from initsweep.loops.spec import Failure, Outcome, RunSpec, from_json, to_json

_FAILURE = "failure.json"


def to_bytes(spec: RunSpec, result: Outcome | Failure) -> bytes:
    """Return what came of a run, with the files that stay in its folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        if isinstance(result, Outcome):
            archive.writestr(RUN_OUTCOME, to_json(result))
        else:
            archive.writestr(_FAILURE, json.dumps(asdict(result)))
        for name in (*KEPT, PRINTED):
            if (file := Path(spec.folder) / name).exists():
                archive.writestr(name, file.read_bytes())
    return buffer.getvalue()


def from_bytes(spec: RunSpec, content: bytes) -> Outcome | Failure:
    """Return what came of a run, and write its files into its folder here."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    for name in (*KEPT, PRINTED):
        if name in found:
            write_bytes(Path(spec.folder) / name, found[name])
    if _FAILURE in found:
        return Failure(**json.loads(found[_FAILURE]))
    return from_json(found[RUN_OUTCOME])
