"""Records of different widths: what would make them alike, tried before it is said.

A repair that changes no value is made, and noticed. One that leaves something out or invents it is
left to the user, with the command that does it; what is printed here has been tried on the file.
"""

import re
from dataclasses import replace

from initsweep.core.errors import DataError
from initsweep.datasets.dialect import Dialect
from initsweep.datasets.faults import FaultError
from initsweep.datasets.file_records import Lines, Mended
from initsweep.datasets.texts import is_number

WHOLE = re.compile(r'\A"((?:[^"]|"")*)"\Z')
MOST_RANGES = 20
"""Of lines that a command leaves out one by one."""


def mend(path: str, lines: Lines, dialect: Dialect) -> Mended:
    """Return the file that holds these lines, with what makes all of its records as wide as most.

    Raises:
        DataError: If nothing does.
    """
    now = Mended(path=path, lines=lines, dialect=dialect)
    for repair in REPAIRS:
        if not now.odd:
            break
        tried = repair(now)
        if tried is not None and tried.odd_lines < now.odd_lines:
            now = tried
    if now.odd:
        raise DataError(now.fault)
    return now


def _singly(now: Mended) -> Mended | None:
    tried = now.noticed("fields are quoted singly.", now.lines, replace(now.dialect, quote="'"))
    return None if tried.odd else tried


def _spaces(now: Mended) -> Mended | None:
    return _at_runs(now) if now.dialect.delimiter == " " else None


def _tabs(now: Mended) -> Mended | None:
    tried = _at_runs(now) if now.dialect.delimiter == "\t" else None
    return None if tried is None or tried.odd else tried


def _at_runs(now: Mended) -> Mended:
    """Return the file cut where several spaces, or tabs and spaces, stand for one delimiter."""
    tried = []
    for run, said in ((r"\s+", "runs of spaces and tabs"), (r"\s{2,}|\t", "two spaces or more")):
        lines = [re.sub(run, "\t", line.strip()) for line in now.lines]
        dialect = replace(now.dialect, delimiter="\t")
        tried.append(now.noticed(f"{said} are taken for one delimiter.", lines, dialect))
    return min(tried, key=lambda one: one.odd_lines)


def _unquoted(now: Mended) -> Mended | None:
    """Return the file with quotation marks as text, all of them, or those that are left open."""
    start = next((one for one in now.odd if one.last > one.first), None)
    if start is None or not now.dialect.quote:
        return None
    said = (
        f"'{now.path}', line {start.first}: a quotation mark is left open there; what stands in "
        f"lines of its own up to line {start.last} became one field."
    )
    plain = replace(now, dialect=replace(now.dialect, quote=""))
    opened = now.lines[start.first - 1].rpartition('"')[2].split(now.dialect.delimiter)[0]
    if not plain.odd and not is_number(opened):
        return replace(plain, faults=(*now.faults, FaultError(said, sets={"quote": "none"})))
    lines, script = list(now.lines), list[str]()
    while start is not None and len(script) < MOST_RANGES:
        before, mark, after = lines[start.first - 1].rpartition('"')
        if not mark:
            return None
        lines[start.first - 1] = before + after
        script.append(rf'{start.first}s/\(.*\)"/\1/')
        left = replace(now, lines=lines)
        start = next((one for one in left.odd if one.last > one.first), None)
    if start is not None:
        script, lines = ['s/"//g'], [line.replace('"', "") for line in now.lines]
    return now.refused(said, lines, f"sed '{';'.join(script)}'")


def _escaped(now: Mended) -> Mended:
    lines = [line.replace(r"\"", '""') for line in now.lines]
    return now.noticed("quotation marks behind a backslash are taken for text.", lines)


def _padded(now: Mended) -> Mended:
    before = re.compile(rf'({re.escape(now.dialect.delimiter)}) +"')
    lines = [before.sub(r'\1"', line) for line in now.lines]
    return now.noticed("spaces before quotation marks are left out.", lines)


def _whole(now: Mended) -> Mended:
    lines = [WHOLE.sub(lambda found: found[1].replace('""', '"'), line) for line in now.lines]
    return now.noticed("lines that are quoted as a whole are cut, too.", lines)


def _trailing(now: Mended) -> Mended:
    """Return the file without delimiters behind the last column in which anything stands."""
    lines = list(now.lines)
    filled = (enumerate(one.fields, 1) for one in now.records)
    most = max((at for fields in filled for at, field in fields if field.strip()), default=0)
    for one in now.records:
        if len(one.fields) > most and one.first == one.last:
            lines[one.last - 1] = lines[one.last - 1].rstrip(" ")[: most - len(one.fields)]
    return now.noticed("delimiters at the ends of lines, with nothing behind, are left out.", lines)


def _short_header(now: Mended) -> Mended | None:
    first, cut = now.odd[0], now.dialect.delimiter
    if now.odd != now.records[:1] or len(first.fields) != now.width - 1:
        return None
    if any(map(is_number, first.fields)) or first.fields[0].startswith("#"):
        return None
    rows = [one.fields[0] for one in now.records[1:]]
    if len(set(rows)) < len(rows):  # R's row names are all different
        return None
    said = (
        f"'{now.path}', line {first.first}: {now.width - 1} names for {now.width} columns; "
        "where R writes a table, the first column, of row names, has none."
    )
    lines = list(now.lines)
    lines[first.first - 1] = f"row{cut}{lines[first.first - 1]}"
    shown = r"\t" if cut == "\t" else cut
    return now.refused(said, lines, f"sed '{first.first}s/^/row{shown}/'")


def _without(now: Mended) -> Mended | None:
    """Return the file without what is no record like the others: titles, comments, footers."""
    run = _leaving_out(now)
    if 2 * len(now.odd) > len(now.records) or now.width < 2 or not run:
        return None
    first = now.records[0]
    if first in now.odd and len(first.fields) > 1 and not first.fields[0].startswith("#"):
        below = next(one.fields for one in now.records if one not in now.odd)
        if any(map(is_number, below)) and not any(map(is_number, first.fields)):
            return None  # the names themselves
    gone = {line for one in now.odd for line in range(one.first, one.last + 1)}
    if run.startswith("grep"):
        gone |= {number for number, line in enumerate(now.lines, 1) if line.startswith("#")}
    lines = ["" if number in gone else line for number, line in enumerate(now.lines, 1)]
    return now.refused(now.fault, lines, run)


def _leaving_out(now: Mended) -> str:
    """Return the command that leaves out odd records, "" if there is no short one."""
    spans: list[list[int]] = []
    for one in now.odd:
        if spans and one.first == spans[-1][1] + 1:
            spans[-1][1] = one.last
        else:
            spans.append([one.first, one.last])
    if len(spans) <= MOST_RANGES:
        parts = (f"{first}d" if first == last else f"{first},{last}d" for first, last in spans)
        return f"sed '{';'.join(parts)}'"
    if all(now.lines[one.first - 1].startswith("#") for one in now.odd):
        return "grep -v '^#'"
    if now.notices or any('"' in line for line in now.lines):
        return ""
    return f"awk -F'[{now.dialect.delimiter}]' 'NF == {now.width}'"


REPAIRS = (
    _spaces,
    _unquoted,
    _escaped,
    _padded,
    _whole,
    _trailing,
    _tabs,
    _singly,
    _short_header,
    _without,
)
"""In the order in which they are tried: what reads more of the file as it is comes first."""
