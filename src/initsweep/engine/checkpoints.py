"""Keeps finished lanes, so that a killed training goes on where it was, with the same bytes.

Lanes are written together as they were trained together, and are found one by one: by rate and
seed, whoever shared their chunk.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from initsweep.core.params import fingerprint
from initsweep.core.writing import write_bytes
from initsweep.engine.lanes import COLUMNS, IntArray, Lane, LaneResults
from initsweep.engine.packing import Chunk

Key = tuple[int, int]
"""A lane: the bits of its rate, and its seed."""


class Checkpoints:
    """The lanes kept in one folder under one set of settings.

    Everything in this room that a lane's results depend on is in the settings or in the lane. The
    folder must stand for the rest: network, data, initializer.
    """

    def __init__(self, folder: Path, settings: object) -> None:
        """Keep lanes in `folder`.

        Args:
            folder: Created when the first lanes are kept.
            settings: JSON-like; lanes kept under other settings are not found.
        """
        self._folder, self._name = folder, fingerprint(settings)
        self._index = _index(folder, self._name)

    def find(self, lanes: Sequence[Lane]) -> Iterator[tuple[int, LaneResults]]:
        """Find what is kept of some lanes, by this process or another; damaged files are not.

        Yields:
            A lane's place in `lanes`, and its results with a lane axis of length 1.
        """
        self._index.look()
        places: dict[Path, dict[Key, list[int]]] = {}
        for place, key in enumerate(map(tuple, lane_keys(lanes).tolist())):
            if (file := self._index.files.get(key)) is not None:
                places.setdefault(file, {}).setdefault(key, []).append(place)
        for file, wanted in places.items():
            arrays = read_arrays(file)
            for row, key in enumerate(map(tuple, arrays["lanes"].tolist()) if arrays else ()):
                for place in wanted.pop(key, ()):
                    yield place, _unpack(arrays, [row])

    def save(self, chunk: Chunk, results: LaneResults) -> None:
        """Keep a chunk's results; a reader sees all of the file or nothing."""
        keys = lane_keys(chunk.lanes)
        file = self._folder / f"{self._name}-{fingerprint(keys.tolist())}.npz"
        write_bytes(file, packed({"lanes": keys, **_pack(results)}))
        self._index.add(file, keys)


def to_bytes(results: LaneResults) -> bytes:
    """Return results as another process reads them, with `from_bytes`."""
    return packed(_pack(results))


def from_bytes(content: bytes) -> LaneResults:
    """Return what `to_bytes` was given."""
    found = _unpacked(content)
    return _unpack(found, range(len(found["initial_loss"])))


def each_from_bytes(content: bytes) -> list[LaneResults]:
    """Return the results of each lane, with a lane axis of length 1."""
    found = _unpacked(content)
    return [_unpack(found, [lane]) for lane in range(len(found["initial_loss"]))]


class _Index:
    """Which file has which lane. Every file is opened once, and none that this process wrote."""

    def __init__(self, folder: Path, name: str) -> None:
        self.files: dict[Key, Path] = {}
        self._folder, self._name = folder, name
        self._seen: set[Path] = set()

    def look(self) -> None:
        """Take in the files that have come."""
        for file in sorted(set(self._folder.glob(f"{self._name}-*.npz")) - self._seen):
            arrays = read_arrays(file, ["lanes"])
            self.add(file, arrays["lanes"] if arrays else np.empty((0, 2), np.int64))

    def add(self, file: Path, keys: IntArray) -> None:
        """Take in one file."""
        self._seen.add(file)
        self.files.update(dict.fromkeys(map(tuple, keys.tolist()), file))


_index = lru_cache(maxsize=16)(_Index)


def lane_keys(lanes: Sequence[Lane]) -> IntArray:
    """Return what tells lanes apart, shape (lanes, 2)."""
    rates = np.array([lane.learning_rate for lane in lanes], dtype=np.float64)
    return np.stack([rates.view(np.int64), np.array([lane.seed for lane in lanes], np.int64)], 1)


def packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the content of a file of arrays."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def read_arrays(file: Path, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """Return the arrays in a file, nothing if it is gone or damaged."""
    try:
        return _unpacked(file.read_bytes(), names)
    except (OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile, zlib.error):
        return {}


def _unpacked(content: bytes, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in names or arrays.files}


def _pack(results: LaneResults) -> dict[str, np.ndarray]:
    arrays = {name: getattr(results, name) for name in COLUMNS}
    arrays["engine"] = np.array(results.engine)
    for lane, state in enumerate(results.final_states or []):
        for name, value in (state or {}).items():
            arrays[f"state/{lane}/{name}"] = value.numpy()
    if results.final_states is not None:
        arrays["has_state"] = np.array([state is not None for state in results.final_states])
    return arrays


def _unpack(arrays: Mapping[str, np.ndarray], lanes: Sequence[int]) -> LaneResults:
    """Return the results of some of the lanes in a file."""
    states = [_state(arrays, lane) for lane in lanes] if "has_state" in arrays else None
    columns = {name: arrays[name][lanes] for name in COLUMNS}
    return LaneResults(**columns, final_states=states, engine=str(arrays["engine"]))


def _state(arrays: Mapping[str, np.ndarray], lane: int) -> dict[str, torch.Tensor] | None:
    if not arrays["has_state"][lane]:
        return None
    start = f"state/{lane}/"
    return {
        name.removeprefix(start): torch.from_numpy(value)
        for name, value in arrays.items()
        if name.startswith(start)
    }
