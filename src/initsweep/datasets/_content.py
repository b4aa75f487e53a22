"""What a file of delimited text holds, or would hold if it were mended, and its columns."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import csv as arrow_csv

from initsweep.datasets._dialect import Dialect, lines_of
from initsweep.datasets._encoding import LONGEST_LINE
from initsweep.datasets._faults import FaultError, command
from initsweep.datasets._repairs import mend
from initsweep.datasets._wording import in_one_line
from initsweep.errors import DataError


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


def mended(content: Content) -> Content:
    """Return what a file would hold after all that makes its records one width."""
    with content.stream() as stream:
        lines = lines_of(stream.read().decode("utf-8-sig"))
    for number in range(content.dialect.skipped):
        lines[number] = ""
    made = mend(str(content.path), lines, content.dialect)
    data = "\n".join(made.lines).encode()
    if made.faults and made.filters:  # one command for all of them
        made.faults[-1].run = command(content.path, made.filters)
    return Content(
        path=content.path,
        dialect=made.dialect,
        stream=lambda: io.BytesIO(data),
        notices=made.notices,
        faults=made.faults,
    )


def parsed(content: Content, width: int, *, skip: int, header: bool) -> Any:  # noqa: ANN401
    """Return the columns as text, None if records have different widths.

    Raises:
        DataError: If it is something else that cannot be read.
    """
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
