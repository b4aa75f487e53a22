"""Small files that stand for large ones, and what is no file: refused before memory is full."""

import gzip
import io
import os
import re
import struct
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from initsweep.architectures.transfer import _read
from initsweep.commands import main as cli
from initsweep.commands.batch_files import read_numbers
from initsweep.core import user_files
from initsweep.core.errors import DataError
from initsweep.core.params import Data, load_params
from initsweep.datasets.loading import check_watched, load
from tests.conftest import ROOT
from tests.faults.fuzzing import GIGABYTE, bounded

DATA = load_params(ROOT / "params.yaml").data
MEGABYTE = 1 << 20


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    """A folder on a machine with four gigabytes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(user_files, "usable_memory", lambda: 4 * GIGABYTE)
    return tmp_path


def settings(source: str, **table: object) -> Data:
    changed = DATA.table.model_copy(update=table)
    return DATA.model_copy(update={"source": source, "watch": ".", "table": changed})


def refused(source: str, **table: object) -> str:
    """The message about data, which must come soon and within little memory."""
    with pytest.raises(DataError) as caught, bounded():
        load(settings(source, **table))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def packed(pieces: int, piece: bytes) -> bytes:
    """Return gzip of a piece repeated."""
    sink = io.BytesIO()
    with gzip.GzipFile(fileobj=sink, mode="wb", compresslevel=1) as stream:
        for _ in range(pieces):
            stream.write(piece)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        (bytes(MEGABYTE), r"a zero byte"),
        (b"0" * MEGABYTE, r"line 1 or soon after: more than 33554432 bytes. A row of a table"),
        (
            b"0,0\n" * (MEGABYTE // 4),
            r"unpacks to over 200 times its size, .*: \d+ bytes become 67\d+\.",
        ),
    ],
)
def test_a_gzip_file_that_unpacks_to_far_too_much(here, piece, expected):
    (here / "my.csv").write_bytes(packed(80, piece))
    assert re.match(f"'my.csv',? .*{expected}", refused("csv:my.csv"))


def test_gzip_in_an_idx_file(here):
    header = bytes([0, 0, 8, 3]) + struct.pack(">III", 600, 1024, 1024)
    (here / "images").write_bytes(packed(1, header) + packed(80, bytes(MEGABYTE)))
    (here / "labels").write_bytes(bytes([0, 0, 8, 1]) + struct.pack(">I", 600) + bytes(600))
    assert "'images' unpacks to over 200 times its size" in refused("idx:images,labels")


def test_data_that_are_packed_as_data_are(here):
    text = "x,y\n" + "".join(f"{row % 7},{row % 2}\n" for row in range(60))
    (here / "my.csv").write_bytes(gzip.compress(text.encode()))
    assert load(settings("csv:my.csv")).features.shape == (60, 1)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("(1000000000000, 4)", "declares more than it holds, \\(1000000000000, 4\\) of float64"),
        ("(4611686018427387904, 8)", "declares more than it holds"),
        ("(18446744073709551617, 4)", "declares more than it holds"),
        ("(-1, 4)", "declares more than it holds, \\(-1, 4\\)"),
        ("(" + "9" * 5000 + ", 4)", "cut short or damaged"),
        ("(" * 3000 + "4" + ",)" * 3000, "cut short or damaged"),
    ],
)
@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_headers_of_numpy_that_promise_too_much(here, shape, expected, kind):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    lied = b"\x93NUMPY\x02\0" + struct.pack("<I", len(header)) + header + bytes(480)
    sink = io.BytesIO()
    np.save(sink, np.arange(60) % 3)
    if kind == "npy":
        (here / "x.npy").write_bytes(lied)
        (here / "y.npy").write_bytes(sink.getvalue())
        source = "npy:x.npy,y.npy"
    else:
        with zipfile.ZipFile(here / "x.npz", "w") as archive:
            archive.writestr("features.npy", lied)
            archive.writestr("targets.npy", sink.getvalue())
        source = "npz:x.npz"
        expected = expected.replace("cut short or damaged", "damaged")
    with pytest.raises(DataError, match=expected), bounded():
        load(settings(source))


def test_archives_that_unpack_to_far_too_much(here):
    sink = io.BytesIO()
    np.save(sink, np.zeros(0))
    header = sink.getvalue().replace(b"(0,), }" + b" " * 12, b"(1000000, 100), }  ")
    with zipfile.ZipFile(here / "x.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("features.npy", "w", force_zip64=True) as stream:
            stream.write(header)
            for _ in range(50):
                stream.write(bytes(2_000_000))
        archive.writestr("targets.npy", header)
    message = refused("npz:x.npz")
    assert message.startswith("'x.npz', array 'features', unpacks to over 200 times its size")
    assert "bytes become 10000" in message


def test_an_archive_in_an_archive_is_no_array(here):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("features.npy", b"x")
    with zipfile.ZipFile(here / "x.npz", "w") as archive:
        archive.writestr("features.npy", inner.getvalue())
        archive.writestr("targets.npy", inner.getvalue())
    assert "array 'features', is damaged: the magic string is not correct" in refused("npz:x.npz")


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((4_000_000_000, 4_000_000_000), "'images' takes 1.6e+10 GB in memory; of the 4.29 GB"),
        ((1000, 1000), "should have 1000012 bytes for the shape (1000, 1000)"),
        ((0, 0), "features of shape (0, 0)"),
        ((1,) * 255, "has 255 dimensions by its header, and can have 1 to 4"),
        ((), "has 0 dimensions"),
    ],
)
def test_headers_of_idx_that_lie(here, sizes, expected):
    header = bytes([0, 0, 8, len(sizes)]) + b"".join(struct.pack(">I", size) for size in sizes)
    (here / "images").write_bytes(header)
    (here / "labels").write_bytes(bytes([0, 0, 8, 1]) + struct.pack(">I", 60) + bytes(60))
    assert expected in refused("idx:images,labels")


def test_parquet_that_declares_more_than_memory_holds(here, monkeypatch):
    monkeypatch.setattr(user_files, "usable_memory", lambda: 32 * MEGABYTE)
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(1_000_000, "i4")), pa.array(["a"]))
    table = pa.table(dict.fromkeys("ab", column))
    parquet.write_table(table, here / "x.parquet", compression="zstd")
    assert (here / "x.parquet").stat().st_size < MEGABYTE
    assert "'x.parquet' takes 0.016 GB in memory" in refused("parquet:x.parquet")


def test_parquet_with_a_long_text_that_is_repeated(here):
    column = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(100_000, "i4")), pa.array(["x" * MEGABYTE])
    )
    table = pa.table({"a": column, "b": np.arange(100_000) % 2})
    for store_schema in (False, True):
        parquet.write_table(table, here / "x.parquet", store_schema=store_schema)
        assert (here / "x.parquet").stat().st_size < MEGABYTE
        assert "'x.parquet' takes 4.3 GB in memory" in refused("parquet:x.parquet")


def test_a_line_that_does_not_end(here):
    with (here / "my.csv").open("wb") as stream:
        for _ in range(40):
            stream.write(b"0," * (MEGABYTE // 2))
    assert "line 1 or soon after: more than 33554432 bytes. A row" in refused("csv:my.csv")
    with (here / "my.csv").open("wb") as stream:
        for _ in range(40):
            stream.write(b"0,1\r" * (MEGABYTE // 4))
    assert r"the ends of its lines: `tr '\r' '\n' < my.csv" in refused("csv:my.csv")


def test_a_million_columns(here):
    line = ",".join(["0"] * 1_000_000)
    (here / "my.csv").write_text(f"{line}\n{line}\n")
    assert "'my.csv' has 1000000 columns; at most 100000" in refused("csv:my.csv", delimiter=",")


def test_a_file_larger_than_memory(here):
    with (here / "my.csv").open("wb") as stream:
        stream.truncate(3 * GIGABYTE)  # takes no room on the disk
    expected = "'my.csv' takes 3.22 GB in memory; of the 4.29 GB here, data may take 1.07 GB. Take"
    assert expected in refused("csv:my.csv")
    with pytest.raises(DataError, match=r"takes 3\.22 GB"), bounded():
        _read("my.csv", "0" * 64)


def test_memory_is_the_machine_s_or_less_in_a_container(tmp_path, monkeypatch):
    monkeypatch.undo()
    everything = user_files.usable_memory()
    assert everything <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(user_files, "CONTROL_GROUPS", (limit, tmp_path / "none"))
    limit.write_text("max\n")
    assert user_files.usable_memory() >= everything
    limit.write_text("1000000\n")
    assert user_files.usable_memory() == 1_000_000


SOURCES = ["csv:{}", "tsv:{}", "parquet:{}", "npz:{}", "npy:{},{}", "idx:{},{}"]


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_no_file_is_neither_read_nor_waited_for(here, source):
    os.mkfifo(here / "pipe")
    (here / "circle").symlink_to("circle")
    (here / "folder").mkdir()
    (here / "empty").touch()
    for name, expected in (
        ("pipe", "is a pipe or device"),
        ("/dev/zero", "is a pipe or device"),
        ("circle", "Too many levels of symbolic links"),
        ("folder", "is a folder; name the file in it"),
        ("empty", "is empty"),
        ("none", "there is no file 'none'"),
        ("my.csv/below", "there is no file 'my.csv/below'"),
        ("x" * 300, "File name too long"),
        ("zero\0byte", "null byte"),
    ):
        assert expected in (message := refused(source.format(name, name)))
        assert message.startswith("data.source: ")


def test_weights_and_batches_are_looked_at_in_the_same_way(here):
    os.mkfifo(here / "pipe")
    for name in ("pipe", "/dev/zero"):
        with pytest.raises(DataError, match=r"^--batch: .* is a pipe or device"), bounded():
            read_numbers(here / name, "--batch")
        with pytest.raises(DataError, match=r"pretrained: .* is a pipe or device"), bounded():
            _read(str(here / name), "0" * 64)


def test_links_in_a_circle_do_no_harm_before_they_are_told(here):
    (here / "circle").symlink_to("circle")
    check_watched(settings("csv:circle"))


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([1e300]), r"holds 1e\+300, which is too large for float32; scale"),
        (np.array([2**64 - 1], "u8"), "holds 18446744073709551615, which is too large for int64"),
        (np.array(["a"]), "must hold one array of numbers, not <U1"),
        (np.array(3.0), "must hold one array of numbers"),
    ],
)
def test_numbers_of_a_batch_that_do_not_fit(here, array, expected):
    np.save(here / "x.npy", array)
    with pytest.raises(DataError, match=rf"^--batch: '.*x.npy' {expected}"):
        read_numbers(here / "x.npy", "--batch")


def test_numbers_of_any_order_of_bytes_are_a_batch(here):
    np.save(here / "x.npy", np.array([[1.5, 2]], ">f8"))
    assert read_numbers(here / "x.npy", "--batch").tolist() == [[1.5, 2]]
    assert read_numbers(here / "x.npy", "--batch").dtype == np.dtype("=f4")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), "there is too little memory. Take fewer rows"),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to "
                         "allocate 512 bytes. Error code 12"),
            "there is too little memory (it asked for 512 bytes). Take",
        ),
        (RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0"), "for 20.00 MiB)"),
        (RuntimeError("Storage size calculation overflowed with sizes=[2]"), "too little memory."),
    ],
)  # fmt: skip
def test_too_little_memory_is_one_line(monkeypatch, capsys, error, expected):
    def fail(_):
        raise error

    monkeypatch.setattr(cli, "_dispatch", fail)
    assert cli.main(["list", "engines"]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("initsweep: list: ")
    assert expected in shown
    assert len(shown.splitlines()) == 1


def test_other_errors_keep_their_traceback(monkeypatch):
    def fail(_):
        raise RuntimeError("a defect")

    monkeypatch.setattr(cli, "_dispatch", fail)
    with pytest.raises(RuntimeError, match="a defect"):
        cli.main(["list", "engines"])
