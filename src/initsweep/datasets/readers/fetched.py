"""`openml:NAME` and `sklearn:FETCHER`: data that `initsweep fetch` has downloaded before."""

from functools import partial
from pathlib import Path

from initsweep.core.errors import DataError
from initsweep.core.params import Data
from initsweep.datasets import Dataset
from initsweep.datasets.fetching import check_sum, fetched_files
from initsweep.datasets.from_table import with_test
from initsweep.datasets.readers import READERS, Reader
from initsweep.datasets.readers.arrays import read_npz
from initsweep.datasets.readers.typed import read_parquet


def read(location: str, settings: Data, kind: str) -> Dataset:
    """Return fetched data; nothing is downloaded here.

    Raises:
        DataError: If it was not fetched, or has changed since.
    """
    path = _files(location, kind)[0]
    if not path.exists():
        raise DataError(
            f"data.source {kind}:{location} is not on this machine. Run `initsweep fetch "
            f"{kind}:{location}` once (it needs the network). Without one, run it elsewhere and "
            f"copy {path} and its .sha256 here, or place any file by hand and set data.source: "
            "csv:data/raw/FILE."
        )
    check_sum(path)
    if path.suffix == ".npz":
        return read_npz(str(path), settings)
    return with_test(read_parquet, str(path), settings)


def _files(location: str, kind: str) -> list[Path]:
    files = fetched_files(kind, location)
    return [path for path in files if path.exists()] or files[:1]


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
