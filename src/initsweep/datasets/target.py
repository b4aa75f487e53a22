"""The column to be predicted: classes or numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa

from initsweep.core.errors import DataError, few
from initsweep.datasets import Task
from initsweep.datasets.columns import Column, Feature
from initsweep.datasets.faults import FaultError
from initsweep.datasets.in_messages import legible_names, quoted
from initsweep.datasets.suspects import too_many, without_capitals
from initsweep.datasets.texts import FEW_CATEGORIES, is_number, likeness
from initsweep.preprocessing.transform import category_of, plain_number

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
    class_names: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    name: str = ""
    decimal: str = ""
    written: str = ""


def read_target(
    column: Column, task: Literal["auto"] | Task, others: Sequence[str], *, as_written: bool
) -> Target:
    """Return the target.

    With task `auto`, text and at most 20 different whole numbers are classes, other numbers are
    quantities; that is noticed, because it is an assumption. Classes are sorted by name, or by
    value if they are numbers.

    Args:
        column: The column.
        task: `data.task`.
        others: The other columns, for messages.
        as_written: Whether the user has declared it categorical: capitals tell classes apart.

    Raises:
        DataError: If it is missing in a row, mixed, infinite, or does not suit the task.
    """
    _refuse_missing(column)
    is_truth = pa.types.is_boolean(column.plain.type)
    numbers, how = (None, None) if is_truth else column.numbers
    if task != "classification" and not is_truth:
        column.refuse_several()
    if task == "regression" and numbers is None:
        raise DataError(_no_number(column))
    if numbers is None:
        if task == "auto":
            _refuse_unlike_classes(column)
        text = column.text
        text, said = (text, ()) if as_written else without_capitals(column.name, text)
        return _classes(column.name, text.distinct, text.codes, others, said)
    column.refuse_infinite(numbers)
    answer = numbers_as_target(column.name, numbers, task, others)
    if how is None:
        return answer
    return replace(answer, name=column.name, decimal=how.mark, written=how.example)


def numbers_as_target(
    name: str, numbers: np.ndarray, task: Literal["auto"] | Task, others: Sequence[str] = ()
) -> Target:
    """Return the target that numbers stand for.

    Raises:
        DataError: If it does not suit the task.
    """
    quantity = Target(task="regression", values=numbers.astype(np.float64))
    if task == "regression":
        return quantity
    distinct, codes = np.unique(numbers, return_inverse=True)
    odd, said = distinct[distinct != np.round(distinct)], tuple[str, ...]()
    if task == "auto":
        is_class = not len(odd) and len(distinct) <= MOST_CLASSES_OF_NUMBERS
        kind, taken = ("whole numbers", "classes") if is_class else ("numbers", "regression")
        said = (
            f"The target {quoted(name)} has {len(distinct)} different {kind}: taken as {taken}. "
            "Set data.task if that is wrong.",
        )
        if not is_class:
            return replace(quantity, notices=said)
    if len(odd):
        raise DataError(
            f"The target {quoted(name)} holds numbers such as {float(odd[0])}, and data.task "
            "is classification. Set data.task: regression, or name the classes."
        )
    if distinct.dtype.kind == "f" and float(np.abs(distinct).max()) > LARGEST_WHOLE:
        raise DataError(
            f"The target {quoted(name)} holds whole numbers such as {distinct[-1]:g}, of which "
            "double precision does not tell neighbours apart. Put a letter before names of "
            "classes, or set data.task: regression."
        )
    names = [str(category_of(value)) for value in distinct.tolist()]
    return _classes(name, names, codes, others, said)


def text_as_target(name: str, values: np.ndarray) -> Target:
    """Return the classes that an array of text stands for."""
    names, codes = np.unique(values, return_inverse=True)
    return _classes(name, names.tolist(), codes)


def _classes(
    name: str,
    names: Sequence[str],
    codes: np.ndarray,
    others: Sequence[str] = (),
    notices: tuple[str, ...] = (),
) -> Target:
    if (wrong := too_many(name, names, np.bincount(codes), others)) is not None:
        raise DataError(wrong)
    return Target(
        task="classification",
        values=codes.astype(np.int64),
        class_names=tuple(names),
        notices=notices,
    )


def _refuse_unlike_classes(column: Column) -> None:
    is_few = len(column.text.distinct) <= FEW_CATEGORIES
    choice = " If all are names of classes, set data.task: classification." if is_few else ""
    column.refuse_mixed(choice, " Correct them, or set data.table.target to another column.")


def _refuse_missing(column: Column) -> None:
    name, missing = quoted(column.name), column.is_missing
    if not missing.any():
        return
    row, rows = int(np.argmax(missing)), int(missing.sum())
    if rows == len(missing):
        raise DataError(missing_everywhere(column.name))
    found = {str(value).strip() for value in column.values.filter(pa.array(missing)).to_pylist()}
    markers = sorted(found - {"", "None", "nan"})
    said = f"The target {name} is missing in {column.place(row)} ({rows} such row"
    said += f"{'s' * (rows > 1)} in all"
    said += f": {legible_names(markers[:MOST_NAMED])})." if markers else ")."
    texts = column.plain.drop_null().to_pylist() if markers else []
    if texts and not any(is_number(str(one)) for one in texts):
        said += f' If {quoted(markers[0])} is a class, set data.table.missing: "empty".'
    raise FaultError(
        said, sets={"drop_missing_target": True}, rows=np.flatnonzero(missing).tolist()
    )


def missing_everywhere(name: str) -> str:
    """Return what to say of a target without any value."""
    return (
        f"The target {quoted(name)} is missing in every row; set data.table.target to another "
        "column."
    )


def _no_number(column: Column) -> str:
    distinct, codes = column.text.distinct, column.text.codes
    number = np.array([is_number(value) for value in distinct])
    row = int(np.argmax(~number[codes]))
    if (meant := likeness(distinct)) is not None:
        remedy = f"The column holds {meant}"
    elif number[codes].mean() < 0.5:
        remedy = (
            "The column holds text: for classes set data.task: classification, otherwise set "
            "data.table.target to another column"
        )
    else:
        remedy = f"Correct it, or {column.remedy}"
    return (
        f"The target {quoted(column.name)} is {quoted(distinct[codes[row]])} in "
        f"{column.place(row)}; data.task is regression, which needs numbers. {remedy}."
    )


def said_of_numbers(columns: Sequence[Feature | Target]) -> list[str]:
    """Return what to say of numbers that are not written as Python writes them, in one line."""
    found = [
        f"{quoted(one.written)} in {quoted(one.name)} is {plain_number(one.written, one.decimal)}"
        for one in columns
        if one.decimal
    ]
    return [f"Numbers are read without signs and separators: {few(found)}."] if found else []
