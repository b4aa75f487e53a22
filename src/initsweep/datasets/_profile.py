"""A profile of the data: what a person should know before trusting a study on it."""

import numpy as np

from initsweep.datasets import Dataset
from initsweep.datasets._splitting import SPLITS, Prepared


def profile(dataset: Dataset, prepared: Prepared) -> dict[str, object]:
    """Describe features, targets and splits, with what may mislead: leaks and constant columns.

    Returns:
        JSON-like. `rows_also_in_train` counts rows of a split whose features occur in the
        training rows too.
    """
    train = prepared.rows["train"]
    constant = np.ptp(dataset.features[train], axis=0) == 0
    return {
        "rows": {name: len(prepared.rows[name]) for name in SPLITS},
        "rows_also_in_train": {
            name: _shared_rows(dataset.features, prepared.rows[name], train) for name in SPLITS[1:]
        },
        "constant_features": [
            name for name, flag in zip(dataset.feature_names, constant, strict=True) if flag
        ],
        "targets": _targets(dataset, prepared),
        "features": [
            {"name": name, **_summary(dataset.features[train, column])}
            for column, name in enumerate(dataset.feature_names)
        ],
        "largest_standardized_value": {
            name: float(np.abs(prepared.features[name]).max()) for name in SPLITS
        },
    }


def _targets(dataset: Dataset, prepared: Prepared) -> dict[str, object]:
    if dataset.task == "regression":
        return {name: _summary(dataset.targets[prepared.rows[name]]) for name in SPLITS}
    width = len(dataset.class_names)
    return {
        name: dict(
            zip(
                dataset.class_names,
                np.bincount(prepared.targets[name], minlength=width).tolist(),
                strict=True,
            )
        )
        for name in SPLITS
    }


def _summary(values: np.ndarray) -> dict[str, float]:
    return {
        "minimum": float(values.min()),
        "mean": float(values.mean()),
        "maximum": float(values.max()),
        "standard_deviation": float(values.std()),
    }


def _shared_rows(features: np.ndarray, rows: np.ndarray, train: np.ndarray) -> int:
    known = {features[row].tobytes() for row in train}
    return sum(features[row].tobytes() in known for row in rows)
