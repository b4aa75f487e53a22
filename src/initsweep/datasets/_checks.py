"""Is this data set fit to be split and learned from?"""

from collections.abc import Mapping, Sequence

import numpy as np

from initsweep.datasets import Dataset
from initsweep.datasets._classes import rare_class, refuse_too_many
from initsweep.datasets._files import check_width
from initsweep.datasets._wording import quoted
from initsweep.errors import DataError
from initsweep.spelling import is_whole

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
    check_width(source, features.shape[1])
    _check_names(source, "feature", dataset.feature_names)
    _check_names(source, "class", dataset.class_names)
    _check_extras(source, dataset)
    if not all(_is_real(values) for values in (features, targets)):
        raise DataError(
            f"data.source {source}: features and targets must be numbers, received "
            f"{features.dtype} and {targets.dtype}; encode text as numbers first."
        )
    _check_finite(source, dataset)
    if len(targets) < MINIMUM_ROWS:
        raise DataError(
            f"data.source {source}: {len(targets)} rows; a study needs at least "
            f"{MINIMUM_ROWS}, some for each of its three splits."
        )
    if dataset.task == "classification":
        _check_classes(source, dataset)
    elif np.ptp(targets) == 0:
        raise DataError(
            f"data.source {source}: every target is {targets[0]}; there is nothing to learn. "
            f"{_other_target(dataset)}."
        )


def check_split(source: str, dataset: Dataset, rows: Mapping[str, np.ndarray]) -> None:
    """Refuse training rows that do not show every class, or a target that varies.

    Raises:
        DataError: If a class or all variation is missing among the training rows.
    """
    known = dataset.targets[rows["train"]]
    if dataset.task == "regression":
        # Squares of tiny differences are 0, too.
        if not np.std(known.astype(np.float64)):
            raise DataError(
                f"data.source {source}: every training target is {known[0]}, or nearly so; give "
                "the training rows others, or targets of a larger scale."
            )
        return
    absent = np.setdiff1d(np.arange(len(dataset.class_names)), known)
    if len(absent):
        name = dataset.class_names[absent[0]]
        splits = [split for split, of in rows.items() if (dataset.targets[of] == absent[0]).any()]
        raise DataError(
            f"data.source {source}: class {quoted(name)} has no training row, but rows in "
            f"{' and '.join(splits)}. Correct its name, or give the training rows some."
        )


def _check_names(source: str, what: str, names: Sequence[str]) -> None:
    """Refuse names that cannot be written down, or do not tell one from another.

    Raises:
        DataError: If there is one.
    """
    for name in names:
        nameless = what == "feature" and not name  # no column of a served model may be
        if not isinstance(name, str) or nameless or not is_whole(name):
            raise DataError(
                f"data.source {source}: a {what} is called {name!r}; give it a name of text."
            )
    if len(set(names)) != len(names):
        repeated = next(name for name in names if names.count(name) > 1)
        raise DataError(
            f"data.source {source}: more than one {what} is called {quoted(repeated)}; rename one."
        )


def _check_extras(source: str, dataset: Dataset) -> None:
    width = dataset.features.shape[1]
    if dataset.shape and int(np.prod(dataset.shape)) != width:
        raise DataError(
            f"data.source {source}: shape {dataset.shape} is not that of {width} features."
        )
    unknown = set(dataset.categories) - set(dataset.feature_names)
    if unknown:
        raise DataError(
            f"data.source {source}: categories of {quoted(unknown.pop())}, which is no feature."
        )
    if dataset.categories and not dataset.is_table:
        raise DataError(f"data.source {source}: categories need is_table=True.")
    if dataset.split is not None and (
        len(dataset.split) != len(dataset.features)
        or not np.isin(dataset.split, ("", "train", "validation", "test")).all()
    ):
        raise DataError(
            f"data.source {source}: split must say train, validation, test or nothing per row."
        )


def _is_real(values: np.ndarray) -> bool:
    return np.issubdtype(values.dtype, np.integer) or np.issubdtype(values.dtype, np.floating)


def _check_finite(source: str, dataset: Dataset) -> None:
    # Beyond float32, training could only see infinity.
    bad = ~(np.abs(dataset.features) < np.finfo(np.float32).max)
    if dataset.is_table:
        bad &= ~np.isnan(dataset.features)
    if bad.any():
        column = int(np.argmax(bad.any(axis=0)))
        row = int(np.argmax(bad[:, column]))
        raise DataError(
            f"data.source {source}: feature {quoted(dataset.feature_names[column])} is "
            f"{dataset.features[row, column]} in row {row} ({int(bad.sum())} such cells in all); "
            "fill or drop them first."
        )
    usual = np.abs(dataset.targets) < np.finfo(np.float32).max
    if not usual.all():
        row = int(np.argmin(usual))
        raise DataError(
            f"data.source {source}: the target of row {row} is {dataset.targets[row]}; "
            "fill or drop such rows first."
        )


def _check_classes(source: str, dataset: Dataset) -> None:
    classes, counts = np.unique(dataset.targets, return_counts=True)
    expected = np.arange(len(dataset.class_names))
    if len(classes) < 2:
        only = quoted([*dataset.class_names, *classes.tolist()][0])
        raise DataError(
            f"data.source {source}: only one class, {only}; there is nothing to learn. "
            f"{_other_target(dataset)}."
        )
    if not np.array_equal(classes, expected):
        raise DataError(
            f"data.source {source}: classes must be 0 to {len(expected) - 1}, one for each of "
            f"the {len(expected)} class names, received {classes.tolist()}."
        )
    try:
        refuse_too_many("targets", dataset.class_names, counts)
    except DataError as error:
        raise DataError(f"data.source {source}: {error}") from None
    wrong = rare_class(dataset.class_names, counts)
    if wrong is not None:
        raise DataError(f"data.source {source}: {wrong}")


def _other_target(dataset: Dataset) -> str:
    if dataset.is_table:
        return "Add rows with others, or set data.table.target to another column"
    return "Add rows with others"
