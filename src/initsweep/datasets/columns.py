"""One column of a file: is it numbers or categories, and what are they?"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

from initsweep.core.errors import DataError
from initsweep.core.params import Table as Settings
from initsweep.datasets.faults import FaultError
from initsweep.datasets.in_messages import LONGEST, legible_names, quoted
from initsweep.datasets.texts import (
    AMBIGUOUS,
    FEW_CATEGORIES,
    Written,
    is_number,
    is_written,
    markers_of,
    written,
)
from initsweep.preprocessing.transform import category_of, plain_number

MOST_MARKERS = 60
LARGEST = float(np.finfo(np.float32).max)

Values = Any
"""A pyarrow column; pyarrow is untyped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A column as numbers: values, or positions among `categories`. NaN is missing.

    `decimal` is the mark of numbers that Python does not read as they are, `written` an example.
    """

    name: str
    values: np.ndarray
    categories: tuple[str, ...] | None = None
    decimal: str = ""
    written: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A column of text: its distinct values, sorted, and for each row which; -1 is missing."""

    distinct: list[str]
    codes: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column as it stands in a file, and how it is read; `place` says where a row stands."""

    name: str
    values: Values
    place: Callable[[int], str]
    options: Settings
    is_target: bool = False

    @cached_property
    def plain(self) -> Values:
        """The values as text without margins and missing markers, or as numbers.

        Raises:
            DataError: If they are neither, dates for instance.
        """
        values, kind = self.values, self.values.type
        if pa.types.is_dictionary(kind):
            values = values.cast(kind.value_type)
            kind = values.type
        if pa.types.is_null(kind) or pa.types.is_decimal(kind) or pa.types.is_float16(kind):
            return values.cast(pa.float64())
        if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
            compared = values.cast(pa.float64(), safe=False)
            return _without(values, compared, self._numbers_for_missing)
        if kind in (pa.string(), pa.large_string()):
            text = compute.utf8_trim_whitespace(values.cast(pa.string()))
            return _without(text, compute.utf8_lower(text), markers_of(self.options.missing))
        drop = f"drop: {json.dumps([self.name])}"
        instead = "target to another column" if self.is_target else drop
        raise DataError(
            f"Column {quoted(self.name)} is of type {kind}; turn it into numbers or text, or set "
            f"data.table.{instead}."
        )

    @property
    def _numbers_for_missing(self) -> list[float]:
        return [float(one) for one in markers_of(self.options.missing) if is_number(one)]

    @cached_property
    def is_missing(self) -> np.ndarray:
        """Which rows have no value, shape (rows,), bool."""
        return np.array(self.plain.is_null(nan_is_null=True).to_numpy(), bool)

    @cached_property
    def text(self) -> Text:
        """The values as text."""
        encoded = self.plain.combine_chunks().dictionary_encode()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        raw = [category_of(value) for value in encoded.dictionary.to_pylist()]
        distinct = sorted({value for value in raw if value is not None})
        position = {value: code for code, value in enumerate(distinct)}
        table = np.array([*(-1 if value is None else position[value] for value in raw), -1])
        return Text(distinct, table[encoded.indices.fill_null(len(raw)).to_numpy()])

    @cached_property
    def numbers(self) -> tuple[np.ndarray | None, Written | None]:
        """The values as float64, NaN where missing, and how text in it is written.

        None if some of it is no number, or could be several.
        """
        how = None
        try:
            numbers = np.array(self.plain.cast(pa.float64(), safe=False).to_numpy())
        except pa.ArrowInvalid:
            how = written(self.text.distinct, self.options.decimal)
            if how is None or how.why:
                return None, how
            numbers = np.array([*map(float, how.plain), np.nan])[self.text.codes]
        numbers[np.isin(numbers, self._numbers_for_missing)] = np.nan
        return numbers, how

    def refuse_several(self) -> None:
        """Refuse numbers that could be several, by where they have a comma or a sign.

        Raises:
            FaultError: With an example, and what decides.
        """
        how = self.numbers[1]
        if how is None or not how.why:
            return
        row = int(np.argmax(self.text.codes == self.text.distinct.index(how.example)))
        said = (
            f"Column {quoted(self.name)} holds numbers {how.why}, such as {quoted(how.example)} in "
            f"{self.place(row)}."
        )
        if how.why != AMBIGUOUS:
            raise FaultError(
                f"{said} Write them alike, or leave the column out.", sets={"drop": [self.name]}
            )
        plain = plain_number(how.example, ".")
        raise FaultError(
            f'{said} If the comma separates thousands ({plain}), set data.table.decimal: "."; if '
            "it is a decimal comma, as follows.",
            sets={"decimal": ","},
        )

    def refuse_mixed(self, few: str, many: str) -> None:
        """Refuse text with more different numbers than different texts: markers, or slips.

        Args:
            few: What else to say of few texts.
            many: What else to say of many.

        Raises:
            FaultError: Naming the texts, and the first row that has one.
        """
        distinct, codes = self.text.distinct, self.text.codes
        reads = is_written if len(distinct) > FEW_CATEGORIES else is_number
        number = np.array([*map(reads, distinct), True])
        texts = [value for value, flag in zip(distinct, number, strict=False) if not flag]
        count = len(distinct) - len(texts)
        if not texts or count <= len(texts):
            return
        odd = ~number[codes]
        row, rows = int(np.argmax(odd)), int(odd.sum())
        said = (
            f"Column {quoted(self.name)} holds {count} different numbers, but in {self.place(row)} "
            f"it is {quoted(distinct[codes[row]])} ({rows} such row{'s' * (rows > 1)} in all"
        )
        most = min(max(FEW_CATEGORIES, count // 5), MOST_MARKERS)
        if len(texts) > most or max(map(len, texts)) > LONGEST:
            left_out = {} if self.is_target else {"drop": [self.name]}
            raise FaultError(f"{said}, {len(texts)} different texts).{many}", sets=left_out)
        others = f": {legible_names(texts)}" if len(texts) > 1 else ""
        sets: dict[str, object] = {"missing": texts}
        if self.is_target:
            sets["drop_missing_target"] = True
        raise FaultError(f"{said}{others}).{few}", sets=sets, rows=np.flatnonzero(odd).tolist())

    def refuse_infinite(self, numbers: np.ndarray) -> None:
        """Refuse numbers that single precision cannot hold.

        Raises:
            FaultError: Naming the first; few texts may be markers.
        """
        bad = np.abs(numbers) >= LARGEST
        if not bad.any():
            return
        row, texts = int(np.argmax(bad)), {str(one) for one in self.plain.filter(bad).to_pylist()}
        sets = {"missing": sorted(texts)} if len(texts) <= FEW_CATEGORIES else {}
        gone = {"drop_missing_target": True} if sets and self.is_target else {}
        said = (
            f"Column {quoted(self.name)} is {numbers[row]} in {self.place(row)} "
            f"({int(bad.sum())} such rows in all). Correct it, or {self.remedy}."
        )
        raise FaultError(said, sets={**sets, **gone})

    @property
    def remedy(self) -> str:
        """What to do with a row whose value cannot be used."""
        if self.is_target:
            return "remove the row: a target must not be missing"
        return "leave the field empty if it is missing"


def read_feature(column: Column, *, as_category: bool) -> Feature:
    """Return a column as a feature; refuse it if it is neither numbers nor categories.

    Text of which all values are numbers is numeric; text with more different numbers than different
    texts is a mistake.

    Args:
        column: The column.
        as_category: Whether the user has declared it categorical.
    """
    name, plain = column.name, column.plain
    if as_category or (pa.types.is_dictionary(column.values.type) and plain.type == pa.string()):
        return _categories(column)
    numbers, how = column.numbers
    if numbers is None:
        column.refuse_several()
        choice = f" If all are names, set data.table.categorical: {json.dumps([name])}."
        column.refuse_mixed(choice, choice)
        return _categories(column)
    column.refuse_infinite(numbers)
    if how is None:
        return Feature(name=name, values=numbers)
    return Feature(name=name, values=numbers, decimal=how.mark, written=how.example)


def _without(column: Values, compared: Values, markers: Sequence[object]) -> Values:
    if not markers:
        return column
    missing = compute.is_in(compared, value_set=pa.array(markers, compared.type))
    return compute.if_else(missing, pa.scalar(None, column.type), column)


def _categories(column: Column) -> Feature:
    text = column.text
    values = np.where(text.codes < 0, np.nan, text.codes.astype(np.float64))
    return Feature(name=column.name, values=values, categories=tuple(text.distinct))
