"""Guesses how a delimited text file is written from its first records."""

import csv
import io
import re
from collections.abc import Sequence

from initsweep.errors import DataError

SAMPLE_RECORDS = 100
CANDIDATES = (",", ";", "\t", "|")
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
            f"'{path}': line 1 is '{first[:60]}', which none of , ; | and tab cuts into columns. "
            "Set data.table.delimiter; a table needs a target and at least one feature."
        )
    return best


def has_header(records: Records) -> bool:
    """Return whether the first record names the columns.

    It does if a column has text there and numbers below; where all is text, if none of it occurs
    again below.
    """
    first, rest = records[0], records[1:]
    if not rest:
        return not any(is_number(field) for field in first)
    for name, column in zip(first, zip(*rest, strict=False), strict=False):
        values = [field for field in column if not is_missing(field)]
        if values and not is_number(name) and not is_missing(name) and all(map(is_number, values)):
            return True
    if any(is_number(field) for field in first):
        return False
    below = {field for record in rest for field in record}
    return not below & set(first)


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


def check_names(names: Sequence[str], path: str) -> list[str]:
    """Return the names of the columns, an empty one replaced by "column N".

    Raises:
        DataError: If two columns have the same name.
    """
    seen: dict[str, int] = {}
    checked = []
    for position, raw in enumerate(names):
        name = raw.strip() or f"column {position}"
        if name in seen:
            raise DataError(
                f"'{path}': columns {seen[name]} and {position} (from 0) are both called '{name}'; "
                "rename one in line 1."
            )
        seen[name] = position
        checked.append(name)
    return checked
