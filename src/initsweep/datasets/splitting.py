"""Split rows in three and standardize them, fitted on rows that are not held out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from initsweep.core.errors import DataError
from initsweep.core.params import Data, Fractions
from initsweep.core.randomness import stream_seed
from initsweep.datasets import Dataset
from initsweep.datasets.in_messages import quoted
from initsweep.preprocessing.fitting import fit_numbers
from initsweep.preprocessing.transform import Categorical, Preprocessing

MAXIMUM_CATEGORIES = 1000
SPLITS = ("train", "validation", "test")

FEW_VALIDATION_ROWS = 2000
"""Below that many, which rows they are moves what is measured on them more than seeds do, and
`data.validation: auto` has each seed draw its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Standardized splits, and the preprocessing that made them.

    The first split is the one that everything is fitted on: "train", or "development" if each
    seed draws its training and validation rows from those; there is no "validation" then.

    Attributes:
        features: By split, shape (rows, features), float32.
        targets: By split, shape (rows,): int64 classes, or standardized float32 numbers.
        rows: By split, the row numbers in the raw data.
        counts: How many training, validation and test rows each seed has.
        preprocessing: What was fitted on the first split.
    """

    features: dict[str, np.ndarray]
    targets: dict[str, np.ndarray]
    rows: dict[str, np.ndarray]
    counts: dict[str, int]
    preprocessing: Preprocessing
    target_mean: float
    target_scale: float

    @property
    def fitted_on(self) -> str:
        """The split that everything is fitted on."""
        return next(iter(self.rows))


def split_rows(source: str, dataset: Dataset, settings: Fractions) -> dict[str, np.ndarray]:
    """Return the row numbers of each split, ascending, stratified by class for classification.

    Rows whose split the data itself gives stay there; test or validation rows are drawn only if
    it gives none.

    Raises:
        DataError: If the data is too small for these fractions.
    """
    from sklearn.model_selection import train_test_split

    state = stream_seed("split", settings.split_seed) % 2**32
    given = np.full(len(dataset.targets), "") if dataset.split is None else dataset.split
    rows = {name: np.flatnonzero(given == name) for name in SPLITS}
    rest = np.flatnonzero((given == "") | (given == "train"))
    free, left = len(rest), 1.0
    fractions = {"test": settings.test_fraction, "validation": settings.validation_fraction}
    for name, fraction in fractions.items():
        if len(rows[name]):
            continue
        classes = dataset.targets[rest] if dataset.task == "classification" else None
        try:
            rest, rows[name] = train_test_split(
                rest, test_size=fraction / left, random_state=state, stratify=classes
            )
        except ValueError as error:
            raise DataError(
                f"data.source {source}: {free} rows cannot be split with "
                f"validation_fraction {settings.validation_fraction} and test_fraction "
                f"{settings.test_fraction}: {error}"
            ) from None
        left -= fraction
    rows["train"] = rest
    if not len(rest):
        raise DataError(f"data.source {source}: no row is left for training.")
    return {name: np.sort(rows[name]) for name in SPLITS}


def rotates(source: str, dataset: Dataset, settings: Data, drawn: int) -> bool:
    """Return whether each seed draws its own validation rows, of which there are `drawn`.

    Raises:
        DataError: If that is asked for and the data say which rows they are.
    """
    given = dataset.split is not None and bool((dataset.split == "validation").any())
    if settings.validation == "rotating" and given:
        raise DataError(
            f"data.validation: rotating has each seed draw its validation rows, but {source} says "
            "which they are. Set data.validation: fixed to use those, or call them train to have "
            "them drawn."
        )
    few = drawn < FEW_VALIDATION_ROWS and not given
    return settings.validation == "rotating" or (settings.validation == "auto" and few)


def standardize(dataset: Dataset, rows: Mapping[str, np.ndarray]) -> Prepared:
    """Return splits with encoded and scaled features and regression targets.

    Everything is fitted on the first split only. Numeric features get mean 0 and variance 1; one
    that is constant on these rows is only centred, or dropped if the data is a table.
    """
    known = next(iter(rows.values()))
    preprocessing = _fit(dataset, known)
    targets, mean, scale = dataset.targets, 0.0, 1.0
    if dataset.task == "regression":
        mean, scale = float(np.mean(targets[known])), float(np.std(targets[known])) or 1.0
        targets = ((targets - mean) / scale).astype(np.float32)
    else:
        targets = targets.astype(np.int64)
    return Prepared(
        features={
            name: preprocessing.transform(*raw_columns(dataset, preprocessing, of))
            for name, of in rows.items()
        },
        targets={name: targets[of] for name, of in rows.items()},
        rows=dict(rows),
        counts={name: len(of) for name, of in rows.items()},
        preprocessing=preprocessing,
        target_mean=mean,
        target_scale=scale,
    )


def constant_loss(dataset: Dataset, prepared: Prepared, split: str) -> float:
    """Return the loss on `split` of the best predictor that ignores the features.

    It knows the training targets only. Classification: cross-entropy, in nats, of the training
    class frequencies. Regression: squared error of the training mean, in training variances.
    """
    targets = prepared.targets[split]
    if dataset.task == "regression":
        return float(np.mean(targets.astype(np.float64) ** 2))
    counts = np.bincount(prepared.targets["train"], minlength=len(dataset.class_names))
    return float(-np.mean(np.log(counts / counts.sum())[targets]))


def _fit(dataset: Dataset, known: np.ndarray) -> Preprocessing:
    """Return the imputation, encoding and scaling that is fitted on the rows `known`.

    Missing numbers get an indicator; categories of a column are those of the known rows.

    Raises:
        DataError: If no column is left.
    """
    values = dataset.features[known]
    dropped = constant_columns(dataset, values) if dataset.is_table else []
    columns = zip(dataset.feature_names, values.T, strict=True)
    kept = {name: column for name, column in columns if name not in dropped}
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
