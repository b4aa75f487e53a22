"""Keeps the state of trainings that take minutes, so that one that is killed loses a few.

At the end of an epoch, once enough time has passed, whoever trains hands over all that the rest
of the training depends on. Another process goes on from there, to the same bits.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from initsweep.core.params import fingerprint
from initsweep.core.writing import write_bytes
from initsweep.engine.checkpoints import Key, lane_keys, packed, read_arrays
from initsweep.engine.lanes import Lane

SHARE = 0.01
"""Of the time of a training that may go into keeping its state."""

Arrays = Mapping[str, np.ndarray]


class Unfinished:
    """The states kept in one folder under one set of settings, see `Checkpoints`."""

    def __init__(self, folder: Path, settings: object, every_minutes: float) -> None:
        """Look for what is kept.

        Args:
            folder: Created when the first state is kept.
            settings: JSON-like; states kept under other settings are not found.
            every_minutes: How often a state is kept.
        """
        self.seconds = 60 * every_minutes
        self._folder, self._name = folder, fingerprint(settings)
        self._earliest = time.monotonic() + self.seconds
        files = sorted(folder.glob(f"{self._name}-*.state"))
        found = (_tuples(read_arrays(file, ["lanes"]).get("lanes")) for file in files)
        self._found = [keys for keys in found if keys]

    def groups(self, lanes: Sequence[Lane]) -> list[list[int]]:
        """Return which of some lanes were being trained together, by their places among them."""
        places = {key: place for place, key in enumerate(_tuples(lane_keys(lanes)))}
        groups = list[list[int]]()
        for keys in self._found:
            if all(key in places for key in keys):
                groups.append([places.pop(key) for key in keys])
        return groups

    def read(self, lanes: Sequence[Lane]) -> dict[str, np.ndarray]:
        """Return what is kept of lanes that are trained together, nothing if they begin."""
        return read_arrays(self._file(lanes)) if self._may_have_some else {}

    def write(self, lanes: Sequence[Lane], arrays: Arrays) -> None:
        """Keep a state; a reader sees all of it or the one before."""
        write_bytes(self._file(lanes), packed({**arrays, "lanes": lane_keys(lanes)}))
        self._earliest = 0.0

    def forget(self, lanes: Sequence[Lane]) -> None:
        """Remove what is kept of lanes that have ended, together or each by itself."""
        if self._may_have_some:
            for group in {tuple(lanes), *((lane,) for lane in lanes)}:
                self._file(group).unlink(missing_ok=True)

    @property
    def _may_have_some(self) -> bool:
        """Whether to look at all: to no avail it would take a tenth of the shortest trainings."""
        return bool(self._found) or time.monotonic() >= self._earliest

    def _file(self, lanes: Sequence[Lane]) -> Path:
        return self._folder / f"{self._name}-{fingerprint(lane_keys(lanes).tolist())}.state"


class State:
    """Where one training is, of one lane or of several together.

    Attributes:
        found: What was kept of it, nothing if it begins.
    """

    def __init__(self, store: Unfinished | None = None, lanes: Sequence[Lane] = ()) -> None:
        """Look for what was kept; without a store nothing is."""
        self.found = store.read(lanes) if store else {}
        self._store, self._lanes = store, lanes
        self._next = time.monotonic() + store.seconds if store else np.inf

    @property
    def due(self) -> bool:
        """Whether it is time to keep the state of now."""
        return time.monotonic() >= self._next

    def keep(self, arrays: Arrays) -> None:
        """Keep the state of now."""
        if self._store is not None:
            begun = time.monotonic()
            self._store.write(self._lanes, arrays)
            ended = time.monotonic()
            self._next = ended + max(self._store.seconds, (ended - begun) / SHARE)


def to_bytes(name: str, tensors: Iterable[Tensor]) -> dict[str, np.ndarray]:
    """Return tensors of any type and device as arrays of bytes, called `name/0` and so on."""
    return {
        f"{name}/{number}": one.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        for number, one in enumerate(tensors)
    }


@torch.no_grad()
def from_bytes(name: str, arrays: Arrays, tensors: Iterable[Tensor]) -> None:
    """Write what `to_bytes` made of tensors into others of the same types and shapes."""
    for number, one in enumerate(tensors):
        kept = torch.from_numpy(arrays[f"{name}/{number}"]).view(one.dtype).view(one.shape)
        # What has not moved may be a view in which one number stands for many.
        if not torch.equal(one.cpu(), kept):
            one.copy_(kept)


def _tuples(keys: np.ndarray | None) -> tuple[Key, ...]:
    return () if keys is None else tuple((rate, seed) for rate, seed in keys.tolist())
