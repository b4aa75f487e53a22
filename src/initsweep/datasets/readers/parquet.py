"""`parquet:FILE`: tables with types."""

from pathlib import Path

from initsweep.datasets import Dataset
from initsweep.datasets._parquet import read_parquet
from initsweep.datasets._table import with_test
from initsweep.datasets.readers import READERS, Reader
from initsweep.params import Data


def read(location: str, settings: Data) -> Dataset:
    """Return the table in the file `location`, and the test file's rows if there is one."""
    return with_test(read_parquet, location, settings)


READERS.add(
    "parquet",
    Reader(
        form="FILE",
        summary="A table with typed columns.",
        files=lambda location: [Path(location)],
        read=read,
    ),
)
