"""`json:FILE`: a list of records, or a record in each line, as pandas reads them."""

from functools import partial
from pathlib import Path

import pyarrow as pa

from initsweep.datasets._files import opened, reading
from initsweep.datasets._given import Table
from initsweep.datasets._headers import check_names
from initsweep.datasets._table import with_test
from initsweep.datasets._wording import in_one_line
from initsweep.datasets.readers import READERS, Reader
from initsweep.errors import DataError
from initsweep.preprocessing import category_of
from initsweep.user_files import checked


def _read(path: Path, key: str) -> Table:
    """Read a file.

    Returns:
        The table.

    Raises:
        DataError: If it holds something else than records, or columns of mixed types.
    """
    import pandas as pd

    try:
        with reading(path), opened(checked(path, key)) as stream:
            in_lines = not stream.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
            stream.seek(0)
            frame = pd.read_json(stream, orient="records", lines=in_lines, dtype=False)
        for name in filter(lambda one: pd.api.types.is_object_dtype(frame[one]), frame.columns):
            frame[name] = frame[name].map(_as_text)
        columns = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
    except (ValueError, TypeError, AttributeError, pa.ArrowException) as error:
        raise DataError(
            f"'{path}' is no list of flat records, nor one in each line: {in_one_line(error)}. "
            "Write it as CSV."
        ) from None
    names = check_names([str(name) for name in columns.column_names], str(path), "the records")
    return Table(
        path=str(path),
        columns=columns.rename_columns(names),
        place=lambda row: f"record {row + 1} of '{path}'",
    )


def _as_text(value: object) -> object:
    """Return a value of a column of several types, as it would stand in a file of text."""
    nested = isinstance(value, list | dict)
    return value if nested or category_of(value) is None else category_of(value)


READERS.add(
    "json",
    Reader(
        form="FILE",
        summary="A list of records, or a record in each line (JSON lines).",
        files=lambda location: [Path(location)],
        read=partial(with_test, _read),
    ),
)
