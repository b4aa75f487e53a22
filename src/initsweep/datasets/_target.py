"""The column to be predicted: classes or numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from initsweep.datasets import Task
from initsweep.datasets._classes import refuse_too_many
from initsweep.datasets._columns import (
    TARGET,
    Place,
    Text,
    parsed,
    plain_column,
    refuse_infinite,
    refuse_mixed,
    refuse_odd_numbers,
    text_of,
)
from initsweep.datasets._likeness import likeness
from initsweep.datasets._sniffing import is_number
from initsweep.datasets._wording import quoted
from initsweep.errors import DataError
from initsweep.preprocessing import category_of

MOST_CLASSES_OF_NUMBERS = 20
"""More different whole numbers than this are taken as quantities, not as classes."""


LARGEST_WHOLE = 2**53
"""All whole numbers up to here are in double precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Class indices with their names, or numbers."""

    task: Task
    values: np.ndarray
    class_names: tuple[str, ...]
    notices: tuple[str, ...] = ()


def read_target(
    name: str,
    column: Any,  # noqa: ANN401 - pyarrow is untyped
    place: Place,
    task: Literal["auto"] | Task,
    others: Sequence[str] = (),
) -> Target:
    """Return the target.

    With task `auto`, text and at most 20 different whole numbers are classes, other numbers are
    quantities; that is noticed, because it is an assumption.

    Args:
        name: The column's name.
        column: A pyarrow column.
        place: Says where a row stands.
        task: `data.task`.
        others: The other columns, for messages.

    Returns:
        The target, classes sorted by name, or by value if they are numbers.

    Raises:
        DataError: If it is missing in a row, mixed, infinite, or does not suit the task.
    """
    plain = plain_column(name, column, "set data.table.target to another column")
    _refuse_missing(name, plain, place)
    if not pa.types.is_string(plain.type):
        is_truth = pa.types.is_boolean(plain.type)
        numbers = None if is_truth else plain.cast(pa.float64(), safe=False).to_numpy()
    else:
        numbers = parsed(plain)
    if task == "regression":
        return _quantity(name, numbers, text_of(plain), place)
    if numbers is None:
        if task == "auto":
            _refuse_unlike_classes(name, text_of(plain), place)
        return _classes(name, text_of(plain), others)
    refuse_infinite(name, numbers, place, TARGET)
    return _by_number(name, numbers, task, others)


def numbers_as_target(name: str, numbers: np.ndarray, task: Literal["auto"] | Task) -> Target:
    """Return the target that an array of numbers stands for, by the same rules.

    Raises:
        DataError: If it does not suit the task.
    """
    if task == "regression":
        return Target(task="regression", values=numbers.astype(np.float64), class_names=())
    return _by_number(name, numbers, task)


def text_as_target(name: str, values: np.ndarray) -> Target:
    """Return the classes that an array of text stands for.

    Raises:
        DataError: If there are too many.
    """
    names, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    refuse_too_many(name, names.tolist(), counts)
    return Target(
        task="classification", values=codes.astype(np.int64), class_names=tuple(names.tolist())
    )


def _refuse_unlike_classes(name: str, text: Text, place: Place) -> None:
    """Refuse text that is numbers for the most part, or numbers written in another way.

    Raises:
        DataError: Saying how to correct it.
    """
    refuse_odd_numbers(name, text, place)
    few = len(text.distinct) <= MOST_CLASSES_OF_NUMBERS
    choice = ", or, if all are names of classes, set data.task: classification" if few else ""
    refuse_mixed(name, text, place, f"or {TARGET}{choice}")


def _refuse_missing(name: str, plain: Any, place: Place) -> None:  # noqa: ANN401
    missing = np.array(plain.is_null(nan_is_null=True).to_numpy(), bool)
    if missing.any():
        row = int(np.argmax(missing))
        raise DataError(
            f"The target {quoted(name)} is missing in {place(row)} ({int(missing.sum())} such rows "
            "in all); remove these rows."
        )


def _by_number(
    name: str, numbers: np.ndarray, task: Literal["auto"] | Task, others: Sequence[str] = ()
) -> Target:
    distinct, codes, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    whole = bool(np.all(distinct == np.round(distinct)))
    few = whole and len(distinct) <= MOST_CLASSES_OF_NUMBERS
    if task == "auto" and not few:
        return Target(
            task="regression",
            values=numbers.astype(np.float64),
            class_names=(),
            notices=(
                f"The target {quoted(name)} has {len(distinct)} different numbers: taken as "
                "regression. Set data.task if that is wrong.",
            ),
        )
    if not whole:
        raise DataError(
            f"The target {quoted(name)} holds numbers such as {_example(distinct)}, and data.task "
            "is classification. Set data.task: regression, or name the classes."
        )
    if distinct.dtype.kind == "f" and float(np.abs(distinct).max()) > LARGEST_WHOLE:
        raise DataError(
            f"The target {quoted(name)} holds whole numbers such as {distinct[-1]:g}, of which "
            "double precision does not tell neighbours apart. Put a letter before names of "
            "classes, or set data.task: regression."
        )
    names = tuple(str(category_of(value)) for value in distinct.tolist())
    refuse_too_many(name, names, counts, others)
    return Target(
        task="classification",
        values=codes.astype(np.int64),
        class_names=names,
        notices=()
        if task != "auto"
        else (
            f"The target {quoted(name)} has {len(distinct)} different whole numbers: taken as "
            "classes. Set data.task if that is wrong.",
        ),
    )


def _example(distinct: np.ndarray) -> float:
    return float(distinct[np.argmax(distinct != np.round(distinct))])


def _classes(name: str, text: Text, others: Sequence[str]) -> Target:
    refuse_too_many(name, text.distinct, np.bincount(text.codes), others)
    return Target(
        task="classification",
        values=text.codes.astype(np.int64),
        class_names=tuple(text.distinct),
    )


def _quantity(name: str, numbers: np.ndarray | None, text: Text, place: Place) -> Target:
    if numbers is None:
        number = np.array([is_number(value) for value in text.distinct])
        row = int(np.argmax(~number[text.codes]))
        meant, mostly_text = likeness(text.distinct), number[text.codes].mean() < 0.5
        if meant is not None:
            remedy = f"The column holds {meant}"
        elif mostly_text:
            remedy = (
                "The column holds text: for classes set data.task: classification, otherwise set "
                "data.table.target to another column"
            )
        else:
            remedy = f"Correct it, or {TARGET}"
        raise DataError(
            f"The target {quoted(name)} is {quoted(text.distinct[text.codes[row]])} in "
            f"{place(row)}; data.task is regression, which needs numbers. {remedy}."
        )
    refuse_infinite(name, numbers, place, TARGET)
    return Target(task="regression", values=np.array(numbers), class_names=())
