"""`parquet:FILE`: tables with types."""

from pathlib import Path

from initsweep.datasets import Dataset
from initsweep.datasets._parquet import read_parquet
from initsweep.datasets._table import to_dataset
from initsweep.datasets.readers import READERS, Reader
from initsweep.params import Data


def read(location: str, settings: Data) -> Dataset:
    """Return the table in the file `location`, and the test file's rows if there is one."""
    main = read_parquet(Path(location), "data.source")
    other = settings.table.test_file
    if other is None:
        return to_dataset(main, settings)
    return to_dataset(main, settings, read_parquet(Path(other), "data.table.test_file"))


READERS.add(
    "parquet",
    Reader(
        form="FILE",
        summary="A table with typed columns.",
        files=lambda location: [Path(location)],
        read=read,
    ),
)
