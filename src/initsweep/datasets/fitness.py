"""Is this data set fit to be split and learned from?"""

from collections.abc import Iterator, Mapping
from itertools import chain

import numpy as np

from initsweep.core.errors import DataError
from initsweep.core.spelling import is_whole
from initsweep.datasets import Dataset
from initsweep.datasets.in_messages import quoted
from initsweep.datasets.opening import check_width
from initsweep.datasets.suspects import rare_class, too_many

MINIMUM_ROWS = 20


LARGEST = np.finfo(np.float32).max
"""Beyond it, training could only see infinity."""


def check_dataset(source: str, dataset: Dataset) -> None:
    """Refuse data that would fail later or give a meaningless study.

    Raises:
        DataError: If shapes disagree, values are missing or infinite, or there is nothing to
            learn: fewer than 20 rows, one class, a constant target.
    """
    _refuse(source, _shapes(dataset))
    check_width(source, dataset.features.shape[1])
    _refuse(source, _names(dataset), _extras(dataset), _values(dataset), _targets(dataset))


def _refuse(source: str, *faults: Iterator[str]) -> None:
    for said in chain(*faults):
        raise DataError(f"data.source {source}: {said}")


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


def _shapes(dataset: Dataset) -> Iterator[str]:
    # As all checks below: yields what is wrong, and relies on what comes before being right.
    features, targets, names = dataset.features, dataset.targets, dataset.feature_names
    if not (isinstance(features, np.ndarray) and isinstance(targets, np.ndarray)):
        yield (
            "features and targets must be NumPy arrays, received "
            f"{type(features).__name__} and {type(targets).__name__}."
        )
    if features.ndim != 2 or targets.shape != features.shape[:1]:
        yield (
            "features must be (rows, features) and targets (rows,), "
            f"received {features.shape} and {targets.shape}."
        )
    if features.shape[1] != len(names) or not features.shape[1]:
        yield (
            f"{features.shape[1]} features, but {len(names)} feature names; there must be one "
            "each, and at least one."
        )


def _names(dataset: Dataset) -> Iterator[str]:
    # They can be written down, and tell one from another.
    for what, names in (("feature", dataset.feature_names), ("class", dataset.class_names)):
        for name in names:
            nameless = what == "feature" and not name  # no column of a served model may be
            if not isinstance(name, str) or nameless or not is_whole(name):
                yield f"a {what} is called {name!r}; give it a name of text."
        if len(set(names)) != len(names):
            repeated = next(name for name in names if names.count(name) > 1)
            yield f"more than one {what} is called {quoted(repeated)}; rename one."


def _extras(dataset: Dataset) -> Iterator[str]:
    rows, width = dataset.features.shape
    if dataset.shape and int(np.prod(dataset.shape)) != width:
        yield f"shape {dataset.shape} is not that of {width} features."
    if unknown := set(dataset.categories) - set(dataset.feature_names):
        yield f"categories of {quoted(unknown.pop())}, which is no feature."
    if dataset.categories and not dataset.is_table:
        yield "categories need is_table=True."
    if dataset.split is not None and (
        len(dataset.split) != rows
        or not np.isin(dataset.split, ("", "train", "validation", "test")).all()
    ):
        yield "split must say train, validation, test or nothing per row."


def _values(dataset: Dataset) -> Iterator[str]:
    features, targets = dataset.features, dataset.targets
    if not all(one.dtype.kind in "iuf" for one in (features, targets)):
        yield (
            f"features and targets must be numbers, received {features.dtype} and "
            f"{targets.dtype}; encode text as numbers first."
        )
    bad = ~(np.abs(features) < LARGEST)
    if dataset.is_table:
        bad &= ~np.isnan(features)
    if bad.any():
        column = int(np.argmax(bad.any(axis=0)))
        row = int(np.argmax(bad[:, column]))
        yield (
            f"feature {quoted(dataset.feature_names[column])} is {features[row, column]} in row "
            f"{row} ({int(bad.sum())} such cells in all); fill or drop them first."
        )
    usual = np.abs(targets) < LARGEST
    if not usual.all():
        row = int(np.argmin(usual))
        yield f"the target of row {row} is {targets[row]}; fill or drop such rows first."


def _targets(dataset: Dataset) -> Iterator[str]:
    targets, names = dataset.targets, dataset.class_names
    other = "Add rows with others"
    if dataset.is_table:
        other += ", or set data.table.target to another column"
    if len(targets) < MINIMUM_ROWS:
        yield (
            f"{len(targets)} rows; a study needs at least {MINIMUM_ROWS}, some for each of its "
            "three splits."
        )
    if dataset.task != "classification":
        if np.ptp(targets) == 0:
            yield f"every target is {targets[0]}; there is nothing to learn. {other}."
        return
    classes, counts = np.unique(targets, return_counts=True)
    if len(classes) < 2:
        only = quoted([*names, *classes.tolist()][0])
        yield f"only one class, {only}; there is nothing to learn. {other}."
    if not np.array_equal(classes, np.arange(len(names))):
        yield (
            f"classes must be 0 to {len(names) - 1}, one for each of the {len(names)} class names, "
            f"received {classes.tolist()}."
        )
    wrong = too_many("targets", names, counts) or rare_class(names, counts)
    if wrong is not None:
        yield wrong
