"""What a file of delimited text holds, or would hold if it were mended."""

import csv
import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import csv as arrow_csv

from initsweep.datasets._dialect import SAMPLE_RECORDS, Dialect, Records, lines_of
from initsweep.datasets._encoding import LONGEST_LINE
from initsweep.datasets._faults import FaultError, command
from initsweep.datasets._files import check_width
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

    def without(self, records: Sequence[int]) -> str:
        """Return the command that leaves out records, "" where another has been named."""
        if self.faults:
            return ""
        lines = [line for at, (line, _) in enumerate(self.records()) if at in records]
        return command(self.path, [f"sed '{';'.join(f'{line}d' for line in lines)}'"])

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

    def columns(self, width: int, *, skip: int, header: bool) -> Any:  # noqa: ANN401 - pyarrow is untyped
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
