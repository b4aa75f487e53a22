"""Guesses how a delimited text file is written from its first records."""

import csv
import io
import re
from collections.abc import Sequence

from initsweep.datasets._wording import quoted
from initsweep.errors import DataError

SAMPLE_RECORDS = 100
CANDIDATES = (",", ";", "\t", "|")
RARE_DELIMITERS = (":", "~", "^", "\x01", "\x1f", " ")
MISSING = ("", "?", "na", "n/a", "#n/a", "nan", "-nan", "null")
"""What stands for a missing value, in any case. "None" is left alone: it may be a category."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)

Records = list[list[str]]


def is_number(text: str) -> bool:
    """Return whether the text is one number; "1_000" and "1,5" are none."""
    return NUMBER.fullmatch(text.strip()) is not None


def is_missing(text: str) -> bool:
    """Return whether the text stands for a missing value."""
    return text.strip().lower() in MISSING


def find_delimiter(text: str, path: str) -> str:
    """Return the delimiter that cuts the records into the most fields, the same for all.

    Raises:
        DataError: If none does.
    """
    widths = {}
    for candidate in CANDIDATES:
        found = {len(record) for record in records_of(text, candidate)}
        if len(found) == 1:
            widths[candidate] = found.pop()
    best = max(widths, key=lambda candidate: widths[candidate], default=None)
    if best is not None and widths[best] > 1:
        return best
    # Ragged records: take what the first record is cut by most, and let the reader name the line.
    first = next(iter(text.splitlines()), "")
    best = max(CANDIDATES, key=first.count)
    if not first.count(best):
        raise DataError(
            f"'{path}': line 1 is {quoted(first)}, which none of , ; | and tab cuts into columns. "
            f"{_other_delimiter(first)}; a table needs a target and at least one feature."
        )
    return best


def _other_delimiter(line: str) -> str:
    """Return what to do about a line that no usual delimiter cuts."""
    if re.search(r"\S {2,}\S", line):
        return "If runs of spaces do, write one tab for each: `sed 's/  */\\t/g' FILE > my.tsv`"
    found = next((one for one in RARE_DELIMITERS if one in line.strip()), None)
    if found is None:
        return "Set data.table.delimiter to what does"
    return f"If {found!r} does, set data.table.delimiter: {found!r}"


def records_of(text: str, delimiter: str) -> Records:
    """Return the first records of the text, empty lines left out; the last may be cut off."""
    found: Records = []
    try:
        for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if record:
                found.append(record)
            if len(found) == SAMPLE_RECORDS:
                break
    except csv.Error:
        return found
    return found


def check_names(names: Sequence[str], path: str, where: str) -> list[str]:
    """Return the names of the columns, an empty one replaced by "column N".

    Args:
        names: As they stand in the file.
        path: The file, for messages.
        where: Where in the file they stand.

    Raises:
        DataError: If two columns have the same name.
    """
    seen: dict[str, int] = {}
    checked = []
    for position, raw in enumerate(names):
        name = raw.strip() or f"column {position}"
        if name in seen:
            raise DataError(
                f"'{path}': columns {seen[name]} and {position} (from 0) are both called "
                f"{quoted(name)}; rename one in {where}"
                + (
                    ", or, if that is data and no names, set data.table.header: false."
                    if where == "line 1" and is_number(name)
                    else "."
                )
            )
        seen[name] = position
        checked.append(name)
    return checked
