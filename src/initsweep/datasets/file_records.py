"""The records of a file as they are, or as repairs would make them: which are odd, and why."""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from initsweep.core.errors import few
from initsweep.datasets.dialect import Dialect, uncut
from initsweep.datasets.faults import FaultError
from initsweep.datasets.in_messages import quoted
from initsweep.datasets.texts import MISSING, is_number

Lines = list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record, and the lines that it takes."""

    first: int
    last: int
    fields: list[str]


@dataclass(frozen=True, kw_only=True)
class Mended:
    """A file as repairs make it.

    Attributes:
        path: The file, for messages.
        lines: Its lines; those left out are empty, so that all keep their numbers.
        dialect: How these are written.
        notices: What was changed, for the user to know.
        faults: What the user must decide.
        filters: Commands for the shell that do what the faults say.
    """

    path: str
    lines: Lines
    dialect: Dialect
    notices: tuple[str, ...] = ()
    faults: tuple[FaultError, ...] = ()
    filters: tuple[str, ...] = ()

    def noticed(self, said: str, lines: Lines, dialect: Dialect | None = None) -> "Mended":
        """Return the file with other lines, which hold the same."""
        notices = (*self.notices, f"'{self.path}': {said}")
        return replace(self, lines=lines, dialect=dialect or self.dialect, notices=notices)

    def refused(self, said: str, lines: Lines, run: str) -> "Mended":
        """Return the file with other lines, as the command `run` makes them."""
        faults = (*self.faults, FaultError(said))
        return replace(self, lines=lines, faults=faults, filters=(*self.filters, run))

    @cached_property
    def records(self) -> list[Record]:
        """All of them; one that is left open, and longer than Python reads, has no fields."""
        found: list[Record] = []
        try:
            for line, fields in self.dialect.records(f"{line}\n" for line in self.lines):
                last = min(len(self.lines), line + sum(one.count("\n") for one in fields))
                found.append(Record(first=line, last=last, fields=fields))
        except csv.Error:
            line = found[-1].last + 1 if found else 1
            found.append(Record(first=line, last=len(self.lines), fields=[]))
        return found

    @cached_property
    def width(self) -> int:
        """How wide most are."""
        widths = Counter(len(one.fields) for one in self.records)
        return widths.most_common(1)[0][0] if widths else 0

    @cached_property
    def odd(self) -> list[Record]:
        """Those that are not as wide, or that hold others."""
        spaced = self.dialect.delimiter == " "  # of an empty field between spaces, nobody knows
        odd = [
            one
            for one in self.records
            if len(one.fields) != max(self.width, 2) or (spaced and "" in one.fields)
        ]
        return odd or _swallowing(self)

    @property
    def odd_lines(self) -> int:
        """How many lines the odd ones take."""
        return sum(one.last - one.first + 1 for one in self.odd)

    @property
    def fault(self) -> str:
        """What is wrong with the odd ones."""
        first, *others = self.odd
        if self.width < 2:
            return uncut(self.path, first.first, self.lines[first.first - 1])
        more = f"; more in lines {few([str(one.first) for one in others], 5)}" if others else ""
        return (
            f"'{self.path}', line {first.first}: {len(first.fields)} fields, "
            f"{quoted(self.lines[first.first - 1])}, but most records have {self.width} (delimiter "
            f"{self.dialect.delimiter!r}){more}. Correct that (a field that holds the delimiter "
            "needs quotes, a missing value is an empty field), or leave it out."
        )


def _swallowing(now: Mended) -> list[Record]:
    """Return records of several lines that, cut without quotation marks, are records each.

    That is, as wide as the others, with numbers where all others have some, and one of the few
    texts where there are few; or with text right behind the second quotation mark, which ends no
    field that is quoted on purpose.
    """
    several = [one for one in now.records if one.last > one.first]
    if not several:
        return []
    plain = replace(now.dialect, quote="", skipped=0)
    single = [one.fields for one in now.records[1:] if one.last == one.first]
    kinds = [_kind(column) for column in zip(*single, strict=True)]

    def holds_records(one: Record) -> bool:
        lines = now.lines[one.first - 1 : one.last]
        inner = [record for _, record in plain.records(lines)]
        if any(len(record) != now.width for record in inner):
            return False
        return _is_torn(now.dialect, lines) or all(_fits(record, kinds) for record in inner)

    return [one for one in several if holds_records(one)]


def _is_torn(dialect: Dialect, lines: Lines) -> bool:
    """Return whether something other than a delimiter stands behind a quoted field."""
    try:
        list(dialect.records((f"{line}\n" for line in lines), strict=True))
    except csv.Error:
        return True
    return False


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
