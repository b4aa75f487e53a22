"""Settles what features the raw columns become, and fits their numbers."""

from dataclasses import replace

import numpy as np

from initsweep.datasets import Dataset
from initsweep.datasets._wording import quoted
from initsweep.errors import DataError
from initsweep.fitting import fit_numbers
from initsweep.preprocessing import Categorical, Preprocessing

MAXIMUM_CATEGORIES = 1000


def fit(dataset: Dataset, known: np.ndarray) -> Preprocessing:
    """Fit imputation, encoding and scaling on the rows `known`.

    Missing numbers become the median, with an indicator. Categories of a column are those of the
    known rows. Numbers and ordinal codes get mean 0 and variance 1; a feature that does not
    vary is only centred. Features that are 0 or 1 stay so.

    Returns:
        The fitted preprocessing.

    Raises:
        DataError: If no column is left, or one has too many categories.
    """
    values = dataset.features[known]
    dropped = constant_columns(dataset, values) if dataset.is_table else []
    names = [name for name in dataset.feature_names if name not in dropped]
    if not names:
        raise DataError(
            f"{dataset.reference}: no column varies in the training rows; there is nothing to "
            "learn from. Add columns that do."
        )
    layout = Preprocessing(
        numeric=tuple(name for name in names if name not in dataset.categories),
        fill=None,
        indicators=(),
        categorical=(),
        dropped=tuple(dropped),
        mean=(),
        scale=(),
        shape=dataset.shape,
        missing=dataset.missing,
        decimals={n: m for n, m in dataset.decimals.items() if n not in dropped},
    )
    if dataset.is_table:
        layout = _with_encoders(dataset, layout, values)
    return fit_numbers(layout, dataset.scaling, *raw_columns(dataset, layout, known))


def constant_columns(dataset: Dataset, known: np.ndarray) -> list[str]:
    """Return the names of columns with one value in all rows of `known`, missing being a value."""
    first = known[:1]
    same = (known == first) | (np.isnan(known) & np.isnan(first))
    return [n for n, flag in zip(dataset.feature_names, same.all(axis=0), strict=True) if flag]


def raw_columns(
    dataset: Dataset, fitted: Preprocessing, rows: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return numbers and codes of some rows, as `Preprocessing.transform` takes them."""
    position = {name: column for column, name in enumerate(dataset.feature_names)}
    chosen = dataset.features[rows]
    if fitted.numeric != dataset.feature_names:
        numbers = chosen[:, [position[name] for name in fitted.numeric]]
    else:
        numbers = chosen
    codes = []
    for column in fitted.categorical:
        # From positions among all categories to positions among those of the known rows.
        labels = (*dataset.categories[column.name], None)
        table = np.array(column.codes(labels))
        raw = chosen[:, position[column.name]]
        codes.append(table[np.where(np.isnan(raw), len(labels) - 1, raw).astype(np.int64)])
    return numbers, codes


def _with_encoders(dataset: Dataset, layout: Preprocessing, known: np.ndarray) -> Preprocessing:
    """Return the layout with indicators of gaps, and the categories that occur, missing last."""
    columns = dict(zip(dataset.feature_names, known.T, strict=True))
    categorical = [name for name in dataset.categories if name not in layout.dropped]
    return replace(
        layout,
        fill=(0.0,) * len(layout.numeric),
        indicators=tuple(name for name in layout.numeric if np.isnan(columns[name]).any()),
        categorical=tuple(
            _categorical(dataset, name, np.unique(columns[name])) for name in categorical
        ),
    )


def _categorical(dataset: Dataset, name: str, codes: np.ndarray) -> Categorical:
    """Return a column with the categories that were found, NaN last.

    Raises:
        DataError: If one-hot encoding would make too many features of it.
    """
    labels = dataset.categories[name]
    if dataset.encoding == "onehot" and len(codes) > MAXIMUM_CATEGORIES:
        raise DataError(
            f"{dataset.reference}: column {quoted(name)} has {len(codes)} different values, e.g. "
            f"{quoted(labels[0])}: as many features. Is it a name or a number of the row? List it "
            "under data.table.drop, or set data.table.encoding: ordinal (at most "
            f"{MAXIMUM_CATEGORIES})."
        )
    return Categorical(
        name=name,
        encoding=dataset.encoding,
        categories=tuple(None if np.isnan(code) else labels[int(code)] for code in codes),
    )
