"""Keeps finished chunks, so that a killed training goes on where it was, with the same bytes."""

import dataclasses
import io
import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch

from initsweep.core.params import fingerprint
from initsweep.core.writing import write_bytes
from initsweep.engine.lanes import LaneResults
from initsweep.engine.packing import Chunk

COLUMNS = (
    "initial_loss",
    "train_loss",
    "validation_loss",
    "validation_score",
    "diverged_at_step",
)


class Checkpoints:
    """One file per finished chunk, named by everything in this room that its results depend on.

    The folder must stand for the rest: network, data, initializer.
    """

    def __init__(self, folder: Path, settings: object) -> None:
        """Keep chunks in `folder`.

        Args:
            folder: Created when the first chunk is kept.
            settings: JSON-like; chunks kept under other settings are not found.
        """
        self._folder = folder
        self._settings = settings

    def load(self, chunk: Chunk) -> LaneResults | None:
        """Return a chunk's results, or None if there is no file or it is damaged."""
        try:
            raw = io.BytesIO(self._path(chunk).read_bytes())
            with np.load(raw, allow_pickle=False) as content:
                return _unpack({name: content[name] for name in content.files}, len(chunk.lanes))
        except (OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile, zlib.error):
            return None

    def save(self, chunk: Chunk, results: LaneResults) -> None:
        """Keep a chunk's results; a reader sees all of the file or nothing."""
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **_pack(results))
        write_bytes(self._path(chunk), buffer.getvalue())

    def _path(self, chunk: Chunk) -> Path:
        lanes = [dataclasses.asdict(lane) for lane in chunk.lanes]
        return self._folder / f"{fingerprint([lanes, self._settings])}.npz"


def _pack(results: LaneResults) -> dict[str, np.ndarray]:
    arrays = {name: getattr(results, name) for name in COLUMNS}
    arrays["engine"] = np.array(results.engine)
    for lane, state in enumerate(results.final_states or []):
        for name, value in (state or {}).items():
            arrays[f"state/{lane}/{name}"] = value.numpy()
    if results.final_states is not None:
        arrays["has_state"] = np.array([state is not None for state in results.final_states])
    return arrays


def _unpack(arrays: dict[str, np.ndarray], n_lanes: int) -> LaneResults:
    """Return the results stored in `arrays`.

    Raises:
        ValueError: If they are not those of `n_lanes` lanes.
    """
    columns = {name: arrays[name] for name in COLUMNS}
    if any(len(column) != n_lanes for column in columns.values()):
        raise ValueError(f"expected {n_lanes} lanes")
    states: list[dict[str, torch.Tensor] | None] | None = None
    if "has_state" in arrays:
        states = [{} if kept else None for kept in arrays["has_state"]]
        for key in arrays:
            kind, _, rest = key.partition("/")
            if kind == "state":
                lane, _, name = rest.partition("/")
                state = states[int(lane)]
                if state is not None:
                    state[name] = torch.from_numpy(arrays[key])
    return LaneResults(**columns, final_states=states, engine=str(arrays["engine"]))
