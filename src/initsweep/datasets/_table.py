"""From named columns to a `Dataset`: target, features, given splits."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from initsweep.datasets import Dataset
from initsweep.datasets._columns import Feature, read_feature
from initsweep.datasets._faults import FaultError, refuse_all
from initsweep.datasets._given import Table, find_column, given_split, joined
from initsweep.datasets._suspects import identifiers, said_of_categories, said_of_numbers
from initsweep.datasets._target import Target, has_target, read_target
from initsweep.datasets._values import markers_of
from initsweep.datasets._wording import quoted
from initsweep.errors import DataError
from initsweep.params import Data
from initsweep.user_files import refuse_large

BYTES_PER_CELL = 8
"""A feature of a table is held in double precision."""


def with_test(read: Callable[[Path, str], Table], location: str, settings: Data) -> Dataset:
    """Return the table that `read` makes of a file, and the test file's rows if there is one.

    Args:
        read: Takes a file, and the key that names it.
        location: The file.
        settings: The section `data`.
    """
    other = settings.table.test_file
    test = None if other is None else (Path(other), "data.table.test_file")
    main = read(Path(location), "data.source")
    return to_dataset(main, settings, None if test is None else read(*test))


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
    if not rows:
        raise DataError(f"'{table.path}' has columns but no rows; write it again.")
    if test is not None:
        table = joined(table, test)
    try:
        target = find_column(table, settings.table.target, "data.table.target")
        split = given_split(table, settings, rows)
        if settings.table.drop_missing_target:
            table, split = _with_target(table, target, settings, split)
        return _dataset(table, settings, target, split)
    except DataError as error:
        named = table.path in str(error) or (test is not None and test.path in str(error))
        raise error if named else DataError(f"'{table.path}': {error}") from None


def _dataset(table: Table, settings: Data, target: str, split: np.ndarray | None) -> Dataset:
    options, names = settings.table, table.columns.column_names
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


def _read(
    table: Table, settings: Data, target: str, chosen: list[str], forced: set[str]
) -> tuple[list[Feature], Target]:
    """Return the features and the target.

    Raises:
        DataError: Naming all that is wrong with the file and its columns.
    """
    options, columns = settings.table, table.columns
    faults: list[DataError] = list(table.faults)
    features = []
    for name in chosen:
        try:
            features.append(
                read_feature(name, columns[name], table.place, options, as_category=name in forced)
            )
        except DataError as error:
            faults.append(error)
    try:
        if options.encoding == "onehot":
            known = has_target(columns[target], options)
            faults += identifiers([one for one in features if one.name not in forced], known)
        answer = read_target(
            target,
            columns[target],
            table.place,
            settings.task,
            options,
            chosen,
            as_written=target in forced,
        )
    except DataError as error:
        faults.append(error)
    refuse_all(_by_row(faults, table), table.path, columns.column_names, options)
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
        run = table.without(rows) if len(same) > 1 and (len(texts) > 1 or rows in ends) else ""
        if run:
            values = quoted(",".join(str(column[rows[0]]) for column in table.columns.columns))
            place = table.place(rows[0])
            said = (
                f"{place[0].upper()}{place[1:]} is {values}{', as others are' * (len(rows) > 1)}, "
                "and all other rows are different: is it a line of names, units or a total?"
            )
            return [*(one for one in faults if one not in same), FaultError(said, run=run)]
    return faults


def _with_target(
    table: Table, target: str, settings: Data, split: np.ndarray | None
) -> tuple[Table, np.ndarray | None]:
    """Leave out the rows that have no target, and say how many.

    Returns:
        The other rows, and their splits.

    Raises:
        DataError: If none has one.
    """
    kept = np.flatnonzero(has_target(table.columns[target], settings.table))
    gone = table.columns.num_rows - len(kept)
    if not len(kept):
        raise DataError(
            f"The target {quoted(target)} is missing in every row; set data.table.target to "
            "another column."
        )
    said = (
        f"{gone} of {table.columns.num_rows} rows without a target {quoted(target)} are left out."
    )
    rest = table if not gone else table.rows(kept, said)
    return rest, split if split is None else split[kept]
