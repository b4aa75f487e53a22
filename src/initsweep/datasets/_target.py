"""The column to be predicted: classes or numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from initsweep.datasets import Task
from initsweep.datasets._classes import refuse_too_many, without_capitals
from initsweep.datasets._columns import (
    TARGET,
    Place,
    Text,
    numbers_in,
    plain_column,
    refuse_infinite,
    refuse_mixed,
    refuse_several,
    text_of,
)
from initsweep.datasets._faults import FaultError
from initsweep.datasets._likeness import likeness
from initsweep.datasets._numbers import FEW_CATEGORIES
from initsweep.datasets._values import is_number
from initsweep.datasets._wording import listed, quoted
from initsweep.errors import DataError
from initsweep.params import Table as Settings
from initsweep.preprocessing import category_of

MOST_CLASSES_OF_NUMBERS = 20
"""More different whole numbers than this are taken as quantities, not as classes."""

MOST_NAMED = 3
"""Of raw values that stand for missing ones, in messages."""

LARGEST_WHOLE = 2**53
"""All whole numbers up to here are in double precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Class indices with their names, or numbers; `decimal` and `written` as of a `Feature`."""

    task: Task
    values: np.ndarray
    class_names: tuple[str, ...]
    notices: tuple[str, ...] = ()
    name: str = ""
    decimal: str = ""
    written: str = ""


def read_target(
    name: str,
    column: Any,  # noqa: ANN401 - pyarrow is untyped
    place: Place,
    task: Literal["auto"] | Task,
    options: Settings,
    others: Sequence[str] = (),
    *,
    as_written: bool = False,
) -> Target:
    """Return the target.

    With task `auto`, text and at most 20 different whole numbers are classes, other numbers are
    quantities; that is noticed, because it is an assumption.

    Args:
        name: The column's name.
        column: A pyarrow column.
        place: Says where a row stands.
        task: `data.task`.
        options: How missing values and numbers are written.
        others: The other columns, for messages.
        as_written: Whether the user has declared it categorical: capitals tell classes apart.

    Returns:
        The target, classes sorted by name, or by value if they are numbers.

    Raises:
        DataError: If it is missing in a row, mixed, infinite, or does not suit the task.
    """
    plain = plain_column(name, column, options, "set data.table.target to another column")
    _refuse_missing(name, plain, column, place)
    is_truth = pa.types.is_boolean(plain.type)
    numbers, how = (None, None) if is_truth else numbers_in(plain, options)
    if task != "classification":
        refuse_several(name, text_of(plain), how, place)
    if task == "regression":
        answer = _quantity(name, numbers, text_of(plain), place)
    elif numbers is None:
        if task == "auto":
            _refuse_unlike_classes(name, text_of(plain), place)
        return _classes(name, text_of(plain), others, as_written=as_written)
    else:
        refuse_infinite(name, numbers, place, TARGET)
        answer = _by_number(name, numbers, task, others)
    if how is None:
        return answer
    return replace(answer, name=name, decimal=how.mark, written=how.example)


def has_target(column: Any, options: Settings) -> np.ndarray:  # noqa: ANN401
    """Return which rows have a target, shape (rows,), bool."""
    plain = plain_column("", column, options, "")
    return ~np.array(plain.is_null(nan_is_null=True).to_numpy(), bool)


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
    is_few = len(text.distinct) <= FEW_CATEGORIES
    choice = " If all are names of classes, set data.task: classification." if is_few else ""
    another = " Correct them, or set data.table.target to another column."
    dropped = {"drop_missing_target": True}
    refuse_mixed(name, text, place, few=(choice, dropped), many=(another, {}))


def _refuse_missing(name: str, plain: Any, column: Any, place: Place) -> None:  # noqa: ANN401
    missing = np.array(plain.is_null(nan_is_null=True).to_numpy(), bool)
    if not missing.any():
        return
    row, rows = int(np.argmax(missing)), int(missing.sum())
    if rows == len(missing):
        raise DataError(
            f"The target {quoted(name)} is missing in every row; set data.table.target to another "
            "column."
        )
    found = {str(value).strip() for value in column.filter(pa.array(missing)).to_pylist()}
    markers = sorted(found - {"", "None", "nan"})
    said = f"The target {quoted(name)} is missing in {place(row)} ({rows} such row"
    said += f"{'s' * (rows > 1)} in all" + (
        f": {listed(markers[:MOST_NAMED])})." if markers else ")."
    )
    texts = plain.drop_null().to_pylist() if markers else []
    if texts and not any(is_number(str(one)) for one in texts):
        said += f' If {quoted(markers[0])} is a class, set data.table.missing: "empty".'
    raise FaultError(
        said, sets={"drop_missing_target": True}, rows=np.flatnonzero(missing).tolist()
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


def _classes(name: str, text: Text, others: Sequence[str], *, as_written: bool) -> Target:
    folded, said = (text, ()) if as_written else without_capitals(name, text)
    refuse_too_many(name, folded.distinct, np.bincount(folded.codes), others)
    return Target(
        task="classification",
        values=folded.codes.astype(np.int64),
        class_names=tuple(folded.distinct),
        notices=said,
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
