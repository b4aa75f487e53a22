"""Settles what features the raw columns become, and fits their numbers."""

import numpy as np

from initsweep.datasets import Dataset
from initsweep.datasets._wording import quoted
from initsweep.errors import DataError
from initsweep.fitting import fit_numbers
from initsweep.preprocessing import Categorical, Preprocessing

MAXIMUM_CATEGORIES = 1000


def fit(dataset: Dataset, known: np.ndarray) -> Preprocessing:
    """Return the imputation, encoding and scaling that is fitted on the rows `known`.

    Missing numbers become the median, with an indicator. Categories of a column are those of the
    known rows. Numbers and ordinal codes get mean 0 and variance 1; a feature that does not
    vary is only centred. Features that are 0 or 1 stay so.

    Raises:
        DataError: If no column is left, or one has too many categories.
    """
    values = dataset.features[known]
    dropped = constant_columns(dataset, values) if dataset.is_table else []
    kept = {
        name: column
        for name, column in zip(dataset.feature_names, values.T, strict=True)
        if name not in dropped
    }
    if not kept:
        raise DataError(
            f"{dataset.reference}: no column varies in the training rows; there is nothing to "
            "learn from. Add columns that do."
        )
    numeric = tuple(name for name in kept if name not in dataset.categories)
    gaps = [name for name in numeric if dataset.is_table and np.isnan(kept[name]).any()]
    layout = Preprocessing(
        numeric=numeric,
        fill=(0.0,) * len(numeric) if dataset.is_table else None,
        indicators=tuple(gaps),
        categorical=tuple(
            _categorical(dataset, name, np.unique(kept[name]))
            for name in dataset.categories
            if name in kept
        ),
        dropped=tuple(dropped),
        mean=(),
        scale=(),
        shape=dataset.shape,
        missing=dataset.missing,
        decimals={n: m for n, m in dataset.decimals.items() if n in kept},
    )
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
    numbers = chosen
    if fitted.numeric != dataset.feature_names:
        numbers = chosen[:, [position[name] for name in fitted.numeric]]
    codes = []
    for column in fitted.categorical:
        # From positions among all categories to positions among those of the known rows.
        labels = (*dataset.categories[column.name], None)
        table = np.array(column.codes(labels))
        raw = chosen[:, position[column.name]]
        codes.append(table[np.where(np.isnan(raw), len(labels) - 1, raw).astype(np.int64)])
    return numbers, codes


def _categorical(dataset: Dataset, name: str, codes: np.ndarray) -> Categorical:
    # The categories that were found, NaN last.
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
