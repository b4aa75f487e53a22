"""One column of a file: is it numbers or categories, and what are they?"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

from initsweep.datasets._faults import FaultError
from initsweep.datasets._numbers import AMBIGUOUS, FEW_CATEGORIES, Written, is_written, written
from initsweep.datasets._values import is_number, markers_of
from initsweep.datasets._wording import LONGEST, listed, quoted
from initsweep.errors import DataError
from initsweep.params import Table as Settings
from initsweep.preprocessing import category_of, plain_number

Place = Callable[[int], str]
MOST_MARKERS = 60
LARGEST = float(np.finfo(np.float32).max)
FEATURE = "leave the field empty if it is missing"
TARGET = "remove the row: a target must not be missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A column as numbers: values, or positions among `categories`. NaN is missing.

    `decimal` is the decimal mark of numbers that are not written as Python reads them, `written` an
    example of them.
    """

    name: str
    values: np.ndarray
    categories: tuple[str, ...] | None
    decimal: str = ""
    written: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A column of text: its distinct values, and for each row which; -1 is missing."""

    distinct: list[str]
    codes: np.ndarray


def read_feature(
    name: str,
    column: Any,  # noqa: ANN401 - pyarrow is untyped
    place: Place,
    options: Settings,
    *,
    as_category: bool,
) -> Feature:
    """Return a column as a feature.

    Text of which all values are numbers is numeric; text with more different numbers than different
    texts is a mistake.

    Args:
        name: The column's name.
        column: A pyarrow column.
        place: Says where a row stands.
        options: How missing values and numbers are written.
        as_category: Whether the user has declared it categorical.

    Returns:
        The feature.

    Raises:
        DataError: If it is of a kind that is neither, mixed, infinite or too large.
    """
    plain = plain_column(name, column, options, f"set data.table.drop: {json.dumps([name])}")
    if as_category or (pa.types.is_dictionary(column.type) and pa.types.is_string(plain.type)):
        return _categories(name, text_of(plain))
    numbers, how = numbers_in(plain, options)
    if numbers is None:
        text = text_of(plain)
        refuse_several(name, text, how, place)
        choice = f" If all are names, set data.table.categorical: {json.dumps([name])}."
        refuse_mixed(name, text, place, few=(choice, {}), many=(choice, {"drop": [name]}))
        return _categories(name, text)
    refuse_infinite(name, numbers, place, FEATURE)
    decimal, example = (how.mark, how.example) if how is not None else ("", "")
    return Feature(name=name, values=numbers, categories=None, decimal=decimal, written=example)


def plain_column(name: str, column: Any, options: Settings, otherwise: str) -> Any:  # noqa: ANN401 - pyarrow is untyped
    """Return the column as text without margins and missing markers, or as numbers.

    Args:
        name: The column's name.
        column: A pyarrow column.
        options: What stands for missing values.
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
        markers = _numbers_of(options)
        compared = column.cast(pa.float64(), safe=False) if markers else None
        return _without(column, compared, markers) if markers else column
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        text = compute.utf8_trim_whitespace(column.cast(pa.string()))
        return _without(text, compute.utf8_lower(text), markers_of(options.missing))
    raise DataError(
        f"Column {quoted(name)} is of type {kind}; turn it into numbers or text, or {otherwise}."
    )


def _without(column: Any, compared: Any, markers: Sequence[Any]) -> Any:  # noqa: ANN401
    missing = compute.is_in(compared, value_set=pa.array(markers, compared.type))
    return compute.if_else(missing, pa.scalar(None, column.type), column)


def _numbers_of(options: Settings) -> list[float]:
    return [float(one) for one in markers_of(options.missing) if is_number(one)]


def numbers_in(column: Any, options: Settings) -> tuple[np.ndarray | None, Written | None]:  # noqa: ANN401
    """Return a plain column as float64, NaN where missing, and how text in it is written.

    None if some of it is no number, or could be several.
    """
    how = None
    try:
        numbers = np.array(column.cast(pa.float64(), safe=False).to_numpy())
    except pa.ArrowInvalid:
        text = text_of(column)
        how = written(text.distinct, options.decimal)
        if how is None or how.why:
            return None, how
        numbers = np.array([*map(float, how.plain), np.nan])[text.codes]
    if markers := _numbers_of(options):
        numbers[np.isin(numbers, markers)] = np.nan
    return numbers, how


def text_of(column: Any) -> Text:  # noqa: ANN401
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


def refuse_several(name: str, text: Text, how: Written | None, place: Place) -> None:
    """Refuse numbers that could be several, by where they have a comma or a sign.

    Raises:
        FaultError: With an example, and what decides.
    """
    if how is None or not how.why:
        return
    row = int(np.argmax(text.codes == text.distinct.index(how.example)))
    said = (
        f"Column {quoted(name)} holds numbers {how.why}, such as {quoted(how.example)} in "
        f"{place(row)}."
    )
    if how.why != AMBIGUOUS:
        raise FaultError(
            f"{said} Write them alike, or leave the column out.", sets={"drop": [name]}
        )
    plain = plain_number(how.example, ".")
    raise FaultError(
        f'{said} If the comma separates thousands ({plain}), set data.table.decimal: "."; if it '
        "is a decimal comma, as follows.",
        sets={"decimal": ","},
    )


def refuse_mixed(
    name: str,
    text: Text,
    place: Place,
    *,
    few: tuple[str, Mapping[str, object]],
    many: tuple[str, Mapping[str, object]],
) -> None:
    """Refuse text with more different numbers than different texts, which are markers, or slips.

    Args:
        name: The column's name.
        text: What it holds.
        place: Says where a row stands.
        few: What else to say of few texts, and to set where they stand for missing values.
        many: What else to say of many texts, and to set.

    Raises:
        FaultError: Naming the texts, and the first row that has one.
    """
    odd_ones = len(text.distinct) > FEW_CATEGORIES
    plain = [is_written(one) if odd_ones else is_number(one) for one in text.distinct]
    number = np.array([*plain, True])
    texts = [value for value, flag in zip(text.distinct, number, strict=False) if not flag]
    count = len(text.distinct) - len(texts)
    if not texts or count <= len(texts):
        return
    odd = ~number[text.codes]
    row, rows = int(np.argmax(odd)), int(odd.sum())
    said = (
        f"Column {quoted(name)} holds {count} different numbers, but in {place(row)} it is "
        f"{quoted(text.distinct[text.codes[row]])} ({rows} such row{'s' * (rows > 1)} in all"
    )
    if len(texts) > min(max(FEW_CATEGORIES, count // 5), MOST_MARKERS) or any(
        len(one) > LONGEST for one in texts
    ):
        raise FaultError(f"{said}, {len(texts)} different texts).{many[0]}", sets=many[1])
    others = f": {listed(texts)}" if len(texts) > 1 else ""
    raise FaultError(
        f"{said}{others}).{few[0]}",
        sets={"missing": texts, **few[1]},
        rows=np.flatnonzero(odd).tolist(),
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
