"""Data sets that ship inside scikit-learn."""

from dataclasses import dataclass

import numpy as np

from initsweep.datasets import DATASETS, Dataset, Task


@dataclass(frozen=True, slots=True)
class Shipped:
    """One of scikit-learn's loaders: its name, what it holds, in one line, and where it is from."""

    name: str
    task: Task
    summary: str
    reference: str
    shape: tuple[int, ...] = ()

    def __call__(self) -> Dataset:
        """Return the data set, in raw units."""
        from sklearn import datasets

        raw = {"scaled": False} if self.name == "diabetes" else {}
        bunch = getattr(datasets, f"load_{self.name}")(**raw)
        classes = bunch.target_names if self.task == "classification" else ()
        return Dataset(
            task=self.task,
            features=np.asarray(bunch.data, dtype=np.float64),
            targets=np.asarray(bunch.target),
            feature_names=tuple(map(str, bunch.feature_names)),
            class_names=tuple(map(str, classes)),
            reference=self.reference,
            shape=self.shape,
        )


for one in (
    Shipped(
        "breast_cancer",
        "classification",
        "Breast cancer Wisconsin: 569 biopsies, 30 measurements, two classes.",
        "Wolberg, Mangasarian, Street & Street 1993, UCI Breast Cancer Wisconsin",
    ),
    Shipped(
        "diabetes",
        "regression",
        "Diabetes: 442 patients, 10 baseline variables, disease progression after a year.",
        "Efron, Hastie, Johnstone & Tibshirani 2004, Least Angle Regression",
    ),
    Shipped(
        "digits",
        "classification",
        "Handwritten digits: 1797 grey images of 8 x 8 pixels, ten classes.",
        "Alpaydin & Kaynak 1998, UCI Optical Recognition of Handwritten Digits (test part)",
        (1, 8, 8),
    ),
    Shipped(
        "wine",
        "classification",
        "Wine: 178 wines, 13 chemical measurements, three cultivars.",
        "Aeberhard & Forina 1992, UCI Wine",
    ),
):
    DATASETS.add(one.name, one)
