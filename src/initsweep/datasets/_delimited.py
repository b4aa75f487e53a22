"""Reads CSV and TSV files as columns of text, and knows on which line each row stands."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import csv as arrow_csv

from initsweep.datasets._encoding import LONGEST_LINE, checked_text
from initsweep.datasets._files import check_width, opened
from initsweep.datasets._headers import has_header, header_contradicted, said_of_header
from initsweep.datasets._sniffing import Records, check_names, find_delimiter, records_of
from initsweep.datasets._table import Table
from initsweep.datasets._wording import in_one_line, quoted
from initsweep.errors import DataError
from initsweep.params import Table as Settings
from initsweep.user_files import checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a file is written."""

    path: Path
    delimiter: str
    header: bool
    names: list[str]
    notices: tuple[str, ...]


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
    text = checked_text(checked(path, key))
    layout = _layout(path, text, settings, delimiter)
    names = [str(position) for position in range(len(layout.names))]
    try:
        with opened(path) as stream:
            columns = arrow_csv.read_csv(
                stream,
                arrow_csv.ReadOptions(
                    column_names=names,
                    skip_rows_after_names=int(layout.header),
                    block_size=LONGEST_LINE,
                ),
                arrow_csv.ParseOptions(delimiter=layout.delimiter, newlines_in_values=True),
                arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
            )
    except pa.ArrowInvalid as error:
        _explain_ragged(layout)
        raise DataError(f"'{path}' cannot be read: {in_one_line(error)}.") from None
    if not columns.num_rows:
        raise DataError(f"'{path}' has a header but no rows; write it again.")
    return Table(
        path=str(path),
        columns=columns.rename_columns(layout.names),
        place=lambda row: f"line {_line_of(layout, row)} of '{path}'",
        names_made_up=not layout.header,
        notices=layout.notices,
    )


def _layout(path: Path, text: str, settings: Settings, delimiter: str) -> Layout:
    if delimiter == "auto":
        delimiter = find_delimiter(text, str(path))
    # The first record may be longer than the sample.
    first = next(record for _, record in _records(path, delimiter))
    check_width(path, len(first))
    if len(first) == 1:
        likely = find_delimiter(text, str(path))
        raise DataError(
            f"'{path}': delimiter {delimiter!r} does not cut line 1, {quoted(first[0])}, into "
            f"columns. It looks like {likely!r}: set data.table.delimiter to that, or to auto."
        )
    records = records_of(text, delimiter)
    header = _header(path, records, settings)
    names = first if header else [f"column {position}" for position in range(len(first))]
    return Layout(
        path=path,
        delimiter=delimiter,
        header=header,
        names=check_names(names, str(path), "line 1"),
        notices=said_of_header(str(path), records, header=header, chosen=settings.header != "auto"),
    )


def _header(path: Path, records: Records, settings: Settings) -> bool:
    """Return whether line 1 names the columns.

    Raises:
        DataError: If the user says that it does not, and it plainly does.
    """
    if settings.header == "auto":
        return has_header(records)
    if not settings.header and header_contradicted(records):
        raise DataError(
            f"'{path}': line 1 is {quoted(','.join(records[0]))}, names above numbers, and "
            "data.table.header is false; set data.table.header: true, or auto."
        )
    return settings.header


def _records(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the number of the line it begins on, header too; no empty lines.

    Raises:
        DataError: If a field is longer than Python's reader takes: most likely one left open.
    """
    with opened(path) as stream:
        lines = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        reader = csv.reader(lines, delimiter=delimiter)
        line = 1
        try:
            for record in reader:
                if record:
                    yield line, record
                line = reader.line_num + 1
        except csv.Error:
            raise DataError(
                f"'{path}': the record that begins in line {line} has a field of more than "
                f"{csv.field_size_limit()} characters. Is a quotation mark left open there?"
            ) from None


def _line_of(layout: Layout, row: int) -> int:
    records = _records(layout.path, layout.delimiter)
    for _ in range(row + int(layout.header)):
        next(records)
    return next(records)[0]


def _explain_ragged(layout: Layout) -> None:
    """Name the first record that has another number of fields.

    Raises:
        DataError: If there is one.
    """
    width = len(layout.names)
    for line, record in _records(layout.path, layout.delimiter):
        if len(record) != width:
            is_open = any("\n" in field for field in record)
            raise DataError(
                f"'{layout.path}', line {line}: {len(record)} fields, but line 1 has {width} "
                f"(delimiter {layout.delimiter!r}). Put quotes around a field that holds the "
                "delimiter; an empty field is a missing value."
                + " Is a quotation mark left open there?"
                * is_open
            )
