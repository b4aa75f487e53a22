"""Reads CSV and TSV files as columns of text, and knows on which line each row stands."""

import csv
import io
import itertools
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyarrow import compute

from initsweep.datasets._content import Content, mended, parsed
from initsweep.datasets._dialect import SAMPLE_RECORDS, Dialect, Records, find_dialect
from initsweep.datasets._encoding import checked_text
from initsweep.datasets._faults import FaultError, command
from initsweep.datasets._files import check_width, opened
from initsweep.datasets._given import Table, without_blank_rows
from initsweep.datasets._headers import (
    check_names,
    has_header,
    header_contradicted,
    named,
    said_of_header,
)
from initsweep.datasets._wording import quoted
from initsweep.errors import DataError
from initsweep.params import Table as Settings
from initsweep.user_files import checked


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
    if delimiter != "auto" and not _cuts(dialect, text):
        likely = find_dialect(text, "auto", settings.quote, str(path)).delimiter
        raise DataError(
            f"'{path}': delimiter {delimiter!r} does not cut {quoted(text.splitlines()[0])} into "
            f"columns. It looks like {likely!r}: set data.table.delimiter to that, or to auto."
        )
    # Of spaces, several may be one delimiter.
    table = _table(content, settings) if dialect.delimiter != " " else None
    if table is None or _has_lines(table.columns):
        tried = mended(content)
        if table is None or tried.faults:
            table = _table(tried, settings)
    if table is None:
        raise DataError(f"'{path}' has records of different widths; write it again.")
    return table


def _cuts(dialect: Dialect, text: str) -> bool:
    """Return whether the delimiter cuts some record of the beginning."""
    try:
        return any(len(one) > 1 for _, one in dialect.records(io.StringIO(text, newline="")))
    except csv.Error:
        return True


def _has_lines(columns: Any) -> bool:  # noqa: ANN401 - pyarrow is untyped
    """Return whether some field goes on in another line."""
    return any(
        compute.any(compute.match_substring(column, "\n")).as_py() for column in columns.columns
    )


def _sample(content: Content) -> tuple[Records, int] | None:
    """Return the first records, and the line of the first; None if their widths differ.

    Raises:
        DataError: If there are none.
    """
    try:
        sample = list(itertools.islice(content.records(), SAMPLE_RECORDS))
    except csv.Error:
        return None
    if not sample:
        raise DataError(f"'{content.path}' has no rows; write it again.")
    width = len(sample[0][1])
    check_width(content.path, width)
    if width == 1 or any(len(record) != width for _, record in sample):
        return None
    return [record for _, record in sample], sample[0][0]


def _table(content: Content, settings: Settings) -> Table | None:
    """Return the table; None if its records are not of one width.

    Raises:
        DataError: If it has no rows.
    """
    path, sample = str(content.path), _sample(content)
    if sample is None:
        return None
    records, line = sample
    header = _header(path, records, settings, line)
    columns = parsed(content, len(records[0]), skip=line - 1, header=header)
    if columns is None:
        return None
    if not columns.num_rows:
        raise DataError(f"'{path}' has a header but no rows; write it again.")
    chosen = settings.header != "auto"
    notices = [
        *content.notices,
        *said_of_header(path, records, header=header, chosen=chosen, line=line),
    ]
    raw = records[0] if header else [""] * columns.num_columns
    names, faults = _names(content, raw, line)
    blank = [not one.strip() for one in raw]
    kept = [at for at, is_blank in enumerate(blank) if not (is_blank and _is_empty(columns[at]))]
    if left := len(raw) - len(kept):
        notices.append(f"'{path}': {left} columns without name and values are left out.")
    return without_blank_rows(
        Table(
            path=path,
            columns=columns.rename_columns(names).select(kept),
            place=lambda row: f"line {_line_of(content, row + int(header))} of '{path}'",
            without=lambda rows: _without(content, [row + int(header) for row in rows]),
            names_made_up=not header,
            unnamed=tuple(names[at] for at in kept if header and blank[at]),
            notices=tuple(notices),
            faults=(*content.faults, *faults),
        )
    )


def _names(content: Content, raw: Sequence[str], line: int) -> tuple[list[str], list[FaultError]]:
    """Name the columns.

    Returns:
        Names that are all different, and what is wrong with those in the file.
    """
    path, names = str(content.path), named(raw)
    try:
        return check_names(raw, path, f"line {line}"), []
    except DataError as error:
        stream = io.StringIO()
        dialect = content.dialect
        csv.writer(stream, delimiter=dialect.delimiter, lineterminator="").writerow(names)
        told = re.sub(r"([\\/&])", r"\\\1", stream.getvalue())
        run = "" if content.faults or "\n" in told else shlex.quote(f"{line}s/.*/{told}/")
        run = run and command(content.path, [f"sed {run}"])
        return names, [FaultError(str(error), run=run)]


def _is_empty(column: Any) -> bool:  # noqa: ANN401 - pyarrow is untyped
    return not compute.any(compute.not_equal(compute.utf8_trim_whitespace(column), "")).as_py()


def _header(path: str, records: Records, settings: Settings, line: int) -> bool:
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


def _without(content: Content, records: Sequence[int]) -> str:
    """Return the command that leaves out records, "" where another has been named."""
    if content.faults:
        return ""
    lines = [line for at, (line, _) in enumerate(content.records()) if at in records]
    return command(content.path, [f"sed '{';'.join(f'{line}d' for line in lines)}'"])


def _line_of(content: Content, record: int) -> int:
    return next(itertools.islice(content.records(), record, None))[0]
