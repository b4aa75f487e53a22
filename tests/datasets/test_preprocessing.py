import json

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from initsweep.core.errors import DataError
from initsweep.datasets.loading import prepare
from initsweep.preprocessing.transform import Preprocessing

WORDS = np.array(["red", "green", "blue", None], dtype=object)


@pytest.fixture
def frame() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "a": generator.normal(5, 3, 200),
            "b": generator.integers(0, 9, 200).astype(float),
            "word": WORDS[generator.integers(0, 4, 200)],
            "size": WORDS[generator.integers(0, 2, 200)],
            "same": 3.0,
            "y": WORDS[generator.integers(0, 2, 200)],
        }
    )
    frame.loc[generator.random(200) < 0.2, "a"] = np.nan
    return frame


RAW = {
    "a": [1.5, None, 7, float("nan")],
    "b": [2, 3, None, 4],
    "word": ["red", "never seen", None, "blue"],
    "size": ["green", "red", "huge", None],
    "ignored": [1, 2, 3, 4],
}


def fitted(frame, tmp_path, settings, **options):
    path = tmp_path / "my.csv"
    frame.to_csv(path, index=False)
    dataset, prepared = prepare(settings(f"csv:{path}", **options))
    return dataset, prepared


def reloaded(preprocessing, tmp_path) -> Preprocessing:
    path = tmp_path / "preprocessing.json"
    path.write_text(json.dumps(preprocessing.to_json(), allow_nan=False))
    return Preprocessing.load(path)


def sklearn_s(frame, encoding) -> ColumnTransformer:
    """The same preprocessing as a user would write it, fitted on raw values."""
    encoder = (
        OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        if encoding == "onehot"
        else make_pipeline(
            OrdinalEncoder(
                handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=99
            ),
        )
    )
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return ColumnTransformer(
        [
            ("numbers", numbers, ["a", "b"]),
            ("missing", MissingIndicator(error_on_new=False), ["a", "b"]),
            ("categories", encoder, ["word", "size"]),
        ]
    ).fit(frame)


def test_it_equals_scikit_learn_on_raw_rows(frame, tmp_path, settings):
    _, prepared = fitted(frame, tmp_path, settings)
    ours = reloaded(prepared.preprocessing, tmp_path)
    assert ours == prepared.preprocessing
    theirs = sklearn_s(frame.iloc[prepared.rows["train"]], "onehot")
    for split in ("train", "validation", "test"):
        rows = frame.iloc[prepared.rows[split]]
        expected = theirs.transform(rows).astype(np.float32)
        assert np.array_equal(prepared.features[split], expected)
        assert np.array_equal(ours.apply(rows), expected)
    unseen = pd.DataFrame(RAW)
    expected = theirs.transform(unseen).astype(np.float32)
    assert np.array_equal(ours.apply(unseen), expected)
    assert np.array_equal(ours.apply(RAW), expected)
    assert len(ours.feature_names) == expected.shape[1]
    assert ours.feature_names == (
        "a", "b", "a is missing",
        "word = blue", "word = green", "word = red", "word = (missing)",
        "size = green", "size = red",
    )  # fmt: skip


def test_ordinal_codes_equal_scikit_learn_s_but_for_the_scale(frame, tmp_path, settings):
    _, prepared = fitted(frame, tmp_path, settings, encoding="ordinal")
    ours = reloaded(prepared.preprocessing, tmp_path)
    train = frame.iloc[prepared.rows["train"]]
    theirs = sklearn_s(train, "ordinal")
    codes = theirs.transform(pd.DataFrame(RAW))[:, 3:]
    codes[codes == 99] = 3  # a missing word is the last category
    mean, scale = np.array(ours.mean)[3:], np.array(ours.scale)[3:]
    restored = ours.apply(RAW)[:, 3:] * scale + mean
    assert ours.feature_names == ("a", "b", "a is missing", "word", "size")
    # No training row lacks a size, so a missing one is unknown.
    codes[3, 1] = -1
    assert np.allclose(restored, codes, atol=1e-6)
    assert np.abs(prepared.features["train"][:, 3:].mean(axis=0)).max() < 1e-6


def test_columns_that_never_vary_are_dropped(frame, tmp_path, settings):
    frame["void"] = np.nan
    _, prepared = fitted(frame, tmp_path, settings, target="y")
    assert prepared.preprocessing.dropped == ("same", "void")
    assert "same" not in prepared.preprocessing.columns


def test_it_is_fitted_on_training_rows_only(frame, tmp_path, settings):
    _, before = fitted(frame, tmp_path, settings)
    changed = frame.copy()
    test = before.rows["test"]
    changed.loc[test, "a"] = 1e6
    changed.loc[test, "word"] = "only in test"
    dataset, after = fitted(changed, tmp_path, settings)
    assert "only in test" in dataset.categories["word"]
    assert before.preprocessing == after.preprocessing
    assert np.array_equal(before.features["train"], after.features["train"])
    unknown = [i for i, n in enumerate(after.preprocessing.feature_names) if n.startswith("word")]
    assert not after.features["test"][:, unknown].any()


def test_numbers_come_back_as_categories_of_their_text(tmp_path, settings):
    frame = pd.DataFrame({"zip": [10, 20] * 30, "x": np.arange(60) % 7, "y": ["a", "b"] * 30})
    _, prepared = fitted(frame, tmp_path, settings, categorical=("zip",))
    raw = {"zip": [10, 20.0, "10"], "x": [1, 1, 1]}
    features = prepared.preprocessing.apply(raw)
    assert features[:, 1:].tolist() == [[1, 0], [0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"a": [1]}, "lack the column 'b'"),
        ({**RAW, "b": ["much"] * 4}, "Column 'b' must hold numbers: could not convert"),
        ({**RAW, "b": [1]}, "different numbers of rows"),
    ],
)
def test_raw_rows_that_do_not_fit_are_refused(frame, tmp_path, settings, raw, expected):
    _, prepared = fitted(frame, tmp_path, settings)
    with pytest.raises(DataError, match=expected):
        prepared.preprocessing.apply(raw)


def test_arrays_do_not_guess_what_is_missing(settings):
    _, prepared = prepare(settings("wine"))
    row = {name: [1.0] for name in prepared.preprocessing.numeric}
    assert prepared.preprocessing.apply(row).shape == (1, 13)
    row["ash"] = [None]
    with pytest.raises(DataError, match="'ash' is missing in row 0"):
        prepared.preprocessing.apply(row)


def test_a_file_of_another_version_is_refused(tmp_path):
    path = tmp_path / "preprocessing.json"
    path.write_text('{"format": 99}')
    with pytest.raises(DataError, match="another version"):
        Preprocessing.load(path)


def test_long_tables_are_encoded_in_parts(frame, tmp_path, settings, monkeypatch):
    _, whole = fitted(frame, tmp_path, settings)
    monkeypatch.setattr("initsweep.preprocessing.transform.CHUNK_VALUES", 50)
    _, parts = fitted(frame, tmp_path, settings)
    assert np.array_equal(whole.features["train"], parts.features["train"])
