"""Diabetes: 442 patients, 10 baseline variables, disease progression after a year."""

from initsweep.datasets import DATASETS, Dataset
from initsweep.datasets._sklearn import from_bunch


@DATASETS.register("diabetes")
def load() -> Dataset:
    """Return the diabetes data set, a regression task, in raw units."""
    from sklearn.datasets import load_diabetes

    return from_bunch(
        load_diabetes(scaled=False),
        "regression",
        "Efron, Hastie, Johnstone & Tibshirani 2004, Least Angle Regression",
    )
