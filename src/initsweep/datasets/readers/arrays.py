"""`npy:FEATURES,TARGETS` and `npz:FILE`: NumPy arrays, never pickled objects."""

from pathlib import Path

from initsweep.datasets import Dataset
from initsweep.datasets._arrays import Given, check_rows, from_arrays, joined
from initsweep.datasets._numpy_files import Archive, load_archive, load_array
from initsweep.datasets.readers import READERS, Reader
from initsweep.errors import DataError
from initsweep.params import Data

FEATURES = ("features", "images", "data", "X", "x")
TARGETS = ("targets", "target", "labels", "y")
SPLIT = ("x_train", "y_train", "x_test", "y_test")


def read_npy(location: str, settings: Data) -> Dataset:
    """Return the data set in two `.npy` files.

    Raises:
        DataError: If they are not two, or not arrays of numbers.
    """
    files = _two(location)
    features, targets = (Given(load_array(path), path) for path in files)
    return from_arrays(features, targets, settings)


def read_npz(location: str, settings: Data) -> Dataset:
    """Return the data set in one `.npz` file.

    Its arrays are called features and targets (or images, data, X, x; target, labels, y), or
    x_train, y_train, x_test and y_test. Others in it are not looked at.

    Raises:
        DataError: If they have other names.
    """
    archive = load_archive(Path(location))
    if set(SPLIT) <= set(archive.names):
        return _with_test(archive, settings)
    names = archive.one_of(FEATURES), archive.one_of(TARGETS)
    features, targets = (Given(archive[name], archive.path, name) for name in names)
    return from_arrays(features, targets, settings)


def _with_test(archive: Archive, settings: Data) -> Dataset:
    parts = {name: Given(archive[name], archive.path, name) for name in SPLIT}
    check_rows(parts["x_train"], parts["y_train"])
    check_rows(parts["x_test"], parts["y_test"])
    return from_arrays(
        joined(parts["x_train"], parts["x_test"]),
        joined(parts["y_train"], parts["y_test"]),
        settings,
        len(parts["x_test"].values),
    )


def _two(location: str) -> list[Path]:
    parts = [Path(part.strip()) for part in location.split(",")]
    if len(parts) != 2:
        raise DataError(
            f"data.source: 'npy:{location}' must name two files, npy:FEATURES.npy,TARGETS.npy."
        )
    return parts


READERS.add(
    "npy",
    Reader(
        form="FEATURES.npy,TARGETS.npy",
        summary="Two NumPy arrays: rows of numbers or images, and their targets.",
        files=_two,
        read=read_npy,
    ),
)
READERS.add(
    "npz",
    Reader(
        form="FILE.npz",
        summary="One file with the arrays features and targets.",
        files=lambda location: [Path(location)],
        read=read_npz,
    ),
)
