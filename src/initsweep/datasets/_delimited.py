"""Reads CSV and TSV files as columns of text, and knows on which line each row stands."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import csv as arrow_csv

from initsweep.datasets._files import check_width, checked, opened
from initsweep.datasets._sniffing import (
    check_names,
    find_delimiter,
    has_header,
    records_of,
)
from initsweep.datasets._table import Table
from initsweep.errors import DataError
from initsweep.params import Table as Settings

SAMPLE_BYTES = 1 << 18
BLOCK_BYTES = 1 << 25  # a line must fit into it
MAXIMUM_FIELD = 1 << 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a file is written."""

    path: Path
    delimiter: str
    header: bool
    names: list[str]


def read_delimited(path: Path, settings: Settings, delimiter: str, key: str) -> Table:
    """Read a file of delimited text; every column comes as text.

    Args:
        path: The file, plain or gzip.
        settings: `data.table`.
        delimiter: The delimiter, "auto" to find it.
        key: The parameter that names the file, for messages.

    Returns:
        The table.

    Raises:
        DataError: If it is empty, not UTF-8, or its records have different numbers of fields.
    """
    text = _checked_text(checked(path, key))
    layout = _layout(path, text, settings, delimiter)
    names = [str(position) for position in range(len(layout.names))]
    try:
        with opened(path) as stream:
            columns = arrow_csv.read_csv(
                stream,
                arrow_csv.ReadOptions(
                    column_names=names,
                    skip_rows_after_names=int(layout.header),
                    block_size=BLOCK_BYTES,
                ),
                arrow_csv.ParseOptions(delimiter=layout.delimiter, newlines_in_values=True),
                arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
            )
    except pa.ArrowInvalid as error:
        _explain_ragged(layout)
        raise DataError(f"'{path}' cannot be read: {error}.") from None
    if not columns.num_rows:
        raise DataError(f"'{path}' has a header but no rows.")
    return Table(
        path=str(path),
        columns=columns.rename_columns(layout.names),
        place=lambda row: f"line {_line_of(layout, row)} of '{path}'",
    )


def _checked_text(path: Path) -> str:
    """Return the beginning of the file, after all of it was found to be UTF-8 text.

    Raises:
        DataError: With the line and the byte that is not.
    """
    try:
        with opened(path) as stream:
            for number, line in enumerate(stream, start=1):
                if b"\0" in line:
                    raise DataError(
                        f"'{path}', line {number}: a zero byte; this is no UTF-8 text. If it is "
                        f"UTF-16: `iconv -f UTF-16 -t UTF-8 {path} > utf8.csv`."
                    )
                line.decode()
    except UnicodeDecodeError as error:
        raise DataError(
            f"'{path}', line {number}: byte 0x{line[error.start]:02x} is not UTF-8. Convert the "
            f"file, e.g. `iconv -f LATIN1 -t UTF-8 {path} > utf8.csv`."
        ) from None
    except (OSError, EOFError) as error:
        raise DataError(f"'{path}' cannot be read: {error}.") from None
    with opened(path) as stream:
        text = stream.read(SAMPLE_BYTES).decode(errors="ignore").removeprefix("\ufeff")
        cut_off = bool(stream.read(1))
    if not text.strip():
        raise DataError(f"'{path}' holds nothing but empty lines.")
    lines = text.splitlines(keepends=True)
    return "".join(lines[:-1]) if cut_off and len(lines) > 1 else text


def _layout(path: Path, text: str, settings: Settings, delimiter: str) -> Layout:
    if delimiter == "auto":
        delimiter = find_delimiter(text, str(path))
    with opened(path) as stream:  # the first record may be longer than the sample
        lines = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        first = next(record for record in csv.reader(lines, delimiter=delimiter) if record)
    check_width(path, len(first))
    if len(first) == 1:
        likely = find_delimiter(text, str(path))
        raise DataError(
            f"'{path}': delimiter {delimiter!r} does not cut line 1, '{first[0][:60]}', into "
            f"columns. It looks like {likely!r}: set data.table.delimiter to that, or to auto."
        )
    records = records_of(text, delimiter)
    header = has_header(records) if settings.header == "auto" else settings.header
    names = first if header else [f"column {position}" for position in range(len(first))]
    return Layout(
        path=path, delimiter=delimiter, header=header, names=check_names(names, str(path))
    )


def _records(layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the number of the line it begins on, header and empty lines too."""
    with opened(layout.path) as stream:
        lines = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        reader = csv.reader(lines, delimiter=layout.delimiter)
        line = 1
        for record in reader:
            if record:
                yield line, record
            line = reader.line_num + 1


def _line_of(layout: Layout, row: int) -> int:
    records = _records(layout)
    for _ in range(row + int(layout.header)):
        next(records)
    return next(records)[0]


def _explain_ragged(layout: Layout) -> None:
    """Name the first record that has another number of fields.

    Raises:
        DataError: If there is one.
    """
    width = len(layout.names)
    for line, record in _records(layout):
        if len(record) != width:
            is_open = any("\n" in field for field in record)
            raise DataError(
                f"'{layout.path}', line {line}: {len(record)} fields, but line 1 has {width} "
                f"(delimiter {layout.delimiter!r}). Put quotes around a field that holds the "
                "delimiter; an empty field is a missing value."
                + " Is a quotation mark left open there?"
                * is_open
            )
