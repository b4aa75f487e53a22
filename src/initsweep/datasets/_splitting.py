"""Split rows in three and standardize them, fitted on the training rows only."""

from dataclasses import dataclass

import numpy as np

from initsweep.datasets import Dataset
from initsweep.errors import DataError
from initsweep.params import Data
from initsweep.randomness import stream_seed

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Standardized splits, and the numbers that standardized them.

    Attributes:
        features: By split, shape (rows, features), float32.
        targets: By split, shape (rows,): int64 classes, or standardized float32 numbers.
        rows: By split, the row numbers in the raw data.
    """

    features: dict[str, np.ndarray]
    targets: dict[str, np.ndarray]
    rows: dict[str, np.ndarray]
    feature_mean: np.ndarray
    feature_scale: np.ndarray
    target_mean: float
    target_scale: float


def split_rows(source: str, dataset: Dataset, settings: Data) -> dict[str, np.ndarray]:
    """Draw the row numbers of each split, stratified by class for classification.

    Returns:
        By split, row numbers in ascending order.

    Raises:
        DataError: If the data is too small for these fractions.
    """
    from sklearn.model_selection import train_test_split

    state = stream_seed("split", settings.split_seed) % 2**32
    stratify = dataset.targets if dataset.task == "classification" else None
    everything = np.arange(len(dataset.targets))
    try:
        rest, test = train_test_split(
            everything, test_size=settings.test_fraction, random_state=state, stratify=stratify
        )
        train, validation = train_test_split(
            rest,
            test_size=settings.validation_fraction / (1 - settings.test_fraction),
            random_state=state,
            stratify=None if stratify is None else stratify[rest],
        )
    except ValueError as error:
        raise DataError(
            f"data.source {source}: {len(everything)} rows cannot be split with "
            f"validation_fraction {settings.validation_fraction} and test_fraction "
            f"{settings.test_fraction}: {error}"
        ) from None
    return {"train": np.sort(train), "validation": np.sort(validation), "test": np.sort(test)}


def standardize(dataset: Dataset, rows: dict[str, np.ndarray]) -> Prepared:
    """Give features (and regression targets) mean 0 and variance 1 on the training rows.

    A feature that is constant on the training rows is only centred.

    Returns:
        The standardized splits.
    """
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(dataset.features[rows["train"]])
    mean, scale = 0.0, 1.0
    if dataset.task == "regression":
        mean = float(np.mean(dataset.targets[rows["train"]]))
        scale = float(np.std(dataset.targets[rows["train"]])) or 1.0
    return Prepared(
        features={
            name: scaler.transform(dataset.features[rows[name]]).astype(np.float32)
            for name in SPLITS
        },
        targets={name: _targets(dataset, rows[name], mean, scale) for name in SPLITS},
        rows=rows,
        feature_mean=scaler.mean_,
        feature_scale=scaler.scale_,
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
