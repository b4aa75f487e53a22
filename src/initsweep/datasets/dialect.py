"""How delimited text is written: what cuts records and quotes fields; does it begin with names?"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Literal

from initsweep.core.errors import DataError
from initsweep.datasets.in_messages import quoted
from initsweep.datasets.texts import MISSING, is_number, is_written

SAMPLE_RECORDS = 100
SAMPLE_CHARACTERS = 50_000
DELIMITERS = (",", ";", "\t", "|", " ", ":", "~", "^", "\x01", "\x1f")
EXCEL = re.compile(r"\ufeff?\"?sep=(.)\"?\s*", re.IGNORECASE)
"""The line in which Excel is told the delimiter."""

WHOLE = re.compile(r"\d{1,15}")
YEARS = range(1800, 2200)
BY_CHANCE = 0.1
"""So many records may count up, too, where the first one does from 0, as pandas' names do."""

SURE = 0.05
"""Texts that would be as new as those of the first line so rarely are names for sure."""

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

        Nor empty fields before the first record: spreadsheets write an empty row as delimiters.

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
        line, begun = 1, False
        for record in reader:
            if record and line > self.skipped:
                begun = begun or any(map(str.strip, record))
                if begun:
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


def header_of(
    path: str, records: Records, line: int, *, wanted: Literal["auto"] | bool
) -> tuple[bool, list[str]]:
    """Return whether the first record names the columns, and what to say where that is not plain.

    Args:
        path: The file.
        records: Its first records.
        line: Where the first one stands.
        wanted: `data.table.header`.

    Raises:
        DataError: If the user says that it does not, and it plainly does.
    """
    first, rest, chosen = records[0], records[1:], wanted != "auto"
    shown, numeric = quoted(",".join(first)), [*map(is_number, first)]
    header = _is_header(first, rest) if wanted == "auto" else wanted
    if not header and chosen and _names_over_numbers(first, rest) and not any(numeric):
        raise DataError(
            f"'{path}': line {line} is {shown}, names above numbers, and data.table.header is "
            "false; set data.table.header: true, or auto."
        )
    if not header:
        said = (
            f"Line {line} of '{path}', {shown}, is taken as data; columns are called 'column 0', "
            "'column 1' and so on. If it holds their names, set data.table.header: true."
        )
        return False, [] if chosen else [said]
    doubtful = _recurs(first, rest) or (all(numeric) and not (chosen and _counts_up(first, rest)))
    said = (
        f"Line {line} of '{path}', {shown}, is taken as the names of columns; if it is data, set "
        "data.table.header: false."
    )
    return True, [said] if doubtful or (not chosen and _could_be_data(first, rest)) else []


def _is_header(first: list[str], rest: Records) -> bool:
    """Return whether the first record names the columns.

    It does if a column has text there and numbers below; if its numbers count up by one (years,
    or 0, 1, 2, ...) and those of no record below do; or where all is text. Never if some of its
    text occurs again in its own column.
    """
    if not rest:
        return not any(map(is_number, first))
    if first in rest:  # written again, where files were joined
        return _names_over_numbers(first, [record for record in rest if record != first])
    if _recurs(first, rest):
        return False
    if _names_over_numbers(first, rest):
        return True
    columns = _columns(first, rest)
    return not any(_reads(values)(name) for name, values in columns) or _counts_up(first, rest)


def _names_over_numbers(first: list[str], rest: Records) -> bool:
    """Return whether a column has a text of letters on top, and more numbers than texts below."""
    return any(
        2 * sum(map(_reads(values), set(values))) > len(set(values))
        and not _reads(values)(name)
        and re.search(r"\w", name)
        for name, values in _columns(first, rest)
    )


def _reads(values: list[str]) -> Callable[[str], bool]:
    """Return what tells a number of a column: "10 %" names numbers, but is one of percentages."""
    written = any(is_written(value) and not is_number(value) for value in values)
    return is_written if written else is_number


def _columns(first: list[str], rest: Records) -> list[tuple[str, list[str]]]:
    """Return every text on top with the values below it, nothing that is missing among them."""
    return [
        (name.strip(), [value for value in column if value.strip().lower() not in MISSING])
        for name, column in zip(first, zip(*rest, strict=False), strict=False)
        if name.strip().lower() not in MISSING
    ]


def _could_be_data(first: list[str], rest: Records) -> bool:
    """Return whether a record could well be as new as the first one is, where all is text.

    How likely the next value of a column is to be new, the share of values that occur once says
    (Good 1953, The population frequencies of species, equation 9).
    """
    if _names_over_numbers(first, rest):
        return False
    new = [
        sum(count == 1 for count in Counter(values).values()) / len(values)
        for _, values in _columns(first, rest)
        if values
    ]
    return prod(new) > SURE


def _counts_up(first: list[str], rest: Records) -> bool:
    """Return whether the numbers of the first record, and of hardly another, count up by one."""
    columns = [column for column, field in enumerate(first) if is_number(field)]
    names = [first[column] for column in columns]
    if not _consecutive(names):
        return False
    others = sum(_consecutive([record[column] for column in columns]) for record in rest)
    return others <= len(rest) * (BY_CHANCE if int(names[0]) == 0 else 0)


def _consecutive(fields: list[str]) -> bool:
    if not all(WHOLE.fullmatch(field.strip()) for field in fields):
        return False
    numbers = list(map(int, fields))
    enough = len(numbers) > 2 or (len(numbers) == 2 and set(numbers) <= set(YEARS))
    return enough and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _recurs(first: list[str], rest: Records) -> bool:
    """Return whether some text of the first record occurs again below, in its own column."""
    return any(name in values and not is_number(name) for name, values in _columns(first, rest))
