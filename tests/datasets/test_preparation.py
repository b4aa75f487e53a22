import numpy as np
import pytest

from initsweep.core.errors import DataError
from initsweep.core.params import Fractions
from initsweep.datasets import DATASETS, Dataset
from initsweep.datasets.fitness import check_dataset
from initsweep.datasets.profile import profile
from initsweep.datasets.splitting import SPLITS, constant_loss, split_rows, standardize

SETTINGS = Fractions(validation_fraction=0.2, test_fraction=0.2, split_seed=0)


def sample(task="classification", rows=100, **changes) -> Dataset:
    generator = np.random.default_rng(0)
    values = {
        "task": task,
        "features": generator.normal(3.0, 2.0, (rows, 4)),
        "targets": np.arange(rows) % 2 if task == "classification" else generator.normal(size=rows),
        "feature_names": ("a", "b", "c", "d"),
        "class_names": ("no", "yes") if task == "classification" else (),
        "reference": "made here",
    }
    return Dataset(**{**values, **changes})


@pytest.mark.parametrize(
    ("name", "shape", "task", "classes"),
    [
        ("digits", (1797, 64), "classification", 10),
        ("breast_cancer", (569, 30), "classification", 2),
        ("wine", (178, 13), "classification", 3),
        ("diabetes", (442, 10), "regression", 0),
    ],
)
def test_shipped_data_sets_are_what_they_say(name, shape, task, classes):
    dataset = DATASETS.get(name)()
    assert dataset.features.shape == shape
    assert dataset.task == task
    assert len(dataset.class_names) == classes
    assert len(dataset.feature_names) == shape[1]
    check_dataset(name, dataset)


def test_splits_are_disjoint_complete_and_stratified():
    dataset = DATASETS.get("digits")()
    rows = split_rows("digits", dataset, SETTINGS)
    together = np.concatenate([rows[name] for name in SPLITS])
    assert np.array_equal(np.sort(together), np.arange(1797))
    shares = [np.bincount(dataset.targets[rows[n]]) / len(rows[n]) for n in SPLITS]
    assert np.abs(shares[0] - shares[1]).max() < 0.01
    assert np.abs(shares[0] - shares[2]).max() < 0.01
    assert len(rows["test"]) == 360


def test_the_split_depends_on_its_seed_only():
    dataset = sample()
    first, again = (split_rows("x", dataset, SETTINGS)["test"] for _ in range(2))
    other = split_rows("x", dataset, SETTINGS.model_copy(update={"split_seed": 1}))["test"]
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_standardization_is_fitted_on_training_rows_only():
    dataset = sample()
    rows = split_rows("x", dataset, SETTINGS)
    shifted = dataset.features.copy()
    shifted[rows["test"]] += 1000.0
    plain, moved = (standardize(d, rows) for d in (dataset, sample(features=shifted)))
    assert np.array_equal(plain.features["train"], moved.features["train"])
    assert np.abs(plain.features["train"].mean(axis=0)).max() < 1e-6
    assert np.allclose(plain.features["train"].std(axis=0), 1.0, atol=1e-6)
    assert moved.features["test"].min() > 100


def test_a_constant_feature_is_centred_not_divided_by_zero():
    features = sample().features.copy()
    features[:, 1] = 7.0
    dataset = sample(features=features)
    prepared = standardize(dataset, split_rows("x", dataset, SETTINGS))
    assert np.array_equal(np.unique(prepared.features["train"][:, 1]), [0.0])
    assert profile(dataset, prepared)["constant_features"] == ["b"]


def test_regression_targets_are_standardized_and_can_be_restored():
    dataset = sample("regression")
    rows = split_rows("x", dataset, SETTINGS)
    prepared = standardize(dataset, rows)
    restored = prepared.targets["test"] * prepared.target_scale + prepared.target_mean
    assert np.allclose(restored, dataset.targets[rows["test"]], atol=1e-6)
    assert constant_loss(dataset, prepared, "train") == pytest.approx(1.0, abs=1e-6)


def test_the_constant_predictor_knows_training_frequencies_only():
    targets = np.array([0] * 90 + [1] * 30)
    dataset = sample(rows=120, targets=targets)
    prepared = standardize(dataset, split_rows("x", dataset, SETTINGS))
    # Stratified splits of 3:1 classes: the entropy of (3/4, 1/4) in nats.
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert constant_loss(dataset, prepared, "test") == pytest.approx(entropy)


def test_the_profile_counts_leaks():
    features = sample().features.copy()
    features[1::2] = features[0::2]
    dataset = sample(features=features)
    prepared = standardize(dataset, split_rows("x", dataset, SETTINGS))
    shared = profile(dataset, prepared)["rows_also_in_train"]
    known = {features[row].tobytes() for row in prepared.rows["train"]}
    assert shared["test"] == sum(features[row].tobytes() in known for row in prepared.rows["test"])
    assert shared["test"] > 0


def with_cell(value: float) -> Dataset:
    features = sample().features.copy()
    features[17, 2] = value
    return sample(features=features)


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        (with_cell(np.nan), "feature 'c' is nan in row 17"),
        (with_cell(np.inf), "feature 'c' is inf in row 17"),
        (sample("regression", targets=np.full(100, np.nan)), "target of row 0"),
        (sample("regression", targets=np.full(100, 2.0)), "every target is 2.0"),
        (sample(targets=np.zeros(100, dtype=int)), "only one class"),
        (sample(targets=np.arange(100) % 2 + 1), "classes must be 0 to 1"),
        (sample(targets=np.array([0] * 98 + [1] * 2)), "class 'yes' has 2 rows"),
        (sample(rows=10), "10 rows; a study needs at least 20"),
        (sample(targets=np.arange(99) % 2), r"received \(100, 4\) and \(99,\)"),
        (sample(targets=np.array(["a", "b"] * 50)), "must be numbers"),
        (sample(features=sample().features * 1j), "must be numbers"),
        (sample(features=[[1.0]] * 100), "must be NumPy arrays, received list"),
        (sample(features=np.zeros((100, 0)), feature_names=()), "0 features"),
        (sample(feature_names=("a", "b")), "4 features, but 2 feature names"),
        (with_cell(1e200), "feature 'c' is 1e[+]200 in row 17"),
    ],
)
def test_unfit_data_is_refused_by_name(dataset, expected):
    with pytest.raises(DataError, match=expected):
        check_dataset("x", dataset)
