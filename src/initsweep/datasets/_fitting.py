"""Fit the preprocessing on the training rows, by scikit-learn, and keep it as plain numbers."""

from dataclasses import replace

import numpy as np

from initsweep.datasets import Dataset
from initsweep.datasets._wording import quoted
from initsweep.errors import DataError
from initsweep.preprocessing import UNKNOWN, Categorical, Preprocessing

MAXIMUM_CATEGORIES = 1000


def fit(dataset: Dataset, train: np.ndarray) -> Preprocessing:
    """Fit imputation, encoding and scaling on the rows `train`.

    Missing numbers become the median, with an indicator. Categories of a column are those of the
    training rows. Numbers and ordinal codes get mean 0 and variance 1; a feature that does not
    vary is only centred. Features that are 0 or 1 stay so.

    Returns:
        The fitted preprocessing.

    Raises:
        DataError: If no column is left, or one has too many categories.
    """
    known = dataset.features[train]
    dropped = constant_columns(dataset, known) if dataset.is_table else []
    names = [name for name in dataset.feature_names if name not in dropped]
    if not names:
        raise DataError(
            f"{dataset.reference}: no column varies in the training rows; there is nothing to "
            "learn from. Add columns that do."
        )
    numeric = [name for name in names if name not in dataset.categories]
    encoded = Preprocessing(
        numeric=tuple(numeric),
        fill=None,
        indicators=(),
        categorical=(),
        dropped=tuple(dropped),
        mean=(),
        scale=(),
        shape=dataset.shape,
    )
    if dataset.is_table:
        encoded = _encoders(dataset, encoded, known)
    numbers, codes = raw_columns(dataset, encoded, train)
    mean, scale = _scaling(dataset, encoded, numbers, codes)
    return replace(encoded, mean=tuple(mean.tolist()), scale=tuple(scale.tolist()))


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
        # From positions among all categories to positions among those of the training rows.
        labels = (*dataset.categories[column.name], None)
        table = np.array(column.codes(labels))
        raw = chosen[:, position[column.name]]
        codes.append(table[np.where(np.isnan(raw), len(labels) - 1, raw).astype(np.int64)])
    return numbers, codes


def _encoders(dataset: Dataset, columns: Preprocessing, known: np.ndarray) -> Preprocessing:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

    position = {name: column for column, name in enumerate(dataset.feature_names)}
    dropped = set(columns.dropped)
    categorical = [name for name in dataset.categories if name not in dropped]
    encoder = (
        OneHotEncoder(handle_unknown="ignore")
        if dataset.encoding == "onehot"
        else OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=UNKNOWN)
    )
    fitted = ColumnTransformer(
        [
            (
                "numeric",
                SimpleImputer(strategy="median", add_indicator=True),
                [position[name] for name in columns.numeric],
            ),
            ("categorical", encoder, [position[name] for name in categorical]),
        ]
    ).fit(known)
    fill, indicators = [], []
    if columns.numeric:
        imputer = fitted.named_transformers_["numeric"]
        fill = imputer.statistics_.tolist()
        indicators = [columns.numeric[index] for index in imputer.indicator_.features_]
    found = fitted.named_transformers_["categorical"].categories_ if categorical else []
    return replace(
        columns,
        fill=tuple(fill),
        indicators=tuple(indicators),
        categorical=tuple(
            _categorical(dataset, name, codes)
            for name, codes in zip(categorical, found, strict=True)
        ),
    )


def _categorical(dataset: Dataset, name: str, codes: np.ndarray) -> Categorical:
    """Return a column with the categories that scikit-learn found, NaN last.

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


def _scaling(
    dataset: Dataset, fitted: Preprocessing, numbers: np.ndarray, codes: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and scale of every feature."""
    if dataset.scaling == "none":
        width = len(fitted.feature_names)
        return np.zeros(width), np.ones(width)
    if dataset.scaling == "channel":
        return _per_channel(numbers, dataset.shape)
    from sklearn.preprocessing import StandardScaler

    mean, scale = [], []
    if fitted.numeric:
        values = fitted.filled(numbers)[0] if fitted.fill is not None else numbers
        scaler = StandardScaler().fit(values)
        mean, scale = [scaler.mean_], [scaler.scale_]
    flags = len(fitted.indicators)
    mean.append(np.zeros(flags))
    scale.append(np.ones(flags))
    for column, code in zip(fitted.categorical, codes, strict=True):
        own = StandardScaler().fit(column.encode(code)) if column.encoding == "ordinal" else None
        mean.append(np.zeros(column.width) if own is None else own.mean_)
        scale.append(np.ones(column.width) if own is None else own.scale_)
    return np.concatenate(mean), np.concatenate(scale)


def _per_channel(numbers: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each channel, repeated for its pixels."""
    pixels = int(np.prod(shape[1:]))
    mean, scale = [], []
    for channel in range(shape[0]):
        values = numbers[:, channel * pixels : (channel + 1) * pixels]
        mean.append(np.full(pixels, values.mean(dtype=np.float64)))
        scale.append(np.full(pixels, values.std(dtype=np.float64) or 1.0))
    return np.concatenate(mean), np.concatenate(scale)
