"""NumPy and IDX files that are something else, damaged, or of another shape or type."""

import gzip
import io
import pickle

import numpy as np
import pytest

from initsweep.core.errors import DataError
from initsweep.datasets.loading import load
from tests.datasets.test_wrong_files import zipped

FEATURES = np.random.default_rng(0).normal(size=(60, 4))
LABELS = np.arange(60) % 3
HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(500)


def npy(array: np.ndarray, *, allow_pickle: bool = False) -> bytes:
    sink = io.BytesIO()
    np.save(sink, array, allow_pickle=allow_pickle)
    return sink.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    sink = io.BytesIO()
    np.savez(sink, **arrays)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (zipped("my.csv"), "a ZIP archive with 'my.csv'"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook"),
        (zipped("archive/data.pkl", "archive/data/0"), "a file of PyTorch's. .*np.savez"),
        (gzip.compress(npy(FEATURES), mtime=0), "a gzip file. Unpack it: gunzip -k .*X.np"),
        (HDF5, "an HDF5 file"),
        (b"MATLAB 5.0 MAT-file, Platform: GLNXA64" + bytes(200), "a MATLAB file"),
        (b"1.0 2.0\n3.0 4.0\n", "text, '1.0 2.0'. .* csv:"),
        (b"\x07\x08\xff\xfe" * 30, "nothing known: it begins with the bytes 07 08 ff fe"),
        (pickle.dumps([1]), "pickled Python objects, .* refused. If you trust it"),
        (pickle.dumps([1], protocol=0), "pickled Python objects"),
        (b"\x93NUM", "was cut short after 4 bytes"),
    ],
)
@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_what_is_called_numpy_and_is_none(written, settings, content, expected, kind):
    path, labels = written(content, f"X.{kind}"), written(npy(LABELS), "y.npy")
    source = f"npy:{path},{labels}" if kind == "npy" else f"npz:{path}"
    with pytest.raises(DataError, match=f"X.{kind}'.*{expected}"):
        load(settings(source))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (npy(FEATURES)[:-40], "is cut short or damaged: its header declares more than"),
        (npy(FEATURES)[:20], "is cut short or damaged"),
        (npy(FEATURES).replace(b"(60, 4), }", b"(60, 4), ("), "is cut short or damaged"),
        (npy(FEATURES).replace(b"'descr'", b"'other'"), "is cut short or damaged"),
        (npy(FEATURES).replace(b"(60, 4), }", b"(99999999999, 4), }"), "declares more than"),
        (npy(np.array([[1], "a"], object), allow_pickle=True), r"array of objects.*astype\(str\)"),
        (npy(FEATURES.astype(str)), r"received text \(<U32\). If it is digits, save .*astype"),
        (npy(FEATURES * 1j), r"received complex128. Save real and imaginary parts"),
        (npy(FEATURES.astype("M8[D]")), r"received datetime64\[D\]. Save a number instead"),
        (npy(np.zeros(60, [("a", "f4"), ("b", "i4")])), "a structured array with a, b"),
        (npy(FEATURES[:, 0]), r"shape \(60,\).*features.reshape\(-1, 1\)"),
        (
            npy(FEATURES[:9]),
            r": 9 rows of features, but targets of shape \(60,\) in '.*y.npy",
        ),
    ],
)
def test_numpy_files_that_cannot_be_used(written, settings, content, expected):
    path, labels = written(content, "X.npy"), written(npy(LABELS), "y.npy")
    with pytest.raises(DataError, match=f"X.npy'.*{expected}"):
        load(settings(f"npy:{path},{labels}"))


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        (np.eye(3)[LABELS], r"y.npy': targets of shape \(60, 3\).*targets.argmax\(axis=1\)"),
        (np.array([b"\xff", b"b"] * 30), r"y.npy': targets are bytes that are not UTF-8"),
        (LABELS.astype("M8[D]"), r"y.npy': targets must be numbers or text, received datetime64"),
        (
            np.array([f"p{i}" for i in range(60)]),
            "60 different values in 60 rows.* names",
        ),
    ],
)
def test_targets_of_another_shape_or_kind(written, settings, targets, expected):
    path, labels = written(npy(FEATURES), "X.npy"), written(npy(targets), "y.npy")
    with pytest.raises(DataError, match=expected):
        load(settings(f"npy:{path},{labels}"))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (npz(features=FEATURES, targets=LABELS)[:-40], "an .npz file that was cut short"),
        (
            npz(features=FEATURES, targets=LABELS).replace(FEATURES.tobytes()[:8], b"\1" * 8),
            "array 'features', is damaged: Bad CRC-32",
        ),
        (npz(features=np.array([[]], object), targets=LABELS), "array 'features', .* refused"),
        (npz(features=FEATURES, targets=LABELS[:7]), r"shape \(7,\) in '.*', array 'targets'"),
        (
            npz(x_train=FEATURES, y_train=LABELS[:50], x_test=FEATURES[:20], y_test=LABELS[:30]),
            r"array 'x_train': 60 rows of features, but targets of shape \(50,\)",
        ),
        (
            npz(x_train=FEATURES, y_train=LABELS, x_test=FEATURES[:5, :3], y_test=LABELS[:5]),
            r"'x_test' holds rows of shape \(3,\), .*'x_train' of shape \(4,\)",
        ),
    ],
)
def test_archives_that_cannot_be_used(written, settings, content, expected):
    with pytest.raises(DataError, match=expected):
        load(settings(f"npz:{written(content, 'my.npz')}"))


def test_objects_beside_the_arrays_do_no_harm(written, settings):
    notes = np.array([{"made": "by hand"}], object)
    path = written(npz(features=FEATURES, targets=LABELS, notes=notes), "my.npz")
    assert load(settings(f"npz:{path}")).features.shape == (60, 4)


def test_four_idx_files_whose_counts_only_agree_in_total(written, settings):
    def idx(rows: int, *shape: int) -> bytes:
        sizes = np.array((rows, *shape), ">u4").tobytes()
        return bytes([0, 0, 8, 1 + len(shape)]) + sizes + bytes(rows * int(np.prod(shape)))

    parts = [idx(60, 2, 2), idx(50), idx(20, 2, 2), idx(30)]
    paths = [written(part, f"part{number}") for number, part in enumerate(parts)]
    with pytest.raises(DataError, match=r"part0': 60 rows of features, but targets of .*\(50,\)"):
        load(settings("idx:" + ",".join(map(str, paths))))
