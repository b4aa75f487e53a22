"""Columns that may be no measurement: numbers and names of rows, dates, nearly unique text."""

from collections.abc import Sequence

import numpy as np

from initsweep.datasets._columns import Feature
from initsweep.datasets._faults import FaultError
from initsweep.datasets._likeness import likeness
from initsweep.datasets._numbers import FEW_CATEGORIES
from initsweep.datasets._target import Target
from initsweep.datasets._wording import quoted
from initsweep.errors import few
from initsweep.preprocessing import plain_number

IDENTIFIER = 0.9
"""A category of its own in more of the rows than this: nothing is learned from one row each."""

MANY = 0.5
"""From here on most categories have a row or two."""


def identifiers(features: Sequence[Feature]) -> list[FaultError]:
    """Return what is wrong with text that has a value of its own in nearly every row.

    One-hot, each value would become a feature.

    Args:
        features: Those that the user has not declared categorical.

    Returns:
        One fault for all of them, if there are any.
    """
    found = [one for one in features if _share(one) > IDENTIFIER]
    if not found:
        return []
    said = (
        f"Nearly every row has a value of its own in {' and '.join(map(_counted, found))}. Each "
        "would become a feature, and nothing can be learned from one row each. What is no name of "
        "the row, write as numbers or in fewer categories (data.table.categorical keeps it)."
    )
    return [FaultError(said, sets={"drop": [one.name for one in found]})]


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
        taken = f"{count} categories" + ", a feature each" * (encoding == "onehot")
        if meant is not None:
            found.append(
                f"Column {quoted(feature.name)} holds {meant.what}, such as "
                f"{quoted(meant.example)}, and is taken as {taken}. "
                f"{meant.remedy}, or list it under data.table.drop."
            )
        elif _share(feature) > MANY:
            found.append(
                f"Column {quoted(feature.name)} has {count} different values in "
                f"{_present(feature)} rows and is taken as {taken}. If it names the rows, list it "
                "under data.table.drop."
            )
    return found


def _name(feature: Feature) -> str:
    return quoted(feature.name)


def _counted(feature: Feature) -> str:
    categories = feature.categories or ()
    meant = likeness(categories)
    kind = f"{meant.what}, " if meant is not None else ""
    return (
        f"{_name(feature)} ({kind}{len(categories)} different values in "
        f"{_present(feature)} rows, such as {quoted(categories[0])})"
    )


def _share(feature: Feature) -> float:
    """Return how many different values there are in a row of text; 0 if they are few anyway."""
    if feature.categories is None or len(feature.categories) <= FEW_CATEGORIES:
        return 0.0
    return len(feature.categories) / _present(feature)


def _present(feature: Feature) -> int:
    return int((~np.isnan(feature.values)).sum())
