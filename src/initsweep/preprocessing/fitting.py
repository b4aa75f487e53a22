"""Fits the numbers of a preprocessing on training rows, with NumPy alone.

What features there are, the *layout*, is settled before (`datasets/splitting.py`): which columns
are used, their categories, and where a gap gets an indicator. Fill, mean and scale of a feature
can then be fitted on any rows, so that the rows of several seeds make features for one network.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from initsweep.preprocessing.transform import Preprocessing

Scaling = Literal["feature", "channel", "none"]


def fit_numbers(
    layout: Preprocessing, scaling: Scaling, numbers: np.ndarray, codes: Sequence[np.ndarray]
) -> Preprocessing:
    """Return the layout with fill, mean and scale of these rows.

    Missing numbers become the median, where gaps are filled at all; a column without any number
    here keeps the fill it has. Numbers and ordinal codes get mean 0 and variance 1; a feature that
    does not vary is only centred. Features that are 0 or 1 stay so.

    Args:
        layout: What features there are.
        scaling: Whether each number gets a mean and scale of its own, or each channel.
        numbers: The numeric columns, shape (rows, numeric), NaN where missing.
        codes: For each categorical column, positions among its categories, shape (rows,).
    """
    filling = replace(layout, fill=_medians(layout, numbers))
    if scaling == "none":
        width = len(layout.feature_names)
        mean, scale = np.zeros(width), np.ones(width)
    elif scaling == "channel":
        mean, scale = _per_channel(numbers, layout.shape)
    else:
        mean, scale = _per_feature(filling, numbers, codes)
    return replace(filling, mean=tuple(mean.tolist()), scale=tuple(scale.tolist()))


def silenced(
    fitted: Preprocessing, scaling: Scaling, numbers: np.ndarray, codes: Sequence[np.ndarray]
) -> Preprocessing:
    """Return the preprocessing with features that never vary in these rows 0 for every row.

    What training rows never show, nothing is learned of: in other rows such a feature, a category
    for instance, would be multiplied by a weight that is as it was drawn. Numbers that are not
    scaled one by one, as in images, stay as they are; an ordinal code is a number among others.
    """
    encoded = fitted.encode(numbers, codes)
    silent = (encoded == encoded[:1]).all(axis=0)
    if scaling != "feature":
        silent[: len(fitted.numeric)] = False
    mean, scale = np.where(silent, encoded[0], fitted.mean), np.where(silent, 0.0, fitted.scale)
    return replace(fitted, mean=tuple(mean.tolist()), scale=tuple(scale.tolist()))


def _medians(layout: Preprocessing, numbers: np.ndarray) -> tuple[float, ...] | None:
    if layout.fill is None or not layout.numeric:
        return layout.fill
    empty = np.isnan(numbers).all(axis=0)
    medians = np.nanmedian(np.where(empty, layout.fill, numbers), axis=0)
    return tuple(medians.tolist())


def _per_feature(
    fitted: Preprocessing, numbers: np.ndarray, codes: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and scale of every feature, shape (features,) each."""
    values = fitted.filled(numbers)[0] if fitted.fill is not None else numbers
    parts = [_standard(values), _as_they_are(len(fitted.indicators))]
    for column, code in zip(fitted.categorical, codes, strict=True):
        ordinal = column.encoding == "ordinal"
        parts.append(_standard(column.encode(code)) if ordinal else _as_they_are(column.width))
    mean, scale = zip(*parts, strict=True)
    return np.concatenate(mean), np.concatenate(scale)


def _standard(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of columns, 1 where they do not vary but by rounding.

    Source: Chan, Golub and LeVeque (1983), Algorithms for computing the sample variance, eq. 1.7:
    the corrected two-pass algorithm, as in scikit-learn's `StandardScaler`, to the last bit.
    """
    n, epsilon = len(values), np.finfo(np.float64).eps
    mean = values.sum(axis=0, dtype=np.float64) / n
    residual = values.astype(np.float64) - mean
    variance = ((residual**2).sum(axis=0) - residual.sum(axis=0) ** 2 / n) / n
    constant = variance <= n * epsilon * variance + (n * mean * epsilon) ** 2
    return mean, np.where(constant, 1.0, np.sqrt(variance))


def _as_they_are(width: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(width), np.ones(width)


def _per_channel(numbers: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each channel, repeated for its pixels."""
    pixels = int(np.prod(shape[1:]))
    mean, scale = [], []
    for channel in range(shape[0]):
        values = numbers[:, channel * pixels : (channel + 1) * pixels]
        mean.append(np.full(pixels, values.mean(dtype=np.float64)))
        scale.append(np.full(pixels, values.std(dtype=np.float64) or 1.0))
    return np.concatenate(mean), np.concatenate(scale)
