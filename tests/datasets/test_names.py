"""Names that a data set of someone's own gives, and what is said of those that cannot be."""

import numpy as np
import pytest

from initsweep.core.errors import DataError
from initsweep.datasets import Dataset
from initsweep.datasets.fitness import check_dataset
from tests.nasty import TEXTS


def dataset(features, classes):
    return Dataset(
        task="classification",
        features=np.random.default_rng(0).normal(size=(200, len(features))),
        targets=np.arange(200) % len(classes),
        feature_names=features,
        class_names=classes,
        reference="made up",
    )


@pytest.mark.parametrize(
    ("features", "classes", "said"),
    [
        (("a", ""), ("x", "y"), "a feature is called ''"),
        (("a", "b\udce9"), ("x", "y"), r"a feature is called 'b\\udce9'"),
        ((0, 1), ("x", "y"), "a feature is called 0"),
        (("a", "b"), (0, 1), "a class is called 0"),
        (("a", "b"), ("x", "\ud83d"), r"a class is called '\\ud83d'"),
        (("a", "a"), ("x", "y"), "more than one feature is called 'a'"),
        (("a", "b"), ("x", "x"), "more than one class is called 'x'"),
    ],
)
def test_names_that_cannot_be_written_or_told_apart_are_refused(features, classes, said):
    with pytest.raises(DataError, match=f"data.source my_data:load: {said}"):
        check_dataset("my_data:load", dataset(features, classes))


def test_any_other_text_is_a_name():
    whole = tuple(text for text in TEXTS if "\udce9" not in text)
    check_dataset("my_data:load", dataset(tuple(text for text in whole if text), ("x", "y")))
    for start in range(0, len(whole), 20):
        check_dataset("my_data:load", dataset(("a",), whole[start : start + 20]))
