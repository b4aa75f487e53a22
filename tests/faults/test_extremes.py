"""Values at the ends of what numbers can be, and text that is none: found by the fuzzers, kept."""

import io
import struct
import zipfile

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from initsweep.core import artifacts
from initsweep.core.errors import ArtifactError, DataError
from initsweep.core.params import Data, load_params, parse_params
from initsweep.core.records import Provenance
from initsweep.datasets import Dataset
from initsweep.datasets.fitness import check_dataset
from initsweep.datasets.loading import load
from initsweep.datasets.loading import prepare as prepared
from initsweep.stages import prepare
from tests.conftest import ROOT

DATA = load_params(ROOT / "params.yaml").data
FEATURES = np.random.default_rng(0).normal(size=(60, 3))
SPREAD = np.linspace(-1, 1, 60)


def settings(source: str, task: str = "auto") -> Data:
    return DATA.model_copy(update={"source": source, "task": task, "watch": "."})


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def saved(targets: np.ndarray, features: np.ndarray = FEATURES) -> str:
    np.savez("my.npz", features=features, targets=targets)
    return "npz:my.npz"


@pytest.mark.parametrize(
    ("targets", "task", "expected"),
    [
        (SPREAD * 1e300, "auto", r"target of row 0 \(from 0\) is -1e\+300, which single precision"),
        (np.arange(60) % 2 * 1e300, "auto", r"target of row 1 \(from 0\) is 1e\+300"),
        (SPREAD * 1e39, "regression", "is -1e.39, which single precision does not hold"),
        (SPREAD * np.nan, "auto", "target of row 0 .* is nan"),
        (
            SPREAD * 1e-300,
            "auto",
            "every training target is .*e-30., or nearly so; .* larger scale",
        ),
        (SPREAD * 1e-200, "regression", "or nearly so"),
        (np.arange(60) % 2 * 1e20, "auto", r"whole numbers such as 1e\+20, of which double prec"),
        (np.arange(60) % 2 * 2.0**60, "classification", "Put a letter before names of classes"),
        ((np.arange(60) % 2).astype("M8[D]"), "auto", "received datetime64"),
    ],
)
def test_targets_that_cannot_be_learned(targets, task, expected):
    with pytest.raises(DataError, match=expected):
        prepared(settings(saved(targets), task))


@pytest.mark.parametrize(
    ("targets", "names"),
    [
        (np.array([2**63 - 1, 2**63 - 2] * 30), ("9223372036854775806", "9223372036854775807")),
        (np.array([-(2**63), 2**63 - 1] * 30), ("-9223372036854775808", "9223372036854775807")),
        (np.array([2**64 - 1, 0] * 30, "u8"), ("0", "18446744073709551615")),
        (np.array([1, 2] * 30, "f2"), ("1", "2")),
        (np.array([True, False] * 30), ("False", "True")),
        (np.array([b"a", b"b"] * 30), ("a", "b")),
        (np.array([1, 2] * 30, ">i4"), ("1", "2")),
    ],
)
def test_classes_keep_their_names(targets, names):
    assert load(settings(saved(targets))).class_names == names


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30, 1e38])
@pytest.mark.parametrize("kind", ["f4", "f8", ">f8", "f2", "f16"])
def test_numbers_of_any_scale_are_standardized(default_content, scale, kind):
    with np.errstate(over="ignore", under="ignore"):
        features = np.asfortranarray(FEATURES / 4 * scale).astype(kind)
    if not np.isfinite(features).all():
        pytest.skip("such numbers there are none of this type")
    targets = SPREAD * scale
    default_content["data"] |= {"source": saved(targets, features), "watch": "."}
    default_content["data"]["validation"] = "fixed"
    prepare.run(parse_params(default_content), lambda _: None)
    values = artifacts.read_array(artifacts.targets_file("train"))
    assert values.std() == pytest.approx(1, rel=1e-3)
    kept = artifacts.read_array(artifacts.features_file("train"))
    assert np.isfinite(kept).all()
    if kind in {"f8", ">f8", "f16"} and scale > 1e-100:
        assert kept.std(axis=0) == pytest.approx(1, rel=1e-3)


