"""From named columns to a `Dataset`: target, features, given splits."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from initsweep.core.errors import DataError
from initsweep.core.params import Data
from initsweep.core.user_files import refuse_large
from initsweep.datasets import Dataset
from initsweep.datasets.columns import Column, Feature, read_feature
from initsweep.datasets.faults import FaultError, refuse_all
from initsweep.datasets.in_messages import quoted
from initsweep.datasets.raw_table import ABOVE, Table, find_column, given_split, joined
from initsweep.datasets.suspects import identifiers, said_of_categories
from initsweep.datasets.target import Target, missing_everywhere, read_target, said_of_numbers
from initsweep.datasets.texts import markers_of

BYTES_PER_CELL = 8
"""A feature of a table is held in double precision."""


def with_test(read: Callable[[Path, str], Table], location: str, settings: Data) -> Dataset:
    """Return the table that `read` makes of a file, and the test file's rows if there is one.

    Categorical features are positions among their sorted categories.

    Args:
        read: Takes a file, and the key that names it.
        location: The file.
        settings: The section `data`.

    Raises:
        DataError: Naming file, column, line and value of what cannot be used.
    """
    table, other = read(Path(location), "data.source"), settings.table.test_file
    test = None if other is None else read(Path(other), "data.table.test_file")
    rows = table.columns.num_rows
    if not rows:
        raise DataError(f"'{table.path}' has columns but no rows; write it again.")
    if test is not None:
        table = joined(table, test)
    try:
        target = find_column(table, settings.table.target, "data.table.target")
        split = given_split(table, settings, rows)
        if settings.table.drop_missing_target:
            table, split = _with_target(_column(table, target, settings), table, split)
        return _dataset(table, settings, target, split)
    except DataError as error:
        named = table.path in str(error) or (test is not None and test.path in str(error))
        raise error if named else DataError(f"'{table.path}': {error}") from None


def _column(table: Table, name: str, settings: Data, *, is_target: bool = True) -> Column:
    return Column(
        name=name,
        values=table.columns[name],
        place=table.place,
        options=settings.table,
        is_target=is_target,
    )


def _dataset(table: Table, settings: Data, target: str, split: np.ndarray | None) -> Dataset:
    options = settings.table
    chosen = _chosen(table, settings, target)
    refuse_large(f"'{table.path}'", table.columns.num_rows * len(chosen) * BYTES_PER_CELL)
    declared = () if options.categorical == "auto" else options.categorical
    forced = {find_column(table, one, "data.table.categorical") for one in declared}
    features, answer = _read(table, settings, target, chosen, forced)
    own = [one for one in features if one.name not in forced]
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
        missing=markers_of(options.missing),
        decimals={one.name: one.decimal for one in features if one.decimal},
        unnamed=table.unnamed,
        notices=(
            *table.notices,
            *answer.notices,
            *said_of_numbers([*features, answer]),
            *said_of_categories(own, options.encoding),
        ),
    )


def _chosen(table: Table, settings: Data, target: str) -> list[str]:
    options = settings.table
    skipped = {find_column(table, one, "data.table.drop") for one in options.drop}
    if target in skipped:
        raise DataError(f"data.table.drop: {quoted(target)} is the target (data.table.target).")
    if options.split_column is not None:
        skipped.add(find_column(table, options.split_column, "data.table.split_column"))
    chosen = [name for name in table.columns.column_names if name not in {target, *skipped}]
    if not chosen:
        raise DataError(
            f"'{table.path}': no feature is left beside the target {quoted(target)}; a table needs "
            "another column that is not under data.table.drop."
        )
    return chosen


def _read(
    table: Table, settings: Data, target: str, chosen: list[str], forced: set[str]
) -> tuple[list[Feature], Target]:
    # Features and target; what is wrong with the file and its columns is said all at once.
    options, faults = settings.table, list[DataError](table.faults)
    features = []
    for name in chosen:
        column = _column(table, name, settings, is_target=False)
        try:
            features.append(read_feature(column, as_category=name in forced))
        except DataError as error:
            faults.append(error)
    column = _column(table, target, settings)
    try:
        if options.encoding == "onehot":
            own = [one for one in features if one.name not in forced]
            faults += identifiers(own, ~column.is_missing)
        answer = read_target(column, settings.task, chosen, as_written=target in forced)
    except DataError as error:
        faults.append(error)
    refuse_all(_by_row(faults, table), table.path, table.columns.column_names, options)
    return features, answer


def _by_row(faults: list[DataError], table: Table) -> list[DataError]:
    """Return faults with one in place of those that are about the same rows: names, units, totals.

    A marker may be missing twice in the same rows; there it is the same text.
    """
    by_rows: dict[tuple[int, ...], list[FaultError]] = {}
    for one in faults:
        if isinstance(one, FaultError) and one.rows:
            by_rows.setdefault(one.rows, []).append(one)
    ends = {(0,), (table.columns.num_rows - 1,)}
    for rows, same in by_rows.items():
        texts = {str(one.sets.get("missing")) for one in same}
        gone = rows
        if rows == (0,) and len(table.unnamed) == table.columns.num_columns - 1 > 1:
            # A title alone where names should be, which then stand below.
            gone = (ABOVE,)
        run = table.without(gone) if len(same) > 1 and (len(texts) > 1 or rows in ends) else ""
        if run:
            values = quoted(",".join(str(column[rows[0]]) for column in table.columns.columns))
            place = table.place(rows[0])
            said = (
                f"{place[0].upper()}{place[1:]} is {values}{', as others are' * (len(rows) > 1)}, "
                "and all other rows are different: is it a line of names, units or a total?"
            )
            others = [one for one in faults if one not in same]
            known = [one for one in others if isinstance(one, FaultError)]
            if (
                rows == (0,)
                and table.names_made_up
                and not any("drop" in one.sets for one in known)
            ):
                return [*others, FaultError(said, sets={"header": True})]
            for one in known:
                one.run = ""  # the new command does it too
            return [*others, FaultError(said, run=run)]
    return faults


def _with_target(
    target: Column, table: Table, split: np.ndarray | None
) -> tuple[Table, np.ndarray | None]:
    # The rows that have a target, and their splits.
    kept, rows = np.flatnonzero(~target.is_missing), table.columns.num_rows
    if not len(kept):
        raise DataError(missing_everywhere(target.name))
    if len(kept) == rows:
        return table, split
    said = f"{rows - len(kept)} of {rows} rows without a target {quoted(target.name)} are left out."
    return table.rows(kept, said), split if split is None else split[kept]
