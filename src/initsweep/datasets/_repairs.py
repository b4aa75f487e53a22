"""Records of different widths: what would make them alike, tried before it is said.

A repair that changes no value is made, and noticed. One that leaves something out or invents it is
left to the user, with the command that does it; whatever is printed here has been tried on the file.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from initsweep.datasets._dialect import Dialect
from initsweep.datasets._faults import Fault
from initsweep.datasets._values import MISSING, is_number
from initsweep.datasets._wording import quoted
from initsweep.errors import DataError, few

Lines = list[str]
WHOLE = re.compile(r'"((?:[^"]|"")*)"')
MOST_RANGES = 20
"""Of lines that a command leaves out one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """A file as repairs make it.

    Attributes:
        lines: Its lines; those left out are empty, so that all keep their numbers.
        dialect: How these are written.
        notices: What was changed, for the user to know.
        faults: What the user must decide.
        filters: Commands for the shell that do what they say.
    """

    lines: Lines
    dialect: Dialect
    notices: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    filters: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """A record of another width than most, and the lines that it takes."""

    first: int
    last: int
    fields: list[str]


def mend(path: str, lines: Lines, dialect: Dialect) -> Mended:
    """Try what could make all records of a file as wide as most.

    Args:
        path: The file, for messages.
        lines: All of its lines, without their ends.
        dialect: How they are written.

    Raises:
        DataError: If nothing does.
    """
    now = Mended(lines=lines, dialect=dialect)
    width, odd = odd_records(now)
    for repair in (_spaces, _unquoted, _escaped, _whole, _trailing, _short_header, _without):
        if not odd:
            break
        tried = repair(path, now, width, odd)
        if tried is not None and len(odd_records(tried)[1]) < len(odd):
            now, (width, odd) = tried, odd_records(tried)
    if odd:
        raise DataError(_said(path, now, width, odd))
    return now


def odd_records(now: Mended) -> tuple[int, list[Odd]]:
    """Return how wide most records are, and those that are not, or that hold others."""
    found: list[Odd] = []
    try:
        for line, record in now.dialect.records(f"{line}\n" for line in now.lines):
            last = line + sum(one.count("\n") for one in record)
            found.append(Odd(first=line, last=last, fields=record))
    except csv.Error:
        line = found[-1].last + 1 if found else 1
        found.append(Odd(first=line, last=len(now.lines), fields=[]))
    if not found:
        return 0, []
    width = Counter(len(one.fields) for one in found).most_common(1)[0][0]
    # Of an empty field between spaces, nobody knows.
    spaced = now.dialect.delimiter == " "
    odd = [
        one
        for one in found
        if len(one.fields) != width or (spaced and "" in one.fields) or len(one.fields) == 1
    ]
    return width, odd or _swallowing(now, found, width)


def _swallowing(now: Mended, records: Sequence[Odd], width: int) -> list[Odd]:
    """Return records of several lines that, cut without quotation marks, are records each.

    That is, as wide as the others, with numbers where all others have some, and one of the few
    texts where there are few.
    """
    several = [one for one in records if one.last > one.first]
    if not several:
        return []
    plain = replace(now.dialect, quote="", skipped=0)
    single = [one.fields for one in records[1:] if one.last == one.first]
    kinds = [_kind(column) for column in zip(*single, strict=True)]
    return [
        one
        for one in several
        if all(
            len(record) == width and _fits(record, kinds)
            for _, record in plain.records(now.lines[one.first - 1 : one.last])
        )
    ]


def _kind(values: Sequence[str]) -> set[str] | None:
    """Return what a column holds: numbers (no text), a few texts, or anything (None)."""
    distinct = set(values)
    if all(is_number(value) or value.lower() in MISSING for value in distinct):
        return set()
    return distinct if 2 * len(distinct) <= len(values) else None


def _fits(record: Sequence[str], kinds: Sequence[set[str] | None]) -> bool:
    """Return whether a line is a record like the others, as far as they are alike."""
    known = [(value, kind) for value, kind in zip(record, kinds, strict=False) if kind is not None]
    if not known:
        return len(record) > 2
    numbers = [is_number(value) or value.lower() in MISSING for value, kind in known if not kind]
    texts = [value in kind for value, kind in known if kind and '"' not in value]
    return all(numbers) and 2 * sum(texts) >= len(texts) and bool(sum(numbers) + sum(texts))


def _spaces(path: str, now: Mended, width: int, odd: Sequence[Odd]) -> Mended | None:
    if now.dialect.delimiter not in " \t":
        return None
    said = f"'{path}' is cut at runs of spaces and tabs."
    return replace(
        now,
        lines=["\t".join(line.split()) for line in now.lines],
        dialect=replace(now.dialect, delimiter="\t"),
        notices=[*now.notices, said],
    )


