"""Finds what `data.source` names and loads it."""

import os
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from initsweep.core.errors import DataError, ParamsError, UnknownNameError
from initsweep.core.options import check_arguments
from initsweep.core.params import Data
from initsweep.datasets import DATASETS, Dataset
from initsweep.datasets.fitness import check_dataset, check_split
from initsweep.datasets.readers import READERS, Reader
from initsweep.datasets.splitting import Prepared, rotates, split_rows, standardize


def prepare(settings: Data) -> tuple[Dataset, Prepared]:
    """Load, check, split and preprocess the data.

    Returns:
        The raw data and its splits.
    """
    dataset = load(settings)
    check_dataset(settings.source, dataset)
    rows = split_rows(settings.source, dataset, settings)
    check_split(settings.source, dataset, rows)
    counts = {name: len(of) for name, of in rows.items()}
    if rotates(settings.source, dataset, settings, counts["validation"]):
        development = np.sort(np.concatenate([rows["train"], rows["validation"]]))
        rows = {"development": development, "test": rows["test"]}
    return dataset, replace(standardize(dataset, rows), counts=counts)


def load(settings: Data) -> Dataset:
    """Return the data that `data.source` names, as `data.task` and `data.scaling` want it.

    Raises:
        DataError: If it is not a `Dataset`, or of another task or shape than the settings say.
    """
    source = settings.source
    reader, location = reader_of(source)
    dataset = _by_name(source) if reader is None else reader.read(location, settings)
    if settings.task not in {"auto", dataset.task}:
        raise DataError(
            f"data.task: {source} is a {dataset.task} data set, received {settings.task}; set auto."
        )
    if settings.scaling == "auto":
        return dataset
    if settings.scaling == "channel" and not dataset.shape:
        raise DataError(f"data.scaling: channel is for images, and {source} has none; set auto.")
    return replace(dataset, scaling=settings.scaling)


def reader_of(source: str) -> tuple[Reader | None, str]:
    """Return the reader of `FORMAT:LOCATION` and the location; None for a named data set.

    Raises:
        DataError: If there is nothing behind the colon.
    """
    kind, colon, location = source.partition(":")
    if not colon or kind not in READERS.names():
        return None, source
    reader = READERS.get(kind)
    if not location:
        raise DataError(f"data.source: '{source}' names no file; write {kind}:{reader.form}.")
    return reader, location


def files_of(settings: Data) -> list[Path]:
    """Return the user's files that the data is read from."""
    reader, location = reader_of(settings.source)
    if reader is None:
        return []
    more = settings.table.test_file
    return [*reader.files(location), *([] if more is None else [Path(more)])]


def check_watched(settings: Data) -> None:
    """Refuse files that DVC would not see changing.

    Raises:
        ParamsError: If `data.watch` does not exist, or a file lies elsewhere.
    """
    watched = Path(settings.watch)
    if not watched.exists():
        raise ParamsError(
            f"data.watch: there is no '{watched}'. It is the file or folder with your data; "
            "data/raw if you have none."
        )
    files = files_of(settings)
    for file in files:
        # Not Path.resolve, which fails for links in a circle; the reader tells of them.
        if not Path(os.path.realpath(file)).is_relative_to(os.path.realpath(watched)):
            place = os.path.commonpath(files)
            raise ParamsError(
                f"data.watch: '{file}' does not lie in '{watched}', so DVC would not see it "
                f"change. Move it there, or set data.watch: {place or '.'}."
            )


def _by_name(source: str) -> Dataset:
    try:
        load_it = cast(object, DATASETS.get(source))
    except UnknownNameError as error:
        formats = ", ".join(f"{name}:{reader.form}" for name, reader in READERS)
        raise UnknownNameError(f"{error} Files: {formats}.") from error
    if not callable(load_it):
        raise DataError(f"data.source {source} must be a function, received {load_it!r}.")
    check_arguments(load_it, "", {}, "data.source")
    dataset = load_it()
    if not isinstance(dataset, Dataset):
        raise DataError(f"data.source {source} must return a Dataset, received {type(dataset)}.")
    return dataset
