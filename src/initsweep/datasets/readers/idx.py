"""`idx:IMAGES,LABELS`: the format of MNIST and its successors, plain or gzip."""

import math
from pathlib import Path

import numpy as np

from initsweep.datasets import Dataset
from initsweep.datasets._arrays import Given, check_rows, from_arrays, joined
from initsweep.datasets._files import checked, read_all
from initsweep.datasets._kinds import HEAD_BYTES, described
from initsweep.datasets.readers import READERS, Reader
from initsweep.errors import DataError
from initsweep.params import Data

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


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


def read_idx(path: Path) -> np.ndarray:
    """Read one IDX file.

    Source: LeCun, Cortes and Burges, The MNIST database, "File formats".

    Returns:
        The array, in the byte order of this machine.

    Raises:
        DataError: If it is not an IDX file, or is cut short.
    """
    content = read_all(checked(path))
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in TYPES:
        kind = described(path, content[:HEAD_BYTES])
        raise DataError(
            f"'{path}' is not an IDX file: it begins with {content[:4].hex(' ')}, not with two "
            f"zero bytes, a type and the number of dimensions. It looks like {kind.what}. "
            f"{kind.remedy}."
        )
    number, dimensions = np.dtype(TYPES[content[2]]), content[3]
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise DataError(f"'{path}' ends within its header; download it again.")
    shape = tuple(np.frombuffer(content[4:start], ">u4").tolist())
    expected = start + math.prod(shape) * number.itemsize
    if len(content) != expected:
        raise DataError(
            f"'{path}' should have {expected} bytes for the shape {shape} in its header, and has "
            f"{len(content)}; download it again."
        )
    array: np.ndarray = np.frombuffer(content, number, offset=start).reshape(shape)
    return array.astype(number.newbyteorder("="))


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