def _unquoted(path: str, now: Mended, width: int, odd: Sequence[Odd]) -> Mended | None:
    """Take quotation marks for text, all of them, or those that are left open."""
    start = next((one for one in odd if one.last > one.first), None)
    if start is None or not now.dialect.quote:
        return None
    said = (
        f"'{path}', line {start.first}: a quotation mark is left open there; up to line {start.last}, "
        "what stands in lines of its own became one field."
    )
    plain = replace(now, dialect=replace(now.dialect, quote=""))
    opened = now.lines[start.first - 1].rpartition('"')[2].split(now.dialect.delimiter)[0]
    if not odd_records(plain)[1] and not is_number(opened):
        return replace(plain, faults=[*now.faults, Fault(said, quote="none")])
    lines, script = list(now.lines), []
    while start is not None and len(script) < MOST_RANGES:
        before, mark, after = lines[start.first - 1].rpartition('"')
        if not mark:
            return None
        lines[start.first - 1] = before + after
        script.append(rf'{start.first}s/\(.*\)"/\1/')
        left = odd_records(replace(now, lines=lines))[1]
        start = next((one for one in left if one.last > one.first), None)
    return _left_to_user(now, lines, said, f"sed '{';'.join(script)}'")


def _escaped(path: str, now: Mended, width: int, odd: Sequence[Odd]) -> Mended | None:
    said = f"'{path}': quotation marks behind a backslash are taken as text."
    return _rewritten(now, lambda line: line.replace(r"\"", '""'), said)


def _whole(path: str, now: Mended, width: int, odd: Sequence[Odd]) -> Mended | None:
    def opened(line: str) -> str:
        found = WHOLE.fullmatch(line)
        return line if found is None else found[1].replace('""', '"')

    return _rewritten(now, opened, f"'{path}': lines that are quoted as a whole are cut, too.")


def _trailing(path: str, now: Mended, width: int, odd: Sequence[Odd]) -> Mended | None:
    """Leave out delimiters behind the last column that has a name, where nothing follows them."""
    cut = now.dialect.delimiter
    named = next(len(record) for _, record in now.dialect.records(now.lines))
    surplus = {}
    for line, record in now.dialect.records(now.lines):
        most = width if named >= width else named
        if len(record) > most and not any(one.strip() for one in record[most:]):
            surplus[line] = len(record) - most
    said = f"'{path}': delimiters at the ends of lines, behind which nothing stands, are left out."
    lines = list(now.lines)
    for line, count in surplus.items():
        lines[line - 1] = lines[line - 1].rstrip(" ")[:-count] if cut != " " else lines[line - 1]
    return replace(now, lines=lines, notices=[*now.notices, said])


def _short_header(path: str, now: Mended, width: int, odd: Sequence[Odd]) -> Mended | None:
    first, cut = odd[0], now.dialect.delimiter
    if len(odd) > 1 or len(first.fields) != width - 1 or any(map(is_number, first.fields)):
        return None
    if first.first != next(now.dialect.records(now.lines))[0]:
        return None
    said = (
        f"'{path}', line {first.first}: {width - 1} names for {width} columns; where R writes a "
        "table, the first column, of row names, has none."
    )
    lines = list(now.lines)
    lines[first.first - 1] = f"row{cut}{lines[first.first - 1]}"
    shown = r"\t" if cut == "\t" else cut
    return _left_to_user(now, lines, said, f"sed '{first.first}s/^/row{shown}/'")


def _without(path: str, now: Mended, width: int, odd: Sequence[Odd]) -> Mended | None:
    """Leave out what is no record like the others: titles, comments, footers, slips."""
    records = sum(1 for _ in now.dialect.records(now.lines))
    leaving_out = _leaving_out(now, width, odd)
    if 2 * len(odd) > records or width < 2 or not leaving_out:
        return None
    comments = leaving_out.startswith("grep")
    gone = {line for one in odd for line in range(one.first, one.last + 1)}
    lines = [
        "" if number in gone or (comments and line.startswith("#")) else line
        for number, line in enumerate(now.lines, 1)
    ]
    return _left_to_user(now, lines, _said(path, now, width, odd), leaving_out)


def _leaving_out(now: Mended, width: int, odd: Sequence[Odd]) -> str:
    """Return the command that leaves out records, "" if there is no short one."""
    spans: list[list[int]] = []
    for one in odd:
        if spans and one.first == spans[-1][1] + 1:
            spans[-1][1] = one.last
        else:
            spans.append([one.first, one.last])
    if len(spans) <= MOST_RANGES:
        parts = (f"{first}d" if first == last else f"{first},{last}d" for first, last in spans)
        return f"sed '{';'.join(parts)}'"
    if all(now.lines[one.first - 1].startswith("#") for one in odd):
        return "grep -v '^#'"
    if any('"' in line for line in now.lines):
        return ""
    return f"awk -F'[{now.dialect.delimiter}]' 'NF == {width}'"


def _said(path: str, now: Mended, width: int, odd: Sequence[Odd]) -> str:
    first = odd[0]
    more = f"; more in lines {few([str(one.first) for one in odd[1:]], 5)}" if len(odd) > 1 else ""
    return (
        f"'{path}', line {first.first}: {len(first.fields)} fields, "
        f"{quoted(now.lines[first.first - 1])}, but most records have {width} (delimiter "
        f"{now.dialect.delimiter!r}){more}. Correct that (a field that holds the delimiter needs "
        "quotes, a missing value is an empty field), or leave it out."
    )


def _rewritten(now: Mended, rewrite: Callable[[str], str], said: str) -> Mended:
    return replace(now, lines=[rewrite(line) for line in now.lines], notices=[*now.notices, said])


def _left_to_user(now: Mended, lines: Lines, said: str, run: str) -> Mended:
    faults, filters = [*now.faults, Fault(said)], [*now.filters, run]
    return replace(now, lines=lines, faults=faults, filters=filters)
