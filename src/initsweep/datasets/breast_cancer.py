"""Breast cancer Wisconsin: 569 biopsies, 30 measurements, two classes."""

from initsweep.datasets import DATASETS, Dataset
from initsweep.datasets._sklearn import from_bunch


@DATASETS.register("breast_cancer")
def load() -> Dataset:
    """Return the breast cancer data set."""
    from sklearn.datasets import load_breast_cancer

    return from_bunch(
        load_breast_cancer(),
        "classification",
        "Wolberg, Mangasarian, Street & Street 1993, UCI Breast Cancer Wisconsin",
    )
