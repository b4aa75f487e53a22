"""Is it an eight? 174 of the 1797 handwritten digits are."""

from sklearn.datasets import load_digits

from initsweep.datasets import Dataset


def load() -> Dataset:
    """Return the digits data with two classes."""
    digits = load_digits()
    return Dataset(
        task="classification",
        features=digits.data,
        targets=(digits.target == 8).astype(int),
        feature_names=tuple(digits.feature_names),
        class_names=("another", "eight"),
        reference="Alpaydin & Kaynak 1998, UCI Optical Recognition of Handwritten Digits",
    )
