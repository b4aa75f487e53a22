"""`csv:FILE` and `tsv:FILE`: tables of delimited text, plain or gzip, as columns of text."""

import csv
import io
import re
import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pyarrow import compute

from initsweep.datasets import Dataset
from initsweep.datasets._content import Content
from initsweep.datasets._dialect import Dialect, find_dialect
from initsweep.datasets._encoding import checked_text
from initsweep.datasets._faults import FaultError, command
from initsweep.datasets._files import opened
from initsweep.datasets._given import Table, doubled, named, without_blank_rows
from initsweep.datasets._headers import header_of
from initsweep.datasets._table import with_test
from initsweep.datasets._wording import quoted
from initsweep.datasets.readers import READERS, Reader
from initsweep.errors import DataError
from initsweep.params import Data
from initsweep.params import Table as Settings
from initsweep.user_files import checked

Column = Any
"""Of pyarrow, which is untyped."""


def read(location: str, settings: Data, default_delimiter: str) -> Dataset:
    """Return the table in the file `location`, and the test file's rows if there is one."""
    table = settings.table
    delimiter = default_delimiter if table.delimiter == "auto" else table.delimiter
    return with_test(partial(_read, table, delimiter), location, settings)


def _read(settings: Settings, delimiter: str, path: Path, key: str) -> Table:
    """Return the table in a file, as it is or as it would be without the faults that it names.

    Raises:
        DataError: If nothing makes its records one width.
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
        tried = content.mended()
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


def _has_lines(table: Any) -> bool:  # noqa: ANN401 - pyarrow is untyped
    """Return whether some field goes on in another line."""
    found = (compute.any(compute.match_substring(one, "\n")) for one in table.columns)
    return any(one.as_py() for one in found)


def _table(content: Content, settings: Settings) -> Table | None:
    # None if records are not of one width.
    path, sample = str(content.path), content.sample()
    if sample is None:
        return None
    records, line = sample
    header, said = header_of(path, records, line, wanted=settings.header)
    columns = content.columns(len(records[0]), skip=line - 1, header=header)
    if columns is None:
        return None
    if not columns.num_rows:
        raise DataError(f"'{path}' has a header but no rows; write it again.")
    notices = [*content.notices, *said]
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
            place=lambda row: f"line {content.line_of(row + int(header))} of '{path}'",
            without=lambda rows: content.without([row + int(header) for row in rows]),
            names_made_up=not header,
            unnamed=tuple(names[at] for at in kept if header and blank[at]),
            notices=tuple(notices),
            faults=(*content.faults, *faults),
        )
    )


def _names(content: Content, raw: Sequence[str], line: int) -> tuple[list[str], list[FaultError]]:
    # Names that are all different, and what is wrong with those in the file.
    names, said = named(raw), doubled(raw, str(content.path), f"line {line}")
    if said is None:
        return names, []
    stream = io.StringIO()
    csv.writer(stream, delimiter=content.dialect.delimiter, lineterminator="").writerow(names)
    told = re.sub(r"([\\/&])", r"\\\1", stream.getvalue())
    run = ""
    if not content.faults and "\n" not in told:
        run = command(content.path, [f"sed {shlex.quote(f'{line}s/.*/{told}/')}"])
    return names, [FaultError(said, run=run)]


def _is_empty(column: Column) -> bool:
    return not compute.any(compute.not_equal(compute.utf8_trim_whitespace(column), "")).as_py()


for name, default in (("csv", "auto"), ("tsv", "\t")):
    READERS.add(
        name,
        Reader(
            summary=f"A table of {name.upper()} text, with or without header, plain or gzip.",
            read=partial(read, default_delimiter=default),
        ),
    )
