"""How a file of delimited text is written: what cuts its records, and what quotes its fields."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from initsweep.datasets._texts import is_written
from initsweep.datasets._wording import quoted
from initsweep.errors import DataError

SAMPLE_RECORDS = 100
SAMPLE_CHARACTERS = 50_000
DELIMITERS = (",", ";", "\t", "|", " ", ":", "~", "^", "\x01", "\x1f")
EXCEL = re.compile(r"\ufeff?\"?sep=(.)\"?\s*", re.IGNORECASE)
"""The line in which Excel is told the delimiter."""

Records = list[list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What cuts records, what quotes fields ("" for nothing), and how many lines come first."""

    delimiter: str
    quote: str
    skipped: int = 0

    def records(
        self, lines: Iterable[str], *, strict: bool = False
    ) -> Iterator[tuple[int, list[str]]]:
        """Yield each record with the number of the line it begins on; no empty lines.

        Raises:
            csv.Error: If a field is longer than Python's reader takes; with `strict`, if a quoted
                field does not end where its quotation mark does.
        """
        reader = csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            strict=strict,
        )
        line = 1
        for record in reader:
            if record and line > self.skipped:
                yield line, record
            line = reader.line_num + 1


def find_dialect(text: str, delimiter: str, quote: str, path: str) -> Dialect:
    """Return how the beginning of a file is written.

    Args:
        text: The beginning.
        delimiter: What cuts records, "auto" to find it.
        quote: What quotes fields, "auto" to find it, "none" for nothing.
        path: The file, for messages.

    Raises:
        DataError: If nothing cuts the records.
    """
    import clevercsv  # not for those who only ask for help

    lines = lines_of(text)
    first = next(number for number, line in enumerate(lines) if line.strip())
    if told := EXCEL.fullmatch(lines[first]):
        delimiter = told[1] if delimiter == "auto" else delimiter
        first += 1
    present = [line for line in lines[first:] if line.strip()][:SAMPLE_RECORDS]
    sample = "\n".join(present)
    short = sample[: max(sample.rfind("\n", 0, SAMPLE_CHARACTERS), 0) or SAMPLE_CHARACTERS]
    allowed = list(DELIMITERS) if delimiter == "auto" else [delimiter]
    try:
        found = clevercsv.Sniffer().sniff(short, delimiters=allowed)
    except clevercsv.Error:
        found = None
    cut, marks = ("", '"') if found is None else (found.delimiter, found.quotechar)
    if cut == "," and all(len(line.split()) > 1 for line in present):
        fields = [field for line in present for field in line.split()]
        cut = " " if all(map(is_written, fields)) else cut  # their commas are decimal marks
    cut = cut if delimiter == "auto" else delimiter
    if not cut:
        raise DataError(uncut(path, first + 1, lines[first]))
    if quote == "auto":
        quote = "'" if marks == "'" and _closes("'", cut, present) else '"'
    return Dialect(delimiter=cut, quote="" if quote == "none" else quote, skipped=first)


def uncut(path: str, number: int, line: str) -> str:
    """Return what to say of a file of which nothing makes columns."""
    return (
        f"'{path}': line {number} is {quoted(line)}, which none of , ; | tab and space cuts into "
        "columns. Set data.table.delimiter to what does; a table needs a target and at least one "
        "feature."
    )


def lines_of(text: str) -> list[str]:
    """Return the lines of a text, whichever system ended them."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _closes(quote: str, delimiter: str, lines: list[str]) -> bool:
    """Return whether what opens with a quotation mark in a line closes there: "'tis" does not."""
    field = rf"(?:^|{re.escape(delimiter)}){quote}"
    left_open = re.compile(rf"{field}[^{quote}]*$")
    return not any(left_open.search(line) for line in lines)
