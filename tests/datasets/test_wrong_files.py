"""Files that are not what their name says, damaged ones, and text in other encodings."""

import bz2
import gzip
import io
import lzma
import os
import pickle
import shutil
import subprocess
import zipfile

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from initsweep.datasets._files import checked
from initsweep.datasets._loading import load
from initsweep.errors import DataError

LINES = ["x,z,y", *(f"{row * 0.37:.2f},{(row * 7) % 10},{'ab'[row % 2]}" for row in range(60))]
CSV = ("\n".join(LINES) + "\n").encode()
GENERATOR = np.random.default_rng(0)
FEATURES = GENERATOR.normal(size=(60, 4))
LABELS = np.arange(60) % 3


def message(call) -> str:
    """The error, which must be one line."""
    with pytest.raises(DataError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def zipped(*names: str) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name in names:
            archive.writestr(name, "content")
    return sink.getvalue()


def npy(array: np.ndarray, *, allow_pickle: bool = False) -> bytes:
    sink = io.BytesIO()
    np.save(sink, array, allow_pickle=allow_pickle)
    return sink.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    sink = io.BytesIO()
    np.savez(sink, **arrays)
    return sink.getvalue()


def columns(write) -> bytes:
    sink = pa.BufferOutputStream()
    write(pa.table({"x": FEATURES[:, 0], "y": LABELS}), sink)
    return sink.getvalue().to_pybytes()


HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(500)
EXCEL = zipped("[Content_Types].xml", "xl/workbook.xml")
PAGE = b"<!DOCTYPE html>\n<html><title>Sign in, please</title></html>\n"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (EXCEL, "an Excel workbook .* Save the sheet as 'CSV UTF-8'"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old Excel workbook"),
        (zipped("my.csv"), "a ZIP archive with 'my.csv'. Unpack it"),
        (npz(features=FEATURES), r"NumPy arrays \(.npz\). Set data.source: npz:.*my.csv"),
        (npy(FEATURES), "a NumPy array. Set data.source: npy:"),
        (PAGE, "a web page. .* download the file itself"),
        (b'[{"x": 1, "y": "a"},\n {"x": 2, "y": "b"}]\n', "JSON. Write it as CSV"),
        (POINTER, "a pointer of Git LFS, not the file itself. Run `git lfs pull`"),
        (columns(parquet.write_table), "a Parquet file. Set data.source: parquet:"),
        (columns(feather.write_feather), "an Arrow .Feather. file"),
        (bz2.compress(CSV), "a bzip2 file. Unpack it"),
        (lzma.compress(CSV), "an xz file. Unpack it"),
        (gzip.compress(EXCEL), "an? (Excel workbook|ZIP archive)"),
        (b"SQLite format 3\0" + bytes(500), "an SQLite database"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a PNG image"),
        (b"%PDF-1.4\n\xff", "a PDF document"),
        (HDF5, "an HDF5 file"),
    ],
)
def test_what_is_called_csv_and_is_none(written, settings, content, expected):
    with pytest.raises(DataError, match=f"my.csv' is no CSV or TSV text; it looks like {expected}"):
        load(settings(f"csv:{written(content)}"))


@pytest.mark.parametrize("names", ["PAR1,PAR2,y", "BZh,ORC,y", "ARROW1,%PDF,y"])
def test_names_of_columns_may_look_like_the_beginning_of_another_format(loaded, names):
    assert loaded([names, *LINES[1:]]).feature_names == tuple(names.split(","))[:2]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_command_named_for_utf_16_makes_it_readable(
    tmp_path, written, settings, encoding, end, pack
):
    path = written(pack(end.join(LINES).encode(encoding)), "my own.csv")
    text = message(lambda: load(settings(f"csv:{path}")))
    assert encoding[:6].upper() in text
    command = text.split("`")[1]
    if shutil.which("iconv") is None:  # pragma: no cover - not every system has it
        pytest.skip("no iconv")
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    assert load(settings(f"csv:{tmp_path / 'utf8.csv'}")).features.shape == (60, 2)


def test_utf_16_of_words_that_have_no_latin_letters(written, settings):
    lines = ["漢,字,語", *(f"漢{row % 3},字{row % 2},{'漢字'[row % 2]}" for row in range(60))]
    path = written("\n".join(lines).encode("utf-16-le"))
    assert "is UTF-16LE text" in message(lambda: load(settings(f"csv:{path}")))


def test_other_text_is_named_with_line_and_what_it_would_read_as(loaded):
    lines = [*LINES, "1,2,“5 €”"]
    assert "line 62: byte 0x93 is not UTF-8. If '1,2,“5 €”' reads right" in message(
        lambda: loaded("\n".join(lines).encode("cp1252"))
    )
    assert "line 62" in message(lambda: loaded("\r".join(lines).encode("cp1252")))


def test_one_zero_byte_is_not_taken_for_utf_16(loaded):
    text = message(lambda: loaded("\n".join([*LINES[:5], "1,\0,a", *LINES[5:]])))
    assert "line 6: a zero byte" in text
    assert "UTF-16" not in text


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_ends_of_lines_of_other_systems(loaded, end):
    assert loaded(end.join(LINES)).features.shape == (60, 2)
    assert "line 7: 1 fields" in message(lambda: loaded(end.join([*LINES[:6], "1", *LINES[6:]])))


def test_a_quotation_mark_left_open_in_a_large_file(loaded):
    many = LINES[1:] * 500
    text = message(lambda: loaded([*LINES[:6], '"1,2,a', *many]))
    assert "line 7 has a field of more than 131072 characters" in text
    assert "quotation mark left open" in text


@pytest.mark.parametrize(
    "content", [gzip.compress(CSV * 9)[:-30], gzip.compress(CSV) + b"junk", b"\x1f\x8b" + bytes(60)]
)
def test_a_damaged_gzip_file(loaded, content):
    assert "my.csv' cannot be read" in message(lambda: loaded(content))


def test_a_pipe_is_refused_rather_than_waited_for(tmp_path, settings):
    os.mkfifo(tmp_path / "my.csv")
    text = message(lambda: load(settings(f"csv:{tmp_path / 'my.csv'}")))
    assert "is a pipe or device; write its content into a file" in text


@pytest.mark.parametrize("source", ["csv", "parquet", "npz"])
def test_a_file_that_may_not_be_read(written, settings, monkeypatch, source):
    path = written(CSV)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refuse)  # root may read everything
    text = message(lambda: load(settings(f"{source}:{path}")))
    assert "Permission denied; allow it: chmod u+r" in text


@pytest.mark.parametrize("name", ["x" * 300, "zero\0byte"])
def test_what_cannot_be_a_file(name, tmp_path):
    with pytest.raises(DataError, match=r"data\.source: .* cannot be opened"):
        checked(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (zipped("my.csv"), "a ZIP archive with 'my.csv'"),
        (EXCEL, "an Excel workbook"),
        (zipped("archive/data.pkl", "archive/data/0"), "a file of PyTorch's. .*np.savez"),
        (gzip.compress(npy(FEATURES)), "a gzip file. Unpack it: gunzip -k .*X.np"),
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
        (npy(FEATURES)[:-40], "is cut short or damaged: Failed to read all data"),
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
        (np.array([f"p{i}" for i in range(60)]), "60 different values in 60 rows.* identifier"),
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
    text = message(lambda: load(settings("idx:" + ",".join(map(str, paths)))))
    assert "part0': 60 rows of features, but targets of shape (50,) in" in text
