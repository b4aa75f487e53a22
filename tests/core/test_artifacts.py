import dataclasses
import errno
import math
from typing import Literal

import numpy as np
import pytest

from initsweep.core import artifacts
from initsweep.core.errors import ArtifactError
from initsweep.core.records import Provenance, Selection, rounded


@dataclasses.dataclass(frozen=True)
class Sample:
    name: str
    count: int
    value: float
    maybe: float | None
    flag: bool
    kind: Literal["a", "b"]


ROWS = [
    Sample("plain", 1, 0.1, None, True, "a"),
    Sample('comma, "quote"', -2, 1e-300, 2.0 / 3.0, False, "b"),
]


def test_rows_read_back_as_records_have_them(tmp_path):
    artifacts.write_rows(tmp_path / "sub" / "t.csv", ROWS, Sample)
    read = artifacts.read_rows(tmp_path / "sub" / "t.csv", Sample)
    assert read == [ROWS[0], dataclasses.replace(ROWS[1], maybe=0.666666667)]
    artifacts.write_rows(tmp_path / "again.csv", read, Sample)
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "sub" / "t.csv").read_bytes()


def test_records_keep_all_that_float32_holds(tmp_path):
    values = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
    kept = np.array([rounded(float(value)) for value in values])
    assert np.array_equal(kept.astype(np.float32), values)


def test_json_keeps_all_digits_only_where_asked(tmp_path):
    value = {"a": [2.0 / 3.0], "b": {"c": 0.1 + 0.2}}
    artifacts.write_json(tmp_path / "rounded.json", value)
    assert artifacts.read_json(tmp_path / "rounded.json") == {"a": [0.666666667], "b": {"c": 0.3}}
    artifacts.write_json(tmp_path / "exact.json", value, exact=True)
    assert artifacts.read_json(tmp_path / "exact.json") == value


def test_the_bytes_of_a_table_are_fixed(tmp_path):
    artifacts.write_rows(tmp_path / "t.csv", ROWS[:1], Sample)
    assert (tmp_path / "t.csv").read_bytes() == (
        b"name,count,value,maybe,flag,kind\nplain,1,0.1,,true,a\n"
    )


def test_an_empty_table_keeps_its_columns(tmp_path):
    artifacts.write_rows(tmp_path / "t.csv", [], Sample)
    assert artifacts.read_rows(tmp_path / "t.csv", Sample) == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "found nothing"),
        ("name,count\nx,1\n", "should have the columns"),
        ("name,count,value,maybe,flag,kind\nx,one,1,,true,a\n", "is damaged"),
        ("name,count,value,maybe,flag,kind\nx,1,1,,perhaps,a\n", "line 2, flag: .*boolean"),
        ("name,count,value,maybe,flag,kind\nx,1,1,,true,c\n", "line 2, kind: .*should be "),
        ("name,count,value,maybe,flag,kind\nx,1\n", "is damaged"),
        ("name,count,value,maybe,flag,kind\nx,1,nan,,true,a\n", "line 2, value: .*finite number"),
    ],
)
def test_a_damaged_table_is_refused(tmp_path, content, expected):
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(ArtifactError, match=expected):
        artifacts.read_rows(tmp_path / "t.csv", Sample)


def test_a_missing_file_says_what_to_run(tmp_path):
    with pytest.raises(ArtifactError, match="missing: run `dvc repro`"):
        artifacts.read_rows(tmp_path / "none.csv", Sample)
    with pytest.raises(ArtifactError, match="missing: run `dvc repro`"):
        artifacts.read_array(tmp_path / "none.npy")


def selection() -> Selection:
    return Selection(
        scheme="he",
        initializer="he_normal",
        options={"gain": 1.5},
        learning_rate=0.1,
        other_learning_rate=0.1,
        mean_loss=0.2,
        grid=[0.1, 1.0],
        censored="no",
        engine="torch",
        provenance=Provenance(params_sha="a", data_sha="b", code_sha="c", versions={"torch": "1"}),
    )


def test_nested_records_read_back_exactly(tmp_path):
    artifacts.write_json(tmp_path / "r.json", selection())
    assert artifacts.read_record(tmp_path / "r.json", Selection) == selection()


def test_another_record_is_refused(tmp_path):
    artifacts.write_json(tmp_path / "r.json", selection())
    with pytest.raises(ArtifactError, match="does not hold a Provenance"):
        artifacts.read_record(tmp_path / "r.json", Provenance)
    (tmp_path / "r.json").write_text("{")
    with pytest.raises(ArtifactError, match="is damaged"):
        artifacts.read_json(tmp_path / "r.json")


def test_a_record_with_a_wrong_value_is_refused_by_field(tmp_path):
    content = dataclasses.asdict(selection()) | {"learning_rate": "fast"}
    artifacts.write_json(tmp_path / "r.json", content)
    with pytest.raises(ArtifactError, match=r"learning_rate: .*valid number"):
        artifacts.read_record(tmp_path / "r.json", Selection)
    artifacts.write_json(tmp_path / "r.json", content | {"learning_rate": 0.1, "censored": "left"})
    with pytest.raises(ArtifactError, match="censored"):
        artifacts.read_record(tmp_path / "r.json", Selection)


def test_json_never_holds_nan(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        artifacts.write_json(tmp_path / "r.json", {"loss": math.nan})
    assert not (tmp_path / "r.json").exists()


def test_arrays_read_back_and_pickles_are_refused(tmp_path):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    artifacts.write_array(tmp_path / "a.npy", array)
    assert np.array_equal(artifacts.read_array(tmp_path / "a.npy"), array)
    np.save(tmp_path / "evil.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ArtifactError, match="is damaged"):
        artifacts.read_array(tmp_path / "evil.npy")


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt("full")])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(error, tmp_path, monkeypatch):
    path = tmp_path / "t.txt"
    artifacts.write_text(path, "old")
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(error))
    with pytest.raises(type(error), match="full"):
        artifacts.write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_hash_sees_names_and_contents(tmp_path):
    (tmp_path / "a").write_text("1")
    (tmp_path / "b").write_text("1")
    hashes = {artifacts.file_hash([tmp_path / "a"]), artifacts.file_hash([tmp_path / "b"])}
    (tmp_path / "a").write_text("2")
    assert len(hashes | {artifacts.file_hash([tmp_path / "a"])}) == 3
