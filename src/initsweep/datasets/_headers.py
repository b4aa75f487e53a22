"""Does the first line of a table name its columns? What to say where that is not plain."""

import re

from initsweep.datasets._sniffing import Records, is_missing, is_number
from initsweep.datasets._wording import quoted

WHOLE = re.compile(r"\d{1,15}")
YEARS = range(1800, 2200)


def has_header(records: Records) -> bool:
    """Return whether the first record names the columns.

    It does if a column has text there and numbers below; if its numbers count up by one (years,
    or 0, 1, 2, ...) and those of no record below do; or where all is text, if none of it occurs
    again below.
    """
    first, rest = records[0], records[1:]
    if not rest:
        return not any(is_number(field) for field in first)
    if _names_over_numbers(first, rest):
        return True
    if any(is_number(field) for field in first):
        return _counts_up(first, rest) and not _recurs(first, rest)
    below = {field for record in rest for field in record}
    return not below & set(first)


def header_contradicted(records: Records) -> bool:
    """Return whether the first record plainly names columns, for those who say it does not."""
    first, rest = records[0], records[1:]
    return _names_over_numbers(first, rest) and not any(map(is_number, first))


def said_of_header(path: str, records: Records, *, header: bool, chosen: bool) -> tuple[str, ...]:
    """Return what to say about the first line: what was assumed, or what speaks against it.

    Args:
        path: The file.
        records: Its first records.
        header: Whether the first one is taken as names.
        chosen: Whether the user has said so (`data.table.header`).

    Returns:
        No sentence, or one.
    """
    first, rest = records[0], records[1:]
    line = quoted(",".join(first))
    if not header:
        said = (
            f"Line 1 of '{path}', {line}, is taken as data, and columns are called 'column 0', "
            "'column 1' and so on; if it holds their names, set data.table.header: true."
        )
        return () if chosen else (said,)
    numeric = all(map(is_number, first)) and bool(first)
    if chosen:
        doubtful = (numeric and not _counts_up(first, rest)) or _recurs(first, rest)
    else:
        doubtful = numeric or _recurs(first, rest)
    if not doubtful:
        return ()
    return (
        f"Line 1 of '{path}', {line}, is taken as the names of columns; if it is data, set "
        "data.table.header: false.",
    )


def _names_over_numbers(first: list[str], rest: Records) -> bool:
    for name, column in zip(first, zip(*rest, strict=False), strict=False):
        values = [field for field in column if not is_missing(field)]
        if values and not is_number(name) and not is_missing(name) and all(map(is_number, values)):
            return True
    return False


def _counts_up(first: list[str], rest: Records) -> bool:
    """Return whether the numbers of the first record, and of it alone, are n, n + 1, n + 2, ..."""
    columns = [column for column, field in enumerate(first) if is_number(field)]
    return _consecutive([first[column] for column in columns]) and not any(
        _consecutive([record[column] for column in columns if column < len(record)])
        for record in rest
    )


def _consecutive(fields: list[str]) -> bool:
    if not all(WHOLE.fullmatch(field.strip()) for field in fields):
        return False
    numbers = list(map(int, fields))
    enough = len(numbers) > 2 or (len(numbers) == 2 and set(numbers) <= set(YEARS))
    return enough and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _recurs(first: list[str], rest: Records) -> bool:
    """Return whether some text of the first record occurs again below, in its own column."""
    return any(
        name in column
        for name, column in zip(first, zip(*rest, strict=False), strict=False)
        if not is_number(name) and not is_missing(name)
    )
