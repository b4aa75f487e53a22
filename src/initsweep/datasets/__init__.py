"""Data sets by name: one file each.

To add one, write a file here with a function that returns a `Dataset` and register it with
`@DATASETS.register("my_data")`. From outside, give `data.source: my_package.data:load`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from initsweep.registry import Registry

Task = Literal["classification", "regression"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Raw data as loaded, before any split or scaling.

    Attributes:
        features: Shape (rows, features), numbers.
        targets: Shape (rows,): class indices from 0 for classification, numbers for regression.
        class_names: One name per class; empty for regression.
        reference: Where the data comes from.
    """

    task: Task
    features: np.ndarray
    targets: np.ndarray
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    reference: str


DATASETS: Registry[Callable[[], Dataset]] = Registry("data set", __name__)
