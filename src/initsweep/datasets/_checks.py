"""Is this data set fit to be split and learned from?"""

import numpy as np

from initsweep.datasets import Dataset
from initsweep.errors import DataError

MINIMUM_ROWS = 20


def check_dataset(source: str, dataset: Dataset) -> None:
    """Refuse data that would fail later or give a meaningless study.

    Raises:
        DataError: If shapes disagree, values are missing or infinite, or there is nothing to
            learn: fewer than 20 rows, one class, a constant target.
    """
    features, targets = dataset.features, dataset.targets
    if not (isinstance(features, np.ndarray) and isinstance(targets, np.ndarray)):
        raise DataError(
            f"data.source {source}: features and targets must be NumPy arrays, received "
            f"{type(features).__name__} and {type(targets).__name__}."
        )
    if features.ndim != 2 or targets.shape != features.shape[:1]:
        raise DataError(
            f"data.source {source}: features must be (rows, features) and targets (rows,), "
            f"received {features.shape} and {targets.shape}."
        )
    if features.shape[1] != len(dataset.feature_names) or not features.shape[1]:
        raise DataError(
            f"data.source {source}: {features.shape[1]} features, but "
            f"{len(dataset.feature_names)} feature names; there must be one each, and at least one."
        )
    if not all(_is_real(values) for values in (features, targets)):
        raise DataError(
            f"data.source {source}: features and targets must be numbers, received "
            f"{features.dtype} and {targets.dtype}; encode text as numbers first."
        )
    _check_finite(source, dataset)
    if len(targets) < MINIMUM_ROWS:
        raise DataError(f"data.source {source}: {len(targets)} rows; at least {MINIMUM_ROWS}.")
    if dataset.task == "classification":
        _check_classes(source, dataset)
    elif np.ptp(targets) == 0:
        raise DataError(f"data.source {source}: every target is {targets[0]}; nothing to learn.")


def _is_real(values: np.ndarray) -> bool:
    return np.issubdtype(values.dtype, np.integer) or np.issubdtype(values.dtype, np.floating)


def _check_finite(source: str, dataset: Dataset) -> None:
    # Beyond float32, training could only see infinity.
    bad = ~(np.abs(dataset.features) < np.finfo(np.float32).max)
    if bad.any():
        column = int(np.argmax(bad.any(axis=0)))
        row = int(np.argmax(bad[:, column]))
        raise DataError(
            f"data.source {source}: feature '{dataset.feature_names[column]}' is "
            f"{dataset.features[row, column]} in row {row} ({int(bad.sum())} such cells in all); "
            "fill or drop them first."
        )
    if not np.isfinite(dataset.targets).all():
        row = int(np.argmin(np.isfinite(dataset.targets)))
        raise DataError(
            f"data.source {source}: the target of row {row} is {dataset.targets[row]}; "
            "fill or drop such rows first."
        )


def _check_classes(source: str, dataset: Dataset) -> None:
    classes, counts = np.unique(dataset.targets, return_counts=True)
    expected = np.arange(len(dataset.class_names))
    if len(classes) < 2:
        raise DataError(f"data.source {source}: only one class, {classes}; nothing to learn.")
    if not np.array_equal(classes, expected):
        raise DataError(
            f"data.source {source}: classes must be 0 to {len(expected) - 1}, one for each of "
            f"the {len(expected)} class names, received {classes.tolist()}."
        )
    rarest = int(np.argmin(counts))
    if counts[rarest] < 5:
        raise DataError(
            f"data.source {source}: class '{dataset.class_names[rarest]}' has {counts[rarest]} "
            "rows; each of the three splits needs some, so at least 5."
        )
