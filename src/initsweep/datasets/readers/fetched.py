"""`openml:NAME` and `sklearn:FETCHER`: data that `initsweep fetch` has downloaded before."""

from functools import partial
from pathlib import Path

from initsweep.datasets import Dataset
from initsweep.datasets._fetched import found_file, stem_of
from initsweep.datasets.readers import READERS, Reader
from initsweep.datasets.readers.arrays import read_npz
from initsweep.datasets.readers.parquet import read as read_parquet
from initsweep.params import Data


def read(location: str, settings: Data, kind: str) -> Dataset:
    """Return fetched data; nothing is downloaded here."""
    path = found_file(kind, location)
    reader = read_npz if path.suffix == ".npz" else read_parquet
    return reader(str(path), settings)


def _files(location: str, kind: str) -> list[Path]:
    stem = stem_of(kind, location)
    found = [stem.with_name(stem.name + suffix) for suffix in (".parquet", ".npz")]
    return [path for path in found if path.exists()] or found[:1]


for name, form, summary in (
    ("openml", "NAME", "A data set of openml.org by name, name@version or number."),
    ("sklearn", "fetch_california_housing", "One of scikit-learn's loaders and fetchers."),
):
    READERS.add(
        name,
        Reader(
            form=form,
            summary=f"{summary} First run `initsweep fetch {name}:{form}`.",
            files=partial(_files, kind=name),
            read=partial(read, kind=name),
        ),
    )
