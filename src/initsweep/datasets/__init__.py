"""Data sets by name, and what they are. Files of the user's are read by `readers`.

To add one, write a file here with a function that returns a `Dataset` and register it with
`@DATASETS.register("my_data")`. From outside, give `data.source: my_package.data:load`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from initsweep.core.registry import Registry

Task = Literal["classification", "regression"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Raw data as loaded, before any split or scaling. Six fields are enough; the rest is optional.

    Attributes:
        features: Shape (rows, features), numbers.
        targets: Shape (rows,): class indices from 0 for classification, numbers for regression.
        class_names: One name per class; empty for regression.
        reference: Where the data comes from.
        categories: The categorical features by name, each with its sorted categories; the
            feature's values are positions among them.
        encoding: What becomes of categorical features.
        is_table: Whether features are columns of their own kind: missing ones (NaN) are filled
            in, and those that never vary are dropped.
        shape: Shape of one example that was flattened into a row: (channels, height, width).
        scaling: Whether each feature gets a mean and scale of its own, or each channel.
        split: For each row "train", "validation" or "test", or "" for a row to be drawn.
        missing: What stands for a missing value in the table, in lower case.
        decimals: Columns of text that is numbers, with their decimal mark.
        unnamed: Columns without a name in the file, where others have one.
        notices: Sentences about what was noticed or assumed when the data was read.
        target_name: What the targets are called, "" if they have no name.

    Examples:
        >>> import numpy as np
        >>> from initsweep import Dataset
        >>> Dataset(
        ...     task="regression",
        ...     features=np.arange(40.0).reshape(20, 2),
        ...     targets=np.arange(20.0),
        ...     feature_names=("x", "y"),
        ...     class_names=(),
        ...     reference="made up",
        ... ).features.shape
        (20, 2)
    """

    task: Task
    features: np.ndarray
    targets: np.ndarray
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    reference: str
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    encoding: Literal["onehot", "ordinal"] = "onehot"
    is_table: bool = False
    shape: tuple[int, ...] = ()
    scaling: Literal["feature", "channel", "none"] = "feature"
    split: np.ndarray | None = None
    missing: tuple[str, ...] = ()
    decimals: Mapping[str, str] = field(default_factory=dict)
    unnamed: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    target_name: str = ""


DATASETS: Registry[Callable[[], Dataset]] = Registry("data set", f"{__name__}.sources")
"""All data sets by name; `@DATASETS.register("my_data")` adds a function that returns a `Dataset`.

Examples:
    >>> from initsweep import DATASETS
    >>> DATASETS.get("digits")().features.shape
    (1797, 64)
"""
