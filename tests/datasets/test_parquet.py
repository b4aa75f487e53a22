"""Parquet files of all types of columns that can be used."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from initsweep.core.errors import DataError
from initsweep.datasets.loading import load

WORDS = ["red", "green", None] * 20
ANSWERS = [True, False] * 30


def test_columns_of_every_usable_type(tmp_path, settings):
    table = pa.table(
        {
            "category": pa.array(WORDS).dictionary_encode(),
            "word": pa.array(WORDS, pa.large_string()),
            "flag": ANSWERS,
            "view": pa.array(WORDS, pa.string_view()),
            "small": pa.array([1, None] * 30, pa.int8()),
            "price": [Decimal("1.50"), Decimal("2.25")] * 30,
            "single": pa.array(range(60), pa.float32()),
            "empty": pa.nulls(60),
            "answer": ANSWERS,
        }
    )
    parquet.write_table(table, tmp_path / "my.parquet")
    dataset = load(settings(f"parquet:{tmp_path / 'my.parquet'}"))
    words = ("category", "word", "view")
    assert dataset.categories == dict.fromkeys(words, ("green", "red"))
    assert dataset.class_names == ("false", "true")
    assert np.array_equal(
        dataset.features[:2],
        [[1, 1, 1, 1, 1, 1.5, 0, np.nan], [0, 0, 0, 0, np.nan, 2.25, 1, np.nan]],
        equal_nan=True,
    )
    with pytest.raises(DataError, match="'view' is missing in row 3"):
        load(settings(f"parquet:{tmp_path / 'my.parquet'}", target="view"))


def test_the_rows_that_pandas_numbers_are_no_target(tmp_path, settings):
    frame = pd.DataFrame({"x": np.arange(80) * 0.5, "y": ["a", "b"] * 40})
    frame[frame.x != 3].to_parquet(tmp_path / "my.parquet")
    assert "__index_level_0__" in parquet.read_schema(tmp_path / "my.parquet").names
    dataset = load(settings(f"parquet:{tmp_path / 'my.parquet'}"))
    assert dataset.class_names == ("a", "b")
    assert dataset.feature_names == ("x",)
    assert "pandas' number of each row, and is left out" in dataset.notices[0]
