"""`csv:FILE` and `tsv:FILE`: tables of delimited text, plain or gzip."""

from functools import partial

from initsweep.datasets import Dataset
from initsweep.datasets._delimited import read_delimited
from initsweep.datasets._table import with_test
from initsweep.datasets.readers import READERS, Reader
from initsweep.params import Data


def read(location: str, settings: Data, default_delimiter: str) -> Dataset:
    """Return the table in the file `location`, and the test file's rows if there is one."""
    table = settings.table
    delimiter = default_delimiter if table.delimiter == "auto" else table.delimiter
    return with_test(partial(read_delimited, table, delimiter), location, settings)


for name, default in (("csv", "auto"), ("tsv", "\t")):
    READERS.add(
        name,
        Reader(
            summary=f"A table of {name.upper()} text, with or without header, plain or gzip.",
            read=partial(read, default_delimiter=default),
        ),
    )
