"""Split rows in three and standardize them, fitted on the training rows only."""

from dataclasses import dataclass

import numpy as np

from initsweep.datasets import Dataset
from initsweep.datasets._fitting import fit, raw_columns
from initsweep.errors import DataError
from initsweep.params import Fractions
from initsweep.preprocessing import Preprocessing
from initsweep.randomness import stream_seed

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Standardized splits, and the preprocessing that made them.

    Attributes:
        features: By split, shape (rows, features), float32.
        targets: By split, shape (rows,): int64 classes, or standardized float32 numbers.
        rows: By split, the row numbers in the raw data.
        preprocessing: What was fitted on the training rows.
    """

    features: dict[str, np.ndarray]
    targets: dict[str, np.ndarray]
    rows: dict[str, np.ndarray]
    preprocessing: Preprocessing
    target_mean: float
    target_scale: float


def split_rows(source: str, dataset: Dataset, settings: Fractions) -> dict[str, np.ndarray]:
    """Draw the row numbers of each split, stratified by class for classification.

    Rows whose split the data itself gives stay there; test or validation rows are drawn only if
    it gives none.

    Returns:
        By split, row numbers in ascending order.

    Raises:
        DataError: If the data is too small for these fractions.
    """
    state = stream_seed("split", settings.split_seed) % 2**32
    given = np.full(len(dataset.targets), "") if dataset.split is None else dataset.split
    rows = {name: np.flatnonzero(given == name) for name in SPLITS}
    rest = np.flatnonzero((given == "") | (given == "train"))
    free = len(rest)
    fractions = {"test": settings.test_fraction, "validation": settings.validation_fraction}
    left = 1.0
    for name, fraction in fractions.items():
        if len(rows[name]):
            continue
        try:
            rest, rows[name] = _draw(dataset, rest, fraction / left, state)
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


def _draw(
    dataset: Dataset, rows: np.ndarray, share: float, state: int
) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.model_selection import train_test_split

    stratify = dataset.targets[rows] if dataset.task == "classification" else None
    rest, drawn = train_test_split(rows, test_size=share, random_state=state, stratify=stratify)
    return rest, drawn


def standardize(dataset: Dataset, rows: dict[str, np.ndarray]) -> Prepared:
    """Encode and scale features and regression targets, fitted on the training rows only.

    Numeric features get mean 0 and variance 1; one that is constant on the training rows is only
    centred, or dropped if the data is a table.

    Returns:
        The standardized splits.
    """
    preprocessing = fit(dataset, rows["train"])
    mean, scale = 0.0, 1.0
    if dataset.task == "regression":
        mean = float(np.mean(dataset.targets[rows["train"]]))
        scale = float(np.std(dataset.targets[rows["train"]])) or 1.0
    return Prepared(
        features={
            name: preprocessing.transform(*raw_columns(dataset, preprocessing, rows[name]))
            for name in SPLITS
        },
        targets={name: _targets(dataset, rows[name], mean, scale) for name in SPLITS},
        rows=rows,
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


def _targets(dataset: Dataset, rows: np.ndarray, mean: float, scale: float) -> np.ndarray:
    targets: np.ndarray = dataset.targets[rows]
    if dataset.task == "classification":
        return targets.astype(np.int64)
    return ((targets - mean) / scale).astype(np.float32)