def test_a_loader_s_targets_are_held_to_the_same():
    dataset = Dataset(
        task="regression",
        features=FEATURES,
        targets=SPREAD * 1e300,
        feature_names=("a", "b", "c"),
        class_names=(),
        reference="made up",
    )
    with pytest.raises(DataError, match=r"mine:load: the target of row 0 is -1e\+300"):
        check_dataset("mine:load", dataset)


@pytest.mark.parametrize("number", [0x110000, 0xFFFFFFFF, 0xD800, 0xDFFF])
@pytest.mark.parametrize("order", ["<", ">"])
def test_text_of_numbers_that_are_no_characters(here, number, order):
    header = f"{{'descr': '{order}U1', 'fortran_order': False, 'shape': (60,), }}\n".encode()
    cells = struct.pack(f"{order}2I", ord("a"), number) * 30
    np.save("x.npy", FEATURES)
    (here / "y.npy").write_bytes(
        b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + cells
    )
    with pytest.raises(DataError, match=r"'y.npy': targets hold text with characters that there"):
        load(settings("npy:x.npy,y.npy"))


def test_an_archive_of_another_version_of_zip(here):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("features.npy", b"x")
    content = bytearray(sink.getvalue())
    at = content.index(b"PK\x01\x02")
    content[at + 6] = 255
    (here / "my.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"'my.npz' has no array called features"):
        load(settings("npz:my.npz"))


def test_what_another_library_says_is_told_without_its_objects(here):
    header = b"{'descr': '<f8', 'fortran_order': x, 'shape': (60,), }\n"
    (here / "x.npy").write_bytes(b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header)
    with pytest.raises(DataError, match=r"damaged: malformed node or string on line 1\. Write"):
        load(settings("npy:x.npy,x.npy"))


def table(**columns) -> str:
    parquet.write_table(pa.table({"x": SPREAD, **columns}), "my.parquet")
    return "parquet:my.parquet"


def test_parquet_with_numbers_at_the_ends(here):
    half = pa.array([np.float16(row % 2) for row in range(60)], pa.float16())
    assert load(settings(table(y=half))).class_names == ("0", "1")
    with pytest.raises(DataError, match=r"whole numbers such as 9.22337e\+18"):
        load(settings(table(y=np.array([0, 2**63 - 1] * 30))))
    assert load(settings(table(y=np.arange(60) + 2**60), "regression")).task == "regression"
    wide = pa.array([10**70 + row for row in range(60)], pa.decimal256(76, 0))
    with pytest.raises(DataError, match=r"Column 'y' is 1e\+70 in row 1"):
        load(settings(table(y=wide)))


def test_parquet_with_two_columns_of_one_name(here):
    words = pa.array(["a", "b"] * 30)
    parquet.write_table(pa.Table.from_arrays([words, words, words], ["x", "y", "y"]), "my.parquet")
    with pytest.raises(DataError, match=r"columns 1 and 2 \(from 0\) are both called 'y'"):
        load(settings("parquet:my.parquet"))


@pytest.mark.parametrize(
    ("read", "name", "content"),
    [
        (artifacts.read_json, "a.json", "[" * 100_000),
        (artifacts.read_json, "a.json", "1" * 5000),
        (lambda path: artifacts.read_record(path, Provenance), "a.json", "[" * 100_000),
        (lambda path: artifacts.read_rows(path, Provenance), "a.csv", "x" * 200_000),
        (lambda path: artifacts.read_rows(path, Provenance), "a.csv", "a\0b\n"),
    ],
)
def test_records_that_are_bombs_are_damaged(here, read, name, content):
    (here / name).write_text(content)
    with pytest.raises(ArtifactError, match=rf"'.*{name}' (is damaged|does not hold|should have)"):
        read(here / name)
