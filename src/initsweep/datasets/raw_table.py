"""A table as it stands in a file, and the columns that parameters name in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

from initsweep.core.errors import DataError
from initsweep.core.params import Data
from initsweep.core.registry import did_you_mean
from initsweep.datasets.faults import FaultError
from initsweep.datasets.in_messages import legible_names, quoted
from initsweep.datasets.texts import is_number

SPLITS = {"train": "train training", "validation": "validation valid val dev", "test": "test"}
ABOVE = -1
"""The row of the names, where there are some."""

SPLIT_NAMES = {one: split for split, names in SPLITS.items() for one in names.split()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Columns as they stand in a file.

    Attributes:
        path: The file.
        columns: A pyarrow table; text where the format has no types.
        place: Says where a row stands, for messages: "line 7 of 'data/raw/my.csv'".
        without: Returns a command for the shell that leaves out rows, "" if there is none.
        names_made_up: Whether the file has no names of columns.
        unnamed: Columns that have no name where others have one.
        notices: What was assumed when it was read.
        faults: What must be decided before it can be used; the columns are as if it were.
    """

    path: str
    columns: Any
    place: Callable[[int], str]
    without: Callable[[Sequence[int]], str] = lambda _: ""
    names_made_up: bool = False
    unnamed: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    faults: tuple[FaultError, ...] = ()

    def rows(self, kept: np.ndarray, said: str) -> "Table":
        """Return some of the rows, with a notice of what the others are."""
        return replace(
            self,
            columns=self.columns.take(kept),
            place=lambda row: self.place(int(kept[row])),
            without=lambda rows: self.without(
                [row if row == ABOVE else int(kept[row]) for row in rows]
            ),
            notices=(*self.notices, said),
        )


def named(names: Sequence[str]) -> list[str]:
    """Return names of columns, all different: "column N" for an empty one, "x.1" for a second x."""
    found: dict[str, None] = {}
    for position, raw in enumerate(names):
        name = different = raw.strip() or f"column {position}"
        number = 0
        while different in found:
            number += 1
            different = f"{name}.{number}"
        found[different] = None
    return list(found)


def doubled(names: Sequence[str], path: str, where: str) -> str | None:
    """Return what to say if two columns have one name.

    Args:
        names: As they stand in the file.
        path: The file.
        where: Where in the file they stand.
    """
    seen: dict[str, int] = {}
    for position, raw in enumerate(names):
        name = raw.strip() or f"column {position}"
        if name not in seen:
            seen[name] = position
            continue
        hint = ""
        if where.startswith("line") and is_number(name):
            hint = "; or, if that is data and no names, set data.table.header: false"
        return (
            f"'{path}': columns {seen[name]} and {position} (from 0) are both called "
            f"{quoted(name)}; rename one in {where}{hint}."
        )
    return None


def without_blank_rows(table: Table) -> Table:
    """Return the table without rows of which every field is empty, as spreadsheets add them."""
    blank: Any = True
    for column in table.columns.columns:
        blank = compute.and_(blank, compute.equal(compute.utf8_trim_whitespace(column), ""))
        if not compute.any(blank).as_py():
            return table
    kept = np.flatnonzero(~np.array(blank.to_numpy(), bool))
    gone = table.columns.num_rows - len(kept)
    return table.rows(kept, f"'{table.path}': {gone} rows without any value are left out.")


def find_column(table: Table, wanted: str | int, key: str) -> str:
    """Return the name of a column given by name or position.

    A number that is no position may be a name: 2020, for instance.

    Raises:
        DataError: If there is none, with the closest name as a suggestion.
    """
    names = table.columns.column_names
    if isinstance(wanted, int):
        is_place, is_name = -len(names) <= wanted < len(names), str(wanted) in names
        if is_place and is_name and names[wanted] != str(wanted):
            end = "start" if wanted < 0 else "end"
            first, second = names.index(str(wanted)), wanted % len(names)
            if wanted >= 0:
                first, second = first - len(names), second - len(names)
            raise DataError(
                f"{key}: {wanted} could be the column called {quoted(wanted)} or the one at that "
                f"position, {quoted(names[wanted])}. Count from the {end}: {first} is the first, "
                f"{second} the second."
            )
        if is_place or is_name:
            return str(names[wanted] if is_place else wanted)
        raise DataError(
            f"{key}: '{table.path}' has {len(names)} columns, there is no column {wanted}; "
            "positions begin at 0, and -1 is the last."
        )
    if wanted in names:
        return wanted
    hint = "A position is written without quotes."
    if table.names_made_up:
        hint = "Line 1 is taken as data; if it holds the names, set data.table.header: true."
    raise DataError(
        f"{key}: '{table.path}' has no column {quoted(wanted)}.{did_you_mean(wanted, names)} "
        f"Its columns: {legible_names(names)}. {hint}"
    )


def joined(table: Table, test: Table) -> Table:
    """Return the rows of both tables as one table.

    Raises:
        DataError: If their columns are not the same.
    """
    names, others = table.columns.column_names, test.columns.column_names
    if set(names) != set(others) or len(names) != len(others):
        different = sorted(set(names) ^ set(others))
        raise DataError(
            f"data.table.test_file: '{test.path}' must have the same columns as '{table.path}'; "
            f"only one of them has {', '.join(map(quoted, different[:5]))}."
            + " Line 1 is taken as data in one of them; data.table.header says whether it is."
            * (table.names_made_up != test.names_made_up)
        )
    rows = table.columns.num_rows
    try:
        columns = pa.concat_tables([table.columns, test.columns.select(names)])
    except pa.ArrowInvalid as error:
        raise DataError(
            f"data.table.test_file: columns of '{test.path}' have other types than in "
            f"'{table.path}': {error}."
        ) from None
    return replace(
        table,
        columns=columns,
        notices=(*table.notices, *test.notices),
        faults=(*table.faults, *test.faults),
        place=lambda row: table.place(row) if row < rows else test.place(row - rows),
        without=lambda chosen: table.without(chosen) if max(chosen) < rows else "",
    )


def given_split(table: Table, settings: Data, rows: int) -> np.ndarray | None:
    """Return the split of every row as far as the data gives one.

    Raises:
        DataError: If a row says anything else than a split, or none is a training row.
    """
    column, total = settings.table.split_column, table.columns.num_rows
    if column is None:
        return None if total == rows else np.where(np.arange(total) < rows, "", "test")
    name = find_column(table, column, "data.table.split_column")
    split = []
    for row, value in enumerate(table.columns[name].to_pylist()):
        known = SPLIT_NAMES.get(str(value).strip().lower())
        if known is None:
            raise DataError(
                f"{table.place(row)}: {quoted(name)} is {quoted(value)}; a split column says "
                "train, validation or test in every row."
            )
        split.append(known)
    return np.array(split)
