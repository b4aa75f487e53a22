"""`npy:FEATURES,TARGETS`, `npz:FILE` and `idx:IMAGES,LABELS`: arrays, never pickled objects."""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from initsweep.core.errors import DataError
from initsweep.core.params import Data
from initsweep.core.user_files import checked, refuse_large
from initsweep.datasets import Dataset
from initsweep.datasets.file_kinds import HEAD_BYTES, described
from initsweep.datasets.from_arrays import Given, from_arrays
from initsweep.datasets.numpy_files import Archive, load_array
from initsweep.datasets.opening import opened, reading
from initsweep.datasets.readers import READERS, Reader

FEATURES = ("features", "images", "data", "X", "x")
TARGETS = ("targets", "target", "labels", "y")
SPLIT = ("x_train", "y_train", "x_test", "y_test")
TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_DIMENSIONS = 4


def read_npz(location: str, settings: Data) -> Dataset:
    """Return the data set in one `.npz` file.

    Its arrays are called features and targets (or images, data, X, x; target, labels, y), or
    x_train, y_train, x_test and y_test. Others in it are not looked at.
    """
    archive, names = Archive(Path(location)), list(SPLIT)
    if not set(SPLIT) <= set(archive.names):
        names = [archive.one_of(FEATURES), archive.one_of(TARGETS)]
    return _dataset([Given(archive[name], archive.path, name) for name in names], settings)


def _read(location: str, settings: Data, kind: str, load: Callable[[Path], np.ndarray]) -> Dataset:
    return _dataset([Given(load(path), path) for path in _files(location, kind)], settings)


def _dataset(parts: list[Given], settings: Data) -> Dataset:
    return from_arrays(parts[0], parts[1], settings, parts[2:])


def read_idx(path: Path, key: str = "data.source") -> np.ndarray:
    """Read one IDX file.

    Source: LeCun, Cortes and Burges, The MNIST database, "File formats".

    Args:
        path: The file, plain or gzip.
        key: The parameter that names it, for messages.

    Returns:
        The array, in the byte order of this machine.

    Raises:
        DataError: If it is not an IDX file, or is cut short.
    """
    with reading(checked(path, key)), opened(path) as stream:
        head = stream.read(HEAD_BYTES)
        number, shape, start = _header(path, head)
        expected = start + math.prod(shape) * number.itemsize
        refuse_large(f"'{path}'", expected)
        # One more, to see whether that is the end.
        content = head + stream.read(max(0, expected - len(head) + 1))
    if len(content) != expected:
        more = " or more" * (len(content) > expected)
        raise DataError(
            f"'{path}' should have {expected} bytes for the shape {shape} in its header, and has "
            f"{len(content)}{more}; download it again."
        )
    array: np.ndarray = np.frombuffer(content, number, offset=start).reshape(shape)
    return array.astype(number.newbyteorder("="))


def _header(path: Path, head: bytes) -> tuple[np.dtype, tuple[int, ...], int]:
    # Type and shape of the array, and where it begins.
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in TYPES:
        raise DataError(
            f"'{path}' is not an IDX file: it begins with {head[:4].hex(' ')}, not with two "
            f"zero bytes, a type and the number of dimensions. It looks like "
            f"{described(path, head)}"
        )
    if not 0 < head[3] <= MOST_DIMENSIONS:
        raise DataError(
            f"'{path}' has {head[3]} dimensions by its header, and can have 1 to "
            f"{MOST_DIMENSIONS}; download it again."
        )
    start = 4 + 4 * head[3]
    if len(head) < start:
        raise DataError(f"'{path}' ends within its header; download it again.")
    return np.dtype(TYPES[head[2]]), tuple(np.frombuffer(head[4:start], ">u4").tolist()), start


def _files(location: str, kind: str) -> list[Path]:
    parts = [Path(part.strip()) for part in location.split(",")]
    if len(parts) not in ({2} if kind == "npy" else {2, 4}):
        what = "two files, npy:FEATURES.npy,TARGETS.npy"
        if kind == "idx":
            what = (
                "two files, idx:IMAGES,LABELS, or four, idx:IMAGES,LABELS,TEST_IMAGES,TEST_LABELS"
            )
        raise DataError(f"data.source: '{kind}:{location}' must name {what}.")
    return parts


READERS.add(
    "npy",
    Reader(
        form="FEATURES.npy,TARGETS.npy",
        summary="Two NumPy arrays: rows of numbers or images, and their targets.",
        files=partial(_files, kind="npy"),
        read=partial(_read, kind="npy", load=load_array),
    ),
)
READERS.add(
    "npz",
    Reader(
        form="FILE.npz",
        summary="One file with the arrays features and targets.",
        read=read_npz,
    ),
)
READERS.add(
    "idx",
    Reader(
        form="IMAGES,LABELS",
        summary="Images and labels in MNIST's format, plain or gzip; four files give a test set.",
        files=partial(_files, kind="idx"),
        read=partial(_read, kind="idx", load=read_idx),
    ),
)
