"""Files that are not what their name says, damaged ones, and text in other encodings."""

import bz2
import gzip
import io
import lzma
import os
import shutil
import subprocess
import zipfile

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from initsweep.core.errors import DataError
from initsweep.core.user_files import checked
from initsweep.datasets.loading import load

LINES = ["x,z,y", *(f"{row * 0.37:.2f},{(row * 7) % 10},{'ab'[row % 2]}" for row in range(60))]
CSV = ("\n".join(LINES) + "\n").encode()


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


def saved(write) -> bytes:
    sink = io.BytesIO()
    write(sink, np.arange(60))
    return sink.getvalue()


def columns(write) -> bytes:
    sink = pa.BufferOutputStream()
    write(pa.table({"x": range(60), "y": range(60)}), sink)
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
        (saved(np.savez), r"NumPy arrays \(.npz\). Set data.source: npz:.*my.csv"),
        (saved(np.save), "a NumPy array. Set data.source: npy:"),
        (PAGE, "a web page. .* download the file itself"),
        (b'[{"x": 1, "y": "a"},\n {"x": 2, "y": "b"}]\n', "JSON. Set data.source: json:.*my.csv"),
        (b"% iris\n@RELATION iris\n", "Weka's ARFF. Set data.source: arff:.*my.csv"),
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


def test_text_that_no_command_converts_gets_none(loaded):
    lines = [*LINES, "1,2,für"]
    text = message(lambda: loaded("\n".join(lines).encode("cp850")))
    assert "line 62: byte 0x81 is not UTF-8, nor is the text Windows-1252" in text
    assert "`" not in text


def test_one_zero_byte_is_not_taken_for_utf_16(loaded):
    text = message(lambda: loaded("\n".join([*LINES[:5], "1,\0,a", *LINES[5:]])))
    assert "line 6: a zero byte" in text
    assert "UTF-16" not in text


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_ends_of_lines_of_other_systems(loaded, end):
    assert loaded(end.join(LINES)).features.shape == (60, 2)
    assert "line 7: 1 fields, '1'" in message(
        lambda: loaded(end.join([*LINES[:6], "1", *LINES[6:]]))
    )


def test_a_quotation_mark_left_open_in_a_large_file(loaded):
    many = LINES[1:] * 250
    text = message(lambda: loaded([*LINES[:6], '"1,2,a', *many]))
    assert "line 7: a quotation mark is left open" in text
    assert "sed '7s/" in text


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
        checked(tmp_path / name, "data.source")
