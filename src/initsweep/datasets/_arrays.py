"""From arrays of examples to a `Dataset`: rows of numbers, or images."""

from collections.abc import Sequence

import numpy as np

from initsweep.datasets import Dataset
from initsweep.datasets._files import check_width
from initsweep.datasets._target import Target, numbers_as_target
from initsweep.errors import DataError
from initsweep.params import Data

CHANNELS = (1, 3, 4)


def from_arrays(
    path: str, features: np.ndarray, targets: np.ndarray, settings: Data, test_rows: int = 0
) -> Dataset:
    """Return arrays as a data set; the last `test_rows` rows are its test rows.

    Args:
        path: The file, for messages.
        features: Shape (rows, features), or images: (rows, height, width), (rows, channels,
            height, width) or (rows, height, width, channels).
        targets: Shape (rows,) or (rows, 1): numbers, or text for classes.
        settings: The section `data`.
        test_rows: How many rows were given as test rows.

    Returns:
        The data set; images flattened, channels first.

    Raises:
        DataError: If the shapes do not fit, or something is no number.
    """
    if features.ndim not in {2, 3, 4} or not features.size:
        raise DataError(
            f"'{path}': features of shape {features.shape}; they must be (rows, features), (rows, "
            "height, width), (rows, channels, height, width) or (rows, height, width, channels)."
        )
    targets = targets[:, 0] if targets.ndim == 2 and targets.shape[1] == 1 else targets
    if targets.shape != features.shape[:1]:
        raise DataError(
            f"'{path}': {len(features)} rows of features, but targets of shape {targets.shape}; "
            "there must be one target for each row."
        )
    if features.dtype.kind not in "biuf":
        raise DataError(f"'{path}': features must be numbers, received {features.dtype}.")
    images, shape = channels_first(features)
    flat = images.reshape(len(images), -1)
    check_width(path, flat.shape[1])
    answer = _targets(path, targets, settings)
    return Dataset(
        task=answer.task,
        features=flat.astype(np.uint8) if flat.dtype == bool else flat,
        targets=answer.values,
        feature_names=_names(flat.shape[1], shape),
        class_names=answer.class_names,
        reference=path,
        shape=shape,
        scaling="channel" if shape else "feature",
        split=None if not test_rows else _split(len(flat), test_rows),
        notices=answer.notices,
    )


def channels_first(features: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return images as (rows, channels, height, width), and the shape of one.

    Four dimensions have their channels last if the last one counts 1, 3 or 4 and the second does
    not. Two dimensions are no images; the shape is then empty.
    """
    if features.ndim == 2:
        return features, ()
    if features.ndim == 3:
        features = features[:, None]
    elif features.shape[-1] in CHANNELS and features.shape[1] not in CHANNELS:
        features = np.moveaxis(features, -1, 1)
    return features, features.shape[1:]


def _targets(path: str, targets: np.ndarray, settings: Data) -> Target:
    kind = targets.dtype.kind
    if kind in "US" or kind == "b":
        text = np.char.decode(targets, "utf-8") if kind == "S" else targets.astype(str)
        names, codes = np.unique(text, return_inverse=True)
        return Target(
            task="classification", values=codes.astype(np.int64), class_names=tuple(names.tolist())
        )
    if kind not in "iuf":
        raise DataError(f"'{path}': targets must be numbers or text, received {targets.dtype}.")
    if not np.isfinite(targets).all():
        row = int(np.argmin(np.isfinite(targets)))
        raise DataError(f"'{path}': the target of row {row} (from 0) is {targets[row]}.")
    return numbers_as_target("targets", targets, settings.task)


def _names(width: int, shape: Sequence[int]) -> tuple[str, ...]:
    if not shape:
        return tuple(f"feature_{column}" for column in range(width))
    places = np.ndindex(*shape)
    return tuple("pixel_" + "_".join(map(str, place)) for place in places)


def _split(rows: int, test_rows: int) -> np.ndarray:
    return np.where(np.arange(rows) < rows - test_rows, "", "test")
