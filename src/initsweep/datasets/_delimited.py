"""Reads CSV and TSV files as columns of text, and knows on which line each row stands."""

import csv
import io
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import compute
from pyarrow import csv as arrow_csv

from initsweep.datasets._dialect import SAMPLE_RECORDS, Dialect, Records, find_dialect, lines_of
from initsweep.datasets._encoding import LONGEST_LINE, checked_text
from initsweep.datasets._faults import Fault, command
from initsweep.datasets._files import check_width, opened
from initsweep.datasets._headers import check_names, has_header, header_contradicted, said_of_header
from initsweep.datasets._repairs import Mended, mend
from initsweep.datasets._table import Table
from initsweep.datasets._wording import in_one_line, quoted
from initsweep.errors import DataError
from initsweep.params import Table as Settings
from initsweep.user_files import checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a file holds, or would hold if it were mended."""

    path: Path
    dialect: Dialect
    stream: Callable[[], BinaryIO]
    notices: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each record with the number of the line it begins on."""
        with self.stream() as stream:
            lines = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
            yield from self.dialect.records(lines)


def read_delimited(settings: Settings, delimiter: str, path: Path, key: str) -> Table:
    """Read a file of delimited text; every column comes as text.

    Args:
        settings: `data.table`.
        delimiter: The delimiter, "auto" to find it.
        path: The file, plain or gzip.
        key: The parameter that names the file, for messages.

    Returns:
        The table, as it is or as it would be without the faults that it names.

    Raises:
        DataError: If it is empty, not UTF-8, or nothing makes its records one width.
    """
    text = checked_text(checked(path, key))
    dialect = find_dialect(text, delimiter, settings.quote, str(path))
    content = Content(path=path, dialect=dialect, stream=lambda: opened(path))
    if delimiter != "auto" and all(len(one) == 1 for _, one in dialect.records(lines_of(text))):
        likely = find_dialect(text, "auto", settings.quote, str(path)).delimiter
        raise DataError(
            f"'{path}': delimiter {delimiter!r} does not cut {quoted(text.splitlines()[0])} into "
            f"columns. It looks like {likely!r}: set data.table.delimiter to that, or to auto."
        )
    table = None
    if dialect.delimiter != " ":  # of which there may be several
        table = _table(content, settings)
    if table is None or _has_lines(table.columns):
        mended = _mended(content)
        if table is None or mended.faults:
            table = _table(mended, settings)
    if table is None:
        raise DataError(f"'{path}' cannot be read.")
    return table


def _has_lines(columns: Any) -> bool:  # noqa: ANN401 - pyarrow is untyped
    """Return whether some field goes on in another line."""
    return any(
        compute.any(compute.match_substring(column, "\n")).as_py() for column in columns.columns
    )


def _mended(content: Content) -> Content:
    with content.stream() as stream:
        lines = lines_of(stream.read().decode("utf-8-sig"))
    for number in range(content.dialect.skipped):
        lines[number] = ""
    mended: Mended = mend(str(content.path), lines, content.dialect)
    data = "\n".join(mended.lines).encode()
    if mended.faults and mended.filters:  # one command for all of them
        mended.faults[-1].run = command(content.path, mended.filters)
    return Content(
        path=content.path,
        dialect=mended.dialect,
        stream=lambda: io.BytesIO(data),
        notices=tuple(mended.notices),
        faults=tuple(mended.faults),
    )


def _table(content: Content, settings: Settings) -> Table | None:
    """Return the table; None if its records are not of one width."""
    path, dialect = content.path, content.dialect
    records: Records = []
    starts: list[int] = []
    try:
        for line, record in itertools.islice(content.records(), SAMPLE_RECORDS):
            starts.append(line)
            records.append(record)
    except csv.Error:
        return None
    if not records:
        raise DataError(f"'{path}' has a header but no rows; write it again.")
    check_width(path, len(records[0]))
    if {len(record) for record in records} != {len(records[0])}:
        return None
    if len(records[0]) == 1:
        return None
    header = _header(path, records, settings, starts[0])
    columns = _parsed(content, len(records[0]), skip=starts[0] - 1, header=header)
    if columns is None:
        return None
    if not columns.num_rows:
        raise DataError(f"'{path}' has a header but no rows; write it again.")
    raw = records[0] if header else [""] * columns.num_columns
    kept = [at for at, name in enumerate(raw) if name.strip() or not _is_empty(columns.column(at))]
    notices = [
        *content.notices,
        *said_of_header(
            str(path), records, header=header, chosen=settings.header != "auto", line=starts[0]
        ),
    ]
    if len(kept) < len(raw):
        notices.append(
            f"'{path}': {len(raw) - len(kept)} columns without name and values are left out."
        )
    names = check_names([raw[at] for at in kept], str(path), f"line {starts[0]}")
    return Table(
        path=str(path),
        columns=columns.select(kept).rename_columns(names),
        place=lambda row: f"line {_line_of(content, row + int(header))} of '{path}'",
        without=lambda row: _without(content, row + int(header)),
        names_made_up=not header,
        unnamed=tuple(
            n for n, at in zip(names, kept, strict=True) if header and not raw[at].strip()
        ),
        notices=tuple(notices),
        faults=content.faults,
    )


def _is_empty(column: Any) -> bool:  # noqa: ANN401 - pyarrow is untyped
    return not compute.any(compute.not_equal(compute.utf8_trim_whitespace(column), "")).as_py()


def _parsed(content: Content, width: int, *, skip: int, header: bool) -> Any:  # noqa: ANN401
    """Return the columns as text, None if records have different widths."""
    names = [str(position) for position in range(width)]
    dialect = content.dialect
    with content.stream() as stream:
        try:
            return arrow_csv.read_csv(
                stream,
                arrow_csv.ReadOptions(
                    column_names=names,
                    skip_rows=skip,
                    skip_rows_after_names=int(header),
                    block_size=LONGEST_LINE,
                ),
                arrow_csv.ParseOptions(
                    delimiter=dialect.delimiter,
                    quote_char=dialect.quote or False,
                    newlines_in_values=True,
                ),
                arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
            )
        except pa.ArrowInvalid as error:
            if "column" in str(error).lower():
                return None
            raise DataError(f"'{content.path}' cannot be read: {in_one_line(error)}.") from None


def _header(path: Path, records: Records, settings: Settings, line: int) -> bool:
    """Return whether the first record names the columns.

    Raises:
        DataError: If the user says that it does not, and it plainly does.
    """
    if settings.header == "auto":
        return has_header(records)
    if not settings.header and header_contradicted(records):
        raise DataError(
            f"'{path}': line {line} is {quoted(','.join(records[0]))}, names above numbers, and "
            "data.table.header is false; set data.table.header: true, or auto."
        )
    return settings.header


def _without(content: Content, record: int) -> str:
    """Return the command that leaves out a record, "" where another has been named."""
    if content.faults:
        return ""
    return command(content.path, [f"sed '{_line_of(content, record)}d'"])


def _line_of(content: Content, record: int) -> int:
    return next(itertools.islice(content.records(), record, None))[0]
