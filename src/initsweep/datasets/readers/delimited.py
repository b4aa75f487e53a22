"""`csv:FILE` and `tsv:FILE`: tables of delimited text, plain or gzip."""

from functools import partial
from pathlib import Path

from initsweep.datasets import Dataset
from initsweep.datasets._delimited import read_delimited
from initsweep.datasets._table import to_dataset
from initsweep.datasets.readers import READERS, Reader
from initsweep.params import Data


def read(location: str, settings: Data, default_delimiter: str) -> Dataset:
    """Return the table in the file `location`, and the test file's rows if there is one."""
    table = settings.table
    delimiter = default_delimiter if table.delimiter == "auto" else table.delimiter
    main = read_delimited(Path(location), table, delimiter, "data.source")
    if table.test_file is None:
        return to_dataset(main, settings)
    test = read_delimited(Path(table.test_file), table, delimiter, "data.table.test_file")
    return to_dataset(main, settings, test)


for name, default in (("csv", "auto"), ("tsv", "\t")):
    READERS.add(
        name,
        Reader(
            form="FILE",
            summary=f"A table of {name.upper()} text, with or without header, plain or gzip.",
            files=lambda location: [Path(location)],
            read=partial(read, default_delimiter=default),
        ),
    )
