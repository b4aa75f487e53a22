"""Handwritten digits: 1797 grey images of 8 x 8 pixels, ten classes."""

from dataclasses import replace

from initsweep.datasets import DATASETS, Dataset
from initsweep.datasets._sklearn import from_bunch


@DATASETS.register("digits")
def load() -> Dataset:
    """Return the digits data set."""
    from sklearn.datasets import load_digits

    images = from_bunch(
        load_digits(),
        "classification",
        "Alpaydin & Kaynak 1998, UCI Optical Recognition of Handwritten Digits (test part)",
    )
    return replace(images, shape=(1, 8, 8))
