"""Columns that may be no measurement: numbers and names of rows, dates, nearly unique text."""

from collections.abc import Sequence

import numpy as np

from initsweep.datasets._columns import Feature
from initsweep.datasets._faults import FaultError
from initsweep.datasets._target import Target
from initsweep.datasets._texts import FEW_CATEGORIES, likeness
from initsweep.datasets._wording import quoted
from initsweep.errors import few
from initsweep.preprocessing import plain_number

IDENTIFIER = 0.9
"""A category of its own in more of the rows than this: nothing is learned from one row each."""

MANY = 0.5
"""From here on most categories have a row or two."""


def identifiers(features: Sequence[Feature], known: np.ndarray) -> list[FaultError]:
    """Return what is wrong with text that has a value of its own in nearly every row.

    One-hot, each value would become a feature.

    Args:
        features: Those that the user has not declared categorical.
        known: Which rows have a target, shape (rows,), bool.

    Returns:
        One fault for all of them, if there are any.
    """
    shown = {}
    for one in features:
        different, rows = _different(one.values[known])
        if one.categories is not None and different > max(FEW_CATEGORIES, IDENTIFIER * rows):
            meant = likeness(one.categories)
            kind = f"{meant.what}, " if meant is not None else ""
            shown[one.name] = (
                f"{quoted(one.name)} ({kind}{different} different values in {rows} rows, such as "
                f"{quoted(one.categories[0])})"
            )
    said = (
        f"Nearly every row has a value of its own in {' and '.join(shown.values())}. Each would "
        "become a feature, and nothing can be learned from one row each. What is no name of the "
        "row, write as numbers or in fewer categories (data.table.categorical keeps it)."
    )
    return [FaultError(said, sets={"drop": list(shown)})] if shown else []


def said_of_numbers(columns: Sequence[Feature | Target]) -> list[str]:
    """Return what to say of numbers that are not written as Python writes them, in one line."""
    found = [
        f"{quoted(one.written)} in {quoted(one.name)} is {plain_number(one.written, one.decimal)}"
        for one in columns
        if one.decimal
    ]
    return [f"Numbers are read without signs and separators: {few(found)}."] if found else []


def said_of_categories(features: Sequence[Feature], encoding: str) -> list[str]:
    """Return what to say of text that became categories: dates and the like, or very many.

    Args:
        features: Those that the user has not declared categorical.
        encoding: "onehot" or "ordinal".
    """
    found = []
    for feature in features:
        if feature.categories is None or len(feature.categories) <= FEW_CATEGORIES:
            continue
        count, meant = len(feature.categories), likeness(feature.categories)
        taken = f"taken as {count} categories" + ", a feature each" * (encoding == "onehot")
        if meant is not None:
            found.append(
                f"Column {quoted(feature.name)} holds {meant.what}, such as "
                f"{quoted(meant.example)}, and is {taken}. {meant.remedy}, or list it under "
                "data.table.drop."
            )
        elif count > MANY * (rows := _different(feature.values)[1]):
            found.append(
                f"Column {quoted(feature.name)} has {count} different values in {rows} rows and is "
                f"{taken}. If it names the rows, list it under data.table.drop."
            )
    return found


def _different(values: np.ndarray) -> tuple[int, int]:
    """Return how many different values there are, and in how many rows."""
    present = values[~np.isnan(values)]
    return len(np.unique(present)), len(present)
