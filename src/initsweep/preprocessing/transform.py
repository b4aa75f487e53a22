"""Fitted preprocessing as plain numbers: from raw columns to what a network is given.

The prepare stage fits it (`datasets/splitting.py`, `preprocessing/fitting.py`) and writes it as
JSON next to the prepared arrays. Whoever has raw rows later, a served model for instance, reads
that file and applies it: with NumPy alone, without pickle and without scikit-learn.

```python
preprocessing = Preprocessing.load(Path("data/prepared/preprocessing.json"))
features = preprocessing.apply({"age": [41, None], "job": ["clerk", "never seen"]})
```
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

try:
    from initsweep.core.errors import DataError
except ModuleNotFoundError:  # as a file of a served model, where initsweep is not installed
    DataError = ValueError  # type: ignore[misc, assignment]

FORMAT = 1
CHUNK_VALUES = 1 << 22
"""How many values are held in double precision at a time."""

DECORATION = re.compile("[$€£¥₹₽₩₺%‰'_\u2019\\s()\u2212\u2013]|EUR|USD|GBP|CHF|JPY|CNY|INR")
"""What people write with numbers beside signs, digits, commas and points."""

UNKNOWN = -1
"""The code of a category that no known row had, and of a missing one if none was missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Categorical:
    """One column of categories: those of the known rows, sorted; None, the last, is missing."""

    name: str
    encoding: Literal["onehot", "ordinal"]
    categories: tuple[str | None, ...]

    @property
    def width(self) -> int:
        """How many features it becomes."""
        return len(self.categories) if self.encoding == "onehot" else 1

    def codes(self, values: Sequence[object]) -> np.ndarray:
        """Return the position of each value among the categories, shape (rows,)."""
        position = {category: code for code, category in enumerate(self.categories)}
        return np.fromiter(
            (position.get(category_of(value), UNKNOWN) for value in values), np.int64, len(values)
        )

    def encode(self, codes: np.ndarray) -> np.ndarray:
        """Return features of shape (rows, width); an unknown category is all zeros, or -1."""
        if self.encoding == "ordinal":
            return codes[:, None].astype(np.float64)
        encoded: np.ndarray = (codes[:, None] == np.arange(self.width)).astype(np.float64)
        return encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessing:
    """Everything that was fitted on the rows that are known before anything is measured.

    These are the training rows. Where each seed draws its own of the development rows, columns,
    categories and indicators are those of all development rows, so that one network serves all
    seeds; fill, mean and scale are those of a seed's training rows.

    The features are, in this order: the numeric columns with missing values filled in; for each
    column of `indicators` a 1 where it was missing; the categorical columns. Then `mean` is
    subtracted and the result divided by `scale`; these are 0 and 1 for features that are 0 or 1.

    Attributes:
        numeric: Names of the numeric columns.
        fill: What replaces a missing value, one per numeric column; None: missing is an error.
        indicators: The numeric columns that had missing values in the known rows.
        categorical: The categorical columns.
        dropped: Columns of the raw data that are not used, because they never vary.
        mean: Shape (features,).
        scale: Shape (features,); 0 for a feature that is 0 in every row, as it tells nothing.
        shape: Shape of one example, (channels, height, width) for images; empty for tables.
        missing: What stands for a missing value in a table, in lower case.
        decimals: Columns whose numbers a plain reader does not read, with their decimal mark.
    """

    numeric: tuple[str, ...]
    fill: tuple[float, ...] | None
    indicators: tuple[str, ...]
    categorical: tuple[Categorical, ...]
    dropped: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    shape: tuple[int, ...]
    missing: tuple[str, ...] = ()
    decimals: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw columns that are needed, numeric ones first."""
        return (*self.numeric, *(column.name for column in self.categorical))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """One name per feature: "age", "age is missing", "job = clerk"."""
        names = [*self.numeric, *(f"{name} is missing" for name in self.indicators)]
        for column in self.categorical:
            if column.encoding == "ordinal":
                names.append(column.name)
            else:
                names += [f"{column.name} = {label_of(one)}" for one in column.categories]
        return tuple(names)

    def apply(self, columns: Mapping[str, Any]) -> np.ndarray:
        """Return features for raw columns, such as a pandas DataFrame or a dict of lists.

        Other columns than `columns` are ignored.

        Returns:
            Shape (rows, features), float32.

        Raises:
            DataError: If a column is not there, or is not of numbers where it must be.
        """
        absent = [name for name in self.columns if name not in columns]
        if absent:
            raise DataError(f"The rows lack the column '{absent[0]}'; needed: {self.columns}.")
        numbers = [
            numbers_of(name, self.present(columns[name]), self.decimals.get(name))
            for name in self.numeric
        ]
        codes = [column.codes(self.present(columns[column.name])) for column in self.categorical]
        rows = {len(values) for values in (*numbers, *codes)}
        if len(rows) != 1:
            raise DataError(f"The columns have different numbers of rows: {sorted(rows)}.")
        matrix = np.column_stack(numbers) if numbers else np.zeros((rows.pop(), 0))
        return self.transform(matrix, codes)

    def present(self, values: Any) -> list[object]:  # noqa: ANN401 - whatever holds a column
        """Return raw values of a column as its file was read: None for what says "missing"."""
        if not self.missing:
            return list(values)
        trimmed = (one.strip() if isinstance(one, str) else one for one in values)
        return [None if is_marker(one, self.missing) else one for one in trimmed]

    def transform(self, numbers: np.ndarray, codes: Sequence[np.ndarray]) -> np.ndarray:
        """Return features for numbers and codes.

        Args:
            numbers: The numeric columns, shape (rows, numeric), NaN where missing.
            codes: For each categorical column, positions among its categories, shape (rows,).

        Returns:
            Shape (rows, features), float32.
        """
        mean, scale = np.array(self.mean), np.array(self.scale)
        scale[scale == 0] = np.inf
        result = np.empty((len(numbers), len(mean)), np.float32)
        step = max(1, CHUNK_VALUES // max(1, len(mean)))
        for start in range(0, len(numbers), step):
            part = slice(start, start + step)
            encoded = self.encode(numbers[part], [code[part] for code in codes])
            result[part] = (encoded - mean) / scale
        return result

    def encode(self, numbers: np.ndarray, codes: Sequence[np.ndarray]) -> np.ndarray:
        """Return features before scaling, shape (rows, features), float64.

        Raises:
            DataError: If a value is missing and there is nothing to fill it with.
        """
        filled, missing = self.filled(numbers)
        flags = [missing[:, self.numeric.index(name)] for name in self.indicators]
        pairs = zip(self.categorical, codes, strict=True)
        return np.column_stack([filled, *flags, *(column.encode(code) for column, code in pairs)])

    def filled(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers without gaps, and where the gaps were.

        Raises:
            DataError: If a value is missing and there is nothing to fill it with.
        """
        values = numbers.astype(np.float64)
        missing = np.isnan(values)
        if not missing.any():
            return values, missing
        if self.fill is None:
            row, column = np.argwhere(missing)[0]
            raise DataError(f"'{self.numeric[column]}' is missing in row {row}; fill it first.")
        return np.where(missing, np.array(self.fill), values), missing

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `to_json` wrote.

        Returns:
            The preprocessing.

        Raises:
            DataError: If the file is of another version of the format.
        """
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("format", None) != FORMAT:
            raise DataError(f"'{path}' is of another version of initsweep: run `dvc repro`.")
        columns = tuple(
            Categorical(**{**column, "categories": tuple(column["categories"])})
            for column in content.pop("categorical")
        )
        plain = {key: tuple(v) if isinstance(v, list) else v for key, v in content.items()}
        return cls(**plain, categorical=columns)  # type: ignore[arg-type]

    def to_json(self) -> dict[str, object]:
        """Return the content of the JSON file: numbers, names and categories."""
        content = asdict(self)
        for name in ("missing", "decimals"):  # of tables only
            if not content[name]:
                del content[name]
        return {"format": FORMAT, **content}


def category_of(value: object) -> str | None:
    """Return a raw value as the name of a category; None where it is missing."""
    if value is None or (isinstance(value, float) and np.isnan(value)) or str(value) == "<NA>":
        return None
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    # 3.0 from a column of numbers is the category that a file of text calls 3.
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def label_of(category: str | None) -> str:
    """Return how people see a category."""
    return "(missing)" if category is None else category


def is_marker(value: object, missing: Sequence[str]) -> bool:
    """Return whether a raw value, text or number, is one of the texts that mean "missing"."""
    text = category_of(value)
    return text is not None and text.lower() in missing


def bare_number(text: str) -> str:
    """Return a number without currency and percent signs and spaces; "(7)" is -7."""
    minus = bool(re.match(r"\s*\(", text)) or any(one in text for one in "\u2212\u2013")
    return "-" * minus + DECORATION.sub("", text)


def plain_number(text: str, decimal: str) -> str:
    """Return a number with this decimal mark as Python reads it: "€ 1.234,5" becomes "1234.5".

    The other mark may stand between groups of digits; anything else is left as it is.
    """
    other = "." if decimal == "," else ","
    whole, mark, fraction = bare_number(text).partition(decimal)
    if re.fullmatch(rf"[+-]?[1-9]\d{{0,2}}(?:\{other}\d{{2,3}})*\{other}\d{{3}}", whole):
        whole = whole.replace(other, "")
    return f"{whole}.{fraction}" if mark else whole


def numbers_of(name: str, values: Sequence[object], decimal: str | None = None) -> np.ndarray:
    """Return a raw column as float64, NaN where missing.

    Args:
        name: The column's name.
        values: What it holds.
        decimal: The decimal mark of numbers that are text, None if Python reads them.

    Raises:
        DataError: If a value is not a number.
    """

    def convert(value: object) -> float:
        if category_of(value) is None:
            return np.nan
        if decimal is not None and isinstance(value, str):
            value = plain_number(value, decimal)
        return float(value)  # type: ignore[arg-type]

    try:
        return np.array([convert(value) for value in values], np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"Column '{name}' must hold numbers: {error}.") from None
