"""From arrays of examples to a `Dataset`: rows of numbers, or images."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from initsweep.core.errors import DataError
from initsweep.core.params import Data
from initsweep.datasets import Dataset
from initsweep.datasets.in_messages import legible_names
from initsweep.datasets.opening import check_width
from initsweep.datasets.target import Target, numbers_as_target, text_as_target

CHANNELS = (1, 3, 4)
MOST_CHARACTER = 0x10FFFF
SURROGATES = 0xD800 >> 11
INSTEAD = {
    "U": "text ({0.dtype}). If it is digits, save features.astype(float); columns of words belong "
    "into a CSV or Parquet file",
    "c": "{0.dtype}. Save real and imaginary parts as features: "
    "np.concatenate([x.real, x.imag], axis=1)",
    "M": "{0.dtype}. Save a number instead, array.astype(float) for instance",
    "V": "a structured array with {1}. Save its columns, "
    "numpy.lib.recfunctions.structured_to_unstructured(x), or write a CSV or Parquet file",
}
INSTEAD |= {"S": INSTEAD["U"], "m": INSTEAD["M"]}
"""What an array that holds no numbers is, by its kind, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Given:
    """An array of the user's, its file, and its name in it, empty if it is the only one."""

    values: np.ndarray
    path: Path
    name: str = ""

    def __str__(self) -> str:
        """Return where it is from, for messages."""
        return f"'{self.path}', array '{self.name}'" if self.name else f"'{self.path}'"


def from_arrays(
    features: Given, targets: Given, settings: Data, test: Sequence[Given] = ()
) -> Dataset:
    """Return arrays as a data set.

    Args:
        features: Shape (rows, features), or images: (rows, height, width), (rows, channels,
            height, width) or (rows, height, width, channels).
        targets: Shape (rows,) or (rows, 1): numbers, or text for classes.
        settings: The section `data`.
        test: Features and targets of test rows, if these are given.

    Returns:
        The data set; images flattened, channels first.
    """
    split = None
    if test:
        _check_rows(features, targets)
        _check_rows(*test)
        features, targets = _joined(features, test[0]), _joined(targets, test[1])
        rows = len(features.values)
        split = np.where(np.arange(rows) < rows - len(test[0].values), "", "test")
    _check_features(features)
    _check_rows(features, targets)
    images, shape = _channels_first(features.values)
    flat = images.reshape(len(images), -1)
    check_width(features.path, flat.shape[1])
    answer = _targets(targets, settings)
    places = np.ndindex(*(shape or flat.shape[1:]))
    what = "pixel" if shape else "feature"
    return Dataset(
        task=answer.task,
        features=flat.astype(np.uint8) if flat.dtype == bool else flat,
        targets=answer.values,
        feature_names=tuple("_".join(map(str, (what, *place))) for place in places),
        class_names=answer.class_names,
        reference=str(features.path),
        shape=shape,
        scaling="channel" if shape else "feature",
        split=split,
        notices=answer.notices,
    )


def _joined(first: Given, second: Given) -> Given:
    if first.values.shape[1:] != second.values.shape[1:]:
        raise DataError(
            f"{second} holds rows of shape {second.values.shape[1:]}, {first} of shape "
            f"{first.values.shape[1:]}; training and test rows must be alike."
        )
    return replace(first, values=np.concatenate([first.values, second.values]))


def _channels_first(features: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
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


def _check_features(given: Given) -> None:
    features = given.values
    if features.dtype.kind not in "biuf":
        raise DataError(f"{given}: features must be numbers, received {_named(features)}.")
    if features.ndim not in {2, 3, 4} or not features.size:
        single = " One feature is saved by features.reshape(-1, 1)." if features.ndim == 1 else ""
        raise DataError(
            f"{given}: features of shape {features.shape}; they must be (rows, features), (rows, "
            "height, width), (rows, channels, height, width) or (rows, height, width, channels), "
            f"none of them 0.{single}"
        )


def _check_rows(features: Given, targets: Given) -> None:
    # One target for each row.
    rows, shape = features.values.shape[:1], targets.values.shape
    if len(shape) == 2 and shape[1] > 1 and shape[:1] == rows:
        raise DataError(
            f"{targets}: targets of shape {shape}, but there must be one for each row. If they "
            "are one-hot, save targets.argmax(axis=1); otherwise choose a column."
        )
    if shape not in {rows, (*rows, 1)} or not rows:
        raise DataError(
            f"{features}: {rows[0] if rows else 0} rows of features, but targets of shape {shape} "
            f"in {targets}; there must be one target for each row."
        )


def _named(array: np.ndarray) -> str:
    said = INSTEAD.get(array.dtype.kind, "{0.dtype}")
    return said.format(array, legible_names(array.dtype.names or ()))


def _targets(given: Given, settings: Data) -> Target:
    try:
        return _target_of(given.values.reshape(len(given.values)), settings)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{given}: targets are bytes that are not UTF-8, {error.object!r} for instance; save "
            "them as text: np.char.decode(targets, 'latin-1')."
        ) from None
    except DataError as error:
        raise DataError(f"{given}: {error}") from None


def _target_of(targets: np.ndarray, settings: Data) -> Target:
    kind = targets.dtype.kind
    if kind == "U":
        _check_characters(targets)
    if kind in "USb":
        text = np.char.decode(targets, "utf-8") if kind == "S" else targets.astype(str)
        return text_as_target("targets", text)
    if kind not in "iuf":
        raise DataError(f"targets must be numbers or text, received {_named(targets)}.")
    usual = np.abs(targets) < np.finfo(np.float32).max
    if not usual.all():
        row = int(np.argmin(usual))
        raise DataError(
            f"the target of row {row} (from 0) is {targets[row]}, which single precision does not "
            "hold; leave such rows out, or scale all targets."
        )
    return numbers_as_target("targets", targets, settings.task)


def _check_characters(text: np.ndarray) -> None:
    # NumPy does not look at them when it reads a file; halves of surrogate pairs are none either.
    codes = np.ascontiguousarray(text).view(text.dtype.str[0] + "u4")
    if ((codes > MOST_CHARACTER) | ((codes >> 11) == SURROGATES)).any():
        raise DataError("targets hold text with characters that there are none of; save it again.")
