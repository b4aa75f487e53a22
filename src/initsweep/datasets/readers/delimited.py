"""`csv:FILE` and `tsv:FILE`: tables of delimited text, plain or gzip, as columns of text."""

import csv
import io
import itertools
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import compute
from pyarrow import csv as arrow_csv

from initsweep.core.errors import DataError
from initsweep.core.params import Data
from initsweep.core.params import Table as Settings
from initsweep.core.user_files import checked
from initsweep.datasets import Dataset
from initsweep.datasets.dialect import (
    SAMPLE_RECORDS,
    Dialect,
    Records,
    find_dialect,
    header_of,
    lines_of,
)
from initsweep.datasets.faults import FaultError, command
from initsweep.datasets.file_kinds import LONGEST_LINE, checked_text
from initsweep.datasets.from_table import with_test
from initsweep.datasets.in_messages import in_one_line, quoted
from initsweep.datasets.opening import check_width, opened
from initsweep.datasets.raw_table import Table, doubled, named, without_blank_rows
from initsweep.datasets.readers import READERS, Reader
from initsweep.datasets.repairs import mend

Columns = Any
"""A pyarrow table, or one of its columns; pyarrow is untyped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a file holds, or would hold if it were mended."""

    path: Path
    dialect: Dialect
    stream: Callable[[], BinaryIO]
    notices: tuple[str, ...] = ()
    faults: tuple[FaultError, ...] = ()

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each record with the number of the line it begins on."""
        with self.stream() as stream:
            lines = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
            yield from self.dialect.records(lines)

    def sample(self) -> tuple[Records, int] | None:
        """Return the first records, and the line of the first; None if their widths differ.

        Raises:
            DataError: If there are none.
        """
        try:
            sample = list(itertools.islice(self.records(), SAMPLE_RECORDS))
        except csv.Error:
            return None
        if not sample:
            raise DataError(f"'{self.path}' has no rows; write it again.")
        width = len(sample[0][1])
        check_width(self.path, width)
        if width == 1 or any(len(record) != width for _, record in sample):
            return None
        return [record for _, record in sample], sample[0][0]

    def line_of(self, record: int) -> int:
        """Return the line on which a record begins."""
        return next(itertools.islice(self.records(), record, None))[0]

    def without(self, records: Sequence[int], first: Sequence[str] = ()) -> str:
        """Return the command that leaves out records, "" where another has been named.

        Args:
            records: Which, counted from 0.
            first: Filters that change no line's number, for the same command.
        """
        if self.faults:
            return ""
        lines = [line for at, (line, _) in enumerate(self.records()) if at in records]
        return command(self.path, [*first, f"sed '{';'.join(f'{line}d' for line in lines)}'"])

    def mended(self) -> "Content":
        """Return what the file would hold after all that makes its records one width."""
        with self.stream() as stream:
            lines = lines_of(stream.read().decode("utf-8-sig"))
        for number in range(self.dialect.skipped):
            lines[number] = ""
        made = mend(str(self.path), lines, self.dialect)
        data = "\n".join(made.lines).encode()
        if made.faults and made.filters:  # one command for all of them
            made.faults[-1].run = command(self.path, made.filters)
        return Content(
            path=self.path,
            dialect=made.dialect,
            stream=lambda: io.BytesIO(data),
            notices=made.notices,
            faults=made.faults,
        )

    def columns(self, width: int, *, skip: int, header: bool) -> Columns:
        """Return the columns as text, None if records have different widths.

        Raises:
            DataError: If it is something else that cannot be read.
        """
        names = [str(position) for position in range(width)]
        with self.stream() as stream:
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
                        delimiter=self.dialect.delimiter,
                        quote_char=self.dialect.quote or False,
                        newlines_in_values=True,
                    ),
                    arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
                )
            except pa.ArrowInvalid as error:
                if "column" in str(error).lower():
                    return None
                raise DataError(f"'{self.path}' cannot be read: {in_one_line(error)}.") from None


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


def _has_lines(table: Columns) -> bool:
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
    raw = records[0] if header else [""] * columns.num_columns
    names, faults, renamed = _names(content, raw, line)
    blank = [not one.strip() for one in raw]
    kept = [at for at, is_blank in enumerate(blank) if not (is_blank and _is_empty(columns[at]))]
    if left := len(raw) - len(kept):
        said.append(f"'{path}': {left} columns without name and values are left out.")
    return without_blank_rows(
        Table(
            path=path,
            columns=columns.rename_columns(names).select(kept),
            place=lambda row: f"line {content.line_of(row + int(header))} of '{path}'",
            without=lambda rows: content.without([row + int(header) for row in rows], renamed),
            names_made_up=not header,
            unnamed=tuple(names[at] for at in kept if header and blank[at]),
            notices=(*content.notices, *said),
            faults=(*content.faults, *faults),
        )
    )


def _names(
    content: Content, raw: Sequence[str], line: int
) -> tuple[list[str], list[FaultError], list[str]]:
    # Names that are all different, what is wrong with those in the file, and the filter for it.
    names, said = named(raw), doubled(raw, str(content.path), f"line {line}")
    if said is None:
        return names, [], []
    stream = io.StringIO()
    csv.writer(stream, delimiter=content.dialect.delimiter, lineterminator="").writerow(names)
    told = re.sub(r"([\\/&])", r"\\\1", stream.getvalue())
    if content.faults or "\n" in told:
        return names, [FaultError(said)], []
    filters = [f"sed {shlex.quote(f'{line}s/.*/{told}/')}"]
    return names, [FaultError(said, run=command(content.path, filters))], filters


def _is_empty(column: Columns) -> bool:
    return not compute.any(compute.not_equal(compute.utf8_trim_whitespace(column), "")).as_py()


for name, default in (("csv", "auto"), ("tsv", "\t")):
    READERS.add(
        name,
        Reader(
            summary=f"A table of {name.upper()} text, with or without header, plain or gzip.",
            read=partial(read, default_delimiter=default),
        ),
    )
