"""What all data sets that ship inside scikit-learn share."""

from typing import Any

import numpy as np

from initsweep.datasets import Dataset, Task


def from_bunch(bunch: Any, task: Task, reference: str) -> Dataset:  # noqa: ANN401 - untyped library
    """Return scikit-learn's `Bunch` as a `Dataset`."""
    classes = getattr(bunch, "target_names", ()) if task == "classification" else ()
    return Dataset(
        task=task,
        features=np.asarray(bunch.data, dtype=np.float64),
        targets=np.asarray(bunch.target),
        feature_names=tuple(str(name) for name in bunch.feature_names),
        class_names=tuple(str(name) for name in classes),
        reference=reference,
    )
