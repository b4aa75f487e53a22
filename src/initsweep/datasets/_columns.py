"""One column of a file: is it numbers or categories, and what are they?"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

from initsweep.datasets._likeness import likeness
from initsweep.datasets._sniffing import MISSING, is_number
from initsweep.datasets._wording import quoted
from initsweep.errors import DataError
from initsweep.preprocessing import category_of

Place = Callable[[int], str]
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
LARGEST = float(np.finfo(np.float32).max)
FEW_CATEGORIES = 20
"""So many different prices or percentages in a column can be categories; more are numbers."""

FEATURE = "leave the field empty if it is missing"
TARGET = "remove the row: a target must not be missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A column as numbers: values, or positions among `categories`. NaN is missing."""

    name: str
    values: np.ndarray
    categories: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A column of text: its distinct values, and for each row which; -1 is missing."""

    distinct: list[str]
    codes: np.ndarray


def read_feature(name: str, column: Any, place: Place, *, as_category: bool) -> Feature:  # noqa: ANN401
    """Return a column as a feature.

    Text of which all values are numbers is numeric; text of which most values are is a mistake.

    Args:
        name: The column's name.
        column: A pyarrow column.
        place: Says where a row stands.
        as_category: Whether the user has declared it categorical.

    Returns:
        The feature.

    Raises:
        DataError: If it is of a kind that is neither, mixed, infinite or too large.
    """
    plain = plain_column(name, column, "list it under data.table.drop")
    if as_category or (pa.types.is_dictionary(column.type) and pa.types.is_string(plain.type)):
        return _categories(name, text_of(plain))
    if pa.types.is_string(plain.type):
        numbers = parsed(plain)
        if numbers is None:
            text = text_of(plain)
            refuse_odd_numbers(name, text, place)
            refuse_mixed(
                name, text, place, f"{FEATURE}, or list the column under data.table.categorical"
            )
            return _categories(name, text)
    else:
        numbers = plain.cast(pa.float64(), safe=False).to_numpy()
    refuse_infinite(name, numbers, place, FEATURE)
    return Feature(name=name, values=np.array(numbers), categories=None)


def plain_column(name: str, column: Any, otherwise: str) -> Any:  # noqa: ANN401 - pyarrow is untyped
    """Return the column as text without margins and missing markers, or as numbers.

    Args:
        name: The column's name.
        column: A pyarrow column.
        otherwise: What one can do instead of turning it into numbers or text, for messages.

    Raises:
        DataError: If it is neither, a date for instance.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_null(kind) or pa.types.is_decimal(kind) or pa.types.is_float16(kind):
        return column.cast(pa.float64())
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return column
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        text = compute.utf8_trim_whitespace(column.cast(pa.string()))
        markers = pa.array(MISSING, pa.string())
        missing = compute.is_in(compute.utf8_lower(text), value_set=markers)
        return compute.if_else(missing, pa.scalar(None, pa.string()), text)
    raise DataError(
        f"Column {quoted(name)} is of type {kind}; turn it into numbers or text, or {otherwise}."
    )


def parsed(column: Any) -> np.ndarray | None:  # noqa: ANN401 - pyarrow is untyped
    """Return text as float64, NaN where missing; None if some of it is no number."""
    try:
        return np.array(column.cast(pa.float64()).to_numpy())
    except pa.ArrowInvalid:
        text = text_of(column)
    # What pyarrow does not read: a leading plus, or an exponent without digits after the point.
    if not all(map(is_number, text.distinct)):
        return None
    numbers: np.ndarray = np.array([*map(float, text.distinct), np.nan])[text.codes]
    return numbers


def text_of(column: Any) -> Text:  # noqa: ANN401 - pyarrow is untyped
    """Return the distinct values of a column as sorted text, and the code of each row."""
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    raw = [category_of(value) for value in encoded.dictionary.to_pylist()]
    distinct = sorted({value for value in raw if value is not None})
    position = {value: code for code, value in enumerate(distinct)}
    table = np.array([*(-1 if value is None else position[value] for value in raw), -1])
    indices = encoded.indices.fill_null(len(raw)).to_numpy()
    return Text(distinct=distinct, codes=table[indices])


def refuse_odd_numbers(name: str, text: Text, place: Place) -> None:
    """Refuse numbers that are not written as such: with a decimal comma, a currency sign, ...

    Raises:
        DataError: With an example and how to write it.
    """
    commas = [value for value in text.distinct if DECIMAL_COMMA.fullmatch(value)]
    is_comma = len(commas) > len(text.distinct) / 2
    found = likeness(commas if is_comma else text.distinct)
    if found is None or not found.is_number or found.has_unit:
        return
    if is_comma or len(text.distinct) > FEW_CATEGORIES:
        row = int(np.argmax(text.codes == text.distinct.index(found.example)))
        raise DataError(
            f"Column {quoted(name)} holds {found.what}, such as {quoted(found.example)} in "
            f"{place(row)}. {found.remedy}."
        )


def refuse_mixed(name: str, text: Text, place: Place, remedy: str) -> None:
    """Refuse text that is mostly numbers.

    Args:
        name: The column's name.
        text: What it holds.
        place: Says where a row stands.
        remedy: What to do about rows that hold no number, but correct them.

    Raises:
        DataError: Naming the first row that is no number.
    """
    number = np.array([*(is_number(value) for value in text.distinct), False])
    present = text.codes >= 0
    if present.any() and number[text.codes[present]].mean() > 0.5:
        row = int(np.argmax(present & ~number[text.codes]))
        others = int((present & ~number[text.codes]).sum()) - 1
        more = f" ({others} more such rows)" if others else ""
        raise DataError(
            f"Column {quoted(name)} holds numbers, but in {place(row)} it is "
            f"{quoted(text.distinct[text.codes[row]])}{more}. Correct it, {remedy}."
        )


def refuse_infinite(name: str, numbers: np.ndarray, place: Place, remedy: str) -> None:
    """Refuse numbers that single precision cannot hold.

    Raises:
        DataError: Naming the first.
    """
    bad = np.abs(numbers) >= LARGEST
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(
            f"Column {quoted(name)} is {numbers[row]} in {place(row)} ({int(bad.sum())} such rows "
            f"in all). Correct it, or {remedy}."
        )


def _categories(name: str, text: Text) -> Feature:
    values = text.codes.astype(np.float64)
    values[text.codes < 0] = np.nan
    return Feature(name=name, values=values, categories=tuple(text.distinct))
