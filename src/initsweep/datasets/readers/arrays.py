"""`npy:FEATURES,TARGETS` and `npz:FILE`: NumPy arrays, never pickled objects."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from initsweep.datasets import Dataset
from initsweep.datasets._arrays import from_arrays
from initsweep.datasets._files import checked
from initsweep.datasets.readers import READERS, Reader
from initsweep.errors import DataError
from initsweep.params import Data

FEATURES = ("features", "images", "data", "X", "x")
TARGETS = ("targets", "target", "labels", "y")


def read_npy(location: str, settings: Data) -> Dataset:
    """Return the data set in two `.npy` files.

    Raises:
        DataError: If they are not two, or not arrays of numbers.
    """
    files = _two(location)
    features, targets = (_load(path) for path in files)
    return from_arrays(str(files[0]), features, targets, settings)


def read_npz(location: str, settings: Data) -> Dataset:
    """Return the data set in one `.npz` file.

    Its arrays are called features and targets (or images, data, X, x; target, labels, y), or
    x_train, y_train, x_test and y_test.

    Raises:
        DataError: If they have other names.
    """
    path = Path(location)
    arrays = _load_all(path)
    if {"x_train", "y_train", "x_test", "y_test"} <= set(arrays):
        try:
            features = np.concatenate([arrays["x_train"], arrays["x_test"]])
            targets = np.concatenate([arrays["y_train"], arrays["y_test"]])
        except ValueError as error:
            raise DataError(f"'{path}': train and test arrays do not fit: {error}.") from None
        return from_arrays(location, features, targets, settings, len(arrays["x_test"]))
    return from_arrays(
        location, _one_of(arrays, FEATURES, path), _one_of(arrays, TARGETS, path), settings
    )


def _two(location: str) -> list[Path]:
    parts = [Path(part.strip()) for part in location.split(",")]
    if len(parts) != 2:
        raise DataError(
            f"data.source: 'npy:{location}' must name two files, npy:FEATURES.npy,TARGETS.npy."
        )
    return parts


def _load(path: Path) -> np.ndarray:
    try:
        array = np.load(checked(path), allow_pickle=False)
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise DataError(_explained(path, error)) from None
    if not isinstance(array, np.ndarray):
        raise DataError(f"'{path}' holds several arrays: write data.source: npz:{path}.")
    return array


def _load_all(path: Path) -> dict[str, np.ndarray]:
    try:
        archive = np.load(checked(path), allow_pickle=False)
        if isinstance(archive, np.ndarray):
            raise DataError(
                f"'{path}' holds one array; features and targets in a file each are "
                "data.source: npy:FEATURES.npy,TARGETS.npy."
            )
        with archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(_explained(path, error)) from None


def _explained(path: Path, error: Exception) -> str:
    if "pickle" in str(error):
        return (
            f"'{path}' holds pickled Python objects, which may run any code when they are loaded; "
            "refused. Save arrays of numbers or text: np.save(path, array.astype(float))."
        )
    return f"'{path}' is not a file of NumPy arrays: {error}."


def _one_of(arrays: Mapping[str, np.ndarray], names: tuple[str, ...], path: Path) -> np.ndarray:
    for name in names:
        if name in arrays:
            return arrays[name]
    raise DataError(
        f"'{path}' has no array called {', '.join(names[:-1])} or {names[-1]}; it has "
        f"{', '.join(arrays) or 'none'}. np.savez(path, features=..., targets=...) writes both."
    )


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
