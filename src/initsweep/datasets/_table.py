"""From named columns to a `Dataset`: target, features, given splits."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from initsweep.datasets import Dataset
from initsweep.datasets._columns import read_feature
from initsweep.datasets._suspects import refuse_identifiers, row_numbers, said_of_categories
from initsweep.datasets._target import read_target
from initsweep.datasets._wording import listed, quoted
from initsweep.errors import DataError
from initsweep.params import Data
from initsweep.registry import did_you_mean
from initsweep.user_files import refuse_large

BYTES_PER_CELL = 8
"""A feature of a table is held in double precision."""

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Columns as they stand in a file.

    Attributes:
        path: The file.
        columns: A pyarrow table; text where the format has no types.
        place: Says where a row stands, for messages: "line 7 of 'data/raw/my.csv'".
        names_made_up: Whether the file has no names of columns.
        notices: What was assumed when it was read.
    """

    path: str
    columns: Any
    place: Callable[[int], str]
    names_made_up: bool = False
    notices: tuple[str, ...] = ()


def to_dataset(table: Table, settings: Data, test: Table | None = None) -> Dataset:
    """Return the table as a data set.

    Args:
        table: The rows.
        settings: The section `data`.
        test: More rows with the same columns, all of them test rows.

    Returns:
        The data set; categorical features as positions among their sorted categories.

    Raises:
        DataError: Naming file, column, line and value of what cannot be used.
    """
    rows = table.columns.num_rows
    if test is not None:
        table = _joined(table, test)
    try:
        return _dataset(table, settings, _given_split(table, settings, rows))
    except DataError as error:
        named = table.path in str(error) or (test is not None and test.path in str(error))
        raise error if named else DataError(f"'{table.path}': {error}") from None


def _dataset(table: Table, settings: Data, split: np.ndarray | None) -> Dataset:
    options, names = settings.table, table.columns.column_names
    target = find_column(table, options.target, "data.table.target")
    skipped = {find_column(table, one, "data.table.drop") for one in options.drop}
    if target in skipped:
        raise DataError(f"data.table.drop: {quoted(target)} is the target (data.table.target).")
    if options.split_column is not None:
        skipped.add(find_column(table, options.split_column, "data.table.split_column"))
    chosen = [name for name in names if name != target and name not in skipped]
    if not chosen:
        raise DataError(
            f"'{table.path}': no feature is left beside the target {quoted(target)}; a table needs "
            "another column that is not under data.table.drop."
        )
    refuse_large(f"'{table.path}'", table.columns.num_rows * len(chosen) * BYTES_PER_CELL)
    declared = () if options.categorical == "auto" else options.categorical
    forced = {find_column(table, one, "data.table.categorical") for one in declared}
    features = [
        read_feature(name, table.columns[name], table.place, as_category=name in forced)
        for name in chosen
    ]
    answer = read_target(target, table.columns[target], table.place, settings.task, chosen)
    own = [one for one in features if one.name not in forced]
    if options.encoding == "onehot":
        refuse_identifiers(own)
    return Dataset(
        task=answer.task,
        features=np.column_stack([feature.values for feature in features]),
        targets=answer.values,
        feature_names=tuple(chosen),
        class_names=answer.class_names,
        reference=table.path,
        target_name=target,
        categories={one.name: one.categories for one in features if one.categories is not None},
        encoding=options.encoding,
        is_table=True,
        split=split,
        notices=(
            *table.notices,
            *answer.notices,
            *row_numbers(features),
            *said_of_categories(own, options.encoding),
        ),
    )


def find_column(table: Table, wanted: str | int, key: str) -> str:
    """Return the name of a column given by name or position.

    A number that is no position may be a name: 2020, for instance.

    Raises:
        DataError: If there is none, with the closest name as a suggestion.
    """
    names = table.columns.column_names
    if isinstance(wanted, int):
        if -len(names) <= wanted < len(names):
            return str(names[wanted])
        if str(wanted) in names:
            return str(wanted)
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
        f"Its columns: {listed(names)}. {hint}"
    )


def _joined(table: Table, test: Table) -> Table:
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
        place=lambda row: table.place(row) if row < rows else test.place(row - rows),
    )


def _given_split(table: Table, settings: Data, rows: int) -> np.ndarray | None:
    """Return the split of every row as far as the data gives one.

    Raises:
        DataError: If a row says anything else than a split, or none is a training row.
    """
    options = settings.table
    total = table.columns.num_rows
    if options.split_column is None:
        if total == rows:
            return None
        return np.where(np.arange(total) < rows, "", "test")
    name = find_column(table, options.split_column, "data.table.split_column")
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
