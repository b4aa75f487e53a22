"""`idx:IMAGES,LABELS`: the format of MNIST and its successors, plain or gzip."""

import math
from pathlib import Path

import numpy as np

from initsweep.datasets import Dataset
from initsweep.datasets._arrays import Given, check_rows, from_arrays, joined
from initsweep.datasets._files import opened, reading
from initsweep.datasets._kinds import HEAD_BYTES, described
from initsweep.datasets.readers import READERS, Reader
from initsweep.errors import DataError
from initsweep.params import Data
from initsweep.user_files import checked, refuse_large

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_DIMENSIONS = 4


def read(location: str, settings: Data) -> Dataset:
    """Return the data set in two IDX files, or in four: the last two are then the test rows.

    Raises:
        DataError: If a file is missing or is not what its header says.
    """
    files = _files(location)
    parts = [Given(read_idx(path), path) for path in files]
    if len(parts) == 2:
        return from_arrays(parts[0], parts[1], settings)
    images, labels, test_images, test_labels = parts
    check_rows(images, labels)
    check_rows(test_images, test_labels)
    return from_arrays(
        joined(images, test_images), joined(labels, test_labels), settings, len(test_images.values)
    )


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
    """Return type and shape of the array, and where it begins.

    Raises:
        DataError: If it is no header of an IDX file.
    """
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in TYPES:
        kind = described(path, head)
        raise DataError(
            f"'{path}' is not an IDX file: it begins with {head[:4].hex(' ')}, not with two "
            f"zero bytes, a type and the number of dimensions. It looks like {kind.what}. "
            f"{kind.remedy}."
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


def _files(location: str) -> list[Path]:
    parts = [Path(part.strip()) for part in location.split(",")]
    if len(parts) not in {2, 4}:
        raise DataError(
            f"data.source: 'idx:{location}' must name two files, idx:IMAGES,LABELS, or four, "
            "idx:IMAGES,LABELS,TEST_IMAGES,TEST_LABELS."
        )
    return parts


READERS.add(
    "idx",
    Reader(
        form="IMAGES,LABELS",
        summary="Images and labels in MNIST's format, plain or gzip; four files give a test set.",
        files=_files,
        read=read,
    ),
)
