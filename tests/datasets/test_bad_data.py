"""Data that cannot be used: one message with file, column, line, value and what to do."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from initsweep.core.errors import DataError, ParamsError, UnknownNameError
from initsweep.datasets.loading import load, prepare
from initsweep.datasets.opening import MAXIMUM_FEATURES

ROWS = [f"{row * 0.37:.2f},{(row * 7) % 10},{'ab'[row % 2]}" for row in range(60)]
HEADER = "x,z,y"


def with_line(line: str, at: int = 6) -> list[str]:
    """The table with `line` as its line number `at`, counted from 1."""
    lines = [HEADER, *ROWS]
    return [*lines[: at - 1], line, *lines[at - 1 :]]


def message(call) -> str:
    with pytest.raises(DataError) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ["my.csv' is empty"]),
        (b"\n\n", ["nothing but empty lines"]),
        ([HEADER], ["has a header but no rows"]),
        (
            with_line("1.0,2,"),
            ["target 'y' is missing", "line 6", "(1 such row", "drop_missing_target"],
        ),
        (with_line("inf,2,a"), ["Column 'x' is inf", "line 6", "leave the field empty"]),
        (with_line("1e39,2,a"), ["Column 'x' is 1e+39", "line 6"]),
        (with_line("tall,2,a"), ["Column 'x'", "line 6", "'tall'", "data.table.categorical"]),
        (with_line('"two\nlines",2,a', 5), ["line 5", r"'two\nlines'"]),
        (with_line("1,2"), ["line 6: 2 fields, '1,2', but most records have 3", "needs quotes"]),
        (with_line("1,2,3,a"), ["line 6: 4 fields"]),
        (with_line('"1,2,a'), ["line 6: a quotation mark is left open"]),
        (["x,x,y", *ROWS], ["columns 0 and 1", "both called 'x'", "rename"]),
        (
            ["y", *(["1"] * 30)],
            ["line 1 is 'y'", "none of , ; | tab and space", "at least one feature"],
        ),
        (
            "\n".join(with_line("1,2,é")).encode("latin-1"),
            ["line 6", "0xe9", "'1,2,é' reads right", "iconv -f CP1252"],
        ),
        ("\n".join([HEADER, *ROWS]).encode("utf-16"), ["is UTF-16 text", "iconv -f UTF-16"]),
    ],
)
def test_a_file_that_cannot_be_read(loaded, content, expected):
    text = message(lambda: loaded(content))
    for part in ("my.csv", *expected):
        assert part in text


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        ([HEADER, *ROWS], {"delimiter": ";"}, ["';' does not cut", "looks like ','"]),
        ([HEADER, *ROWS], {"target": "yy"}, ["data.table.target", "Did you mean 'y'", "x, z, y"]),
        ([HEADER, *ROWS], {"target": 3}, ["data.table.target", "3 columns", "no column 3"]),
        ([HEADER, *ROWS], {"target": "2"}, ["no column '2'", "without quotes"]),
        ([HEADER, *ROWS], {"drop": ("y",)}, ["data.table.drop", "'y' is the target"]),
        ([HEADER, *ROWS], {"drop": (0, 1)}, ["no feature is left"]),
        ([HEADER, *ROWS], {"split_column": "z"}, ["line 2", "'z' is '0'", "train, validation"]),
        (
            [HEADER, *ROWS],
            {"task": "regression"},
            ["'y' is 'a'", "line 2", "needs numbers", "holds text"],
        ),
        ([HEADER, *ROWS], {"target": "x", "task": "classification"}, ["'x'", "0.37", "regression"]),
        (
            [HEADER, *ROWS],
            {"test_file": "gone.csv"},
            ["data.table.test_file", "no file 'gone.csv'"],
        ),
        (
            ["x,y", *(f"1,{row}" for row in range(60))],
            {"task": "classification"},
            ["'y' has 60 different values in 60 rows", "set data.task: regression", "(x)"],
        ),
        (
            ["x,y", *(f"1,id{row}" for row in range(60))],
            {},
            [
                "'y' has 60 different values",
                "names and texts of single rows",
                "data.table.target to another column (x)",
            ],
        ),
    ],
)
def test_settings_that_do_not_fit_the_file(loaded, content, options, expected):
    text = message(lambda: loaded(content, **options))
    for part in expected:
        assert part in text


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([HEADER, *(f"{row[:-1]}a" for row in ROWS)], "only one class, 'a'"),
        ([HEADER, *ROWS, "1,2,c"], "class 'c' has 1 row;"),
        ([HEADER, *ROWS[:10]], "10 rows; a study needs at least 20"),
        (["x,y", *(f"1,{'ab'[row % 2]}" for row in range(60))], "no column varies"),
        (
            ["who,y", *(f"k{row // 2},{'ab'[row % 2]}" for row in range(4000))],
            "column 'who' has 1691 different values, e.g. 'k0'",
        ),
    ],
)
def test_tables_with_nothing_to_learn(written, settings, content, expected):
    text = message(lambda: prepare(settings(f"csv:{written(content)}")))
    assert expected in text
    assert "my.csv" in text


def test_far_too_many_columns(written, settings):
    wide = written([",".join(map(str, range(200_000)))] * 2)
    text = message(lambda: load(settings(f"csv:{wide}")))
    assert f"has 200000 columns; at most {MAXIMUM_FEATURES}" in text
    assert "transpose" in text


def test_a_file_that_is_not_there(settings, tmp_path):
    assert "there is no file 'nowhere.csv'" in message(lambda: load(settings("csv:nowhere.csv")))
    assert "is a folder" in message(lambda: load(settings(f"csv:{tmp_path}")))


@pytest.mark.parametrize(
    ("source", "expected"),
    [("csv:", "names no file; write csv:FILE"), ("npy:one.npy", "must name two files")],
)
def test_a_source_that_names_no_file(settings, source, expected):
    assert expected in message(lambda: load(settings(source)))


def test_an_unknown_source_lists_the_formats(settings):
    with pytest.raises(UnknownNameError, match=r"Did you mean 'digits'.*csv:FILE, idx:IMAGES"):
        load(settings("digit"))


def lying_text() -> bytes:
    """A column of strings, so the schema says, that are not UTF-8."""
    offsets = pa.py_buffer(np.arange(0, 122, 2, dtype=np.int32).tobytes())
    content = pa.py_buffer(b"ab\xff\xfe" + b"cd" * 58)
    words = pa.Array.from_buffers(pa.string(), 60, [None, offsets, content])
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table({"x": words, "y": ["a", "b"] * 30}), sink)
    return sink.getvalue().to_pybytes()


def numbers(rows: int) -> bytes:
    sink = pa.BufferOutputStream()
    table = pa.table({"x": [float(i) for i in range(rows)], "y": ["a", "b"] * (rows // 2)})
    parquet.write_table(table, sink, compression="none", use_dictionary=False)
    return sink.getvalue().to_pybytes()


def other_footer(rows: int, declared: int) -> bytes:
    """The pages of one file under the schema and the counts of another."""
    body, footer = numbers(rows), numbers(declared)
    cut = [8 + int.from_bytes(one[-8:-4], "little") for one in (body, footer)]
    return body[: -cut[0]] + footer[-cut[1] :]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (lying_text(), "Invalid UTF8 sequence at string index 1"),
        (other_footer(600, 60), "does not hold what a Parquet file declares"),
        (other_footer(60, 600), "does not hold what a Parquet file declares"),
        (numbers(60)[:300], "a Parquet file that was cut short"),
        (b"x,y\n1,2\n", "is no Parquet file; it looks like text, 'x,y'"),
    ],
)
def test_a_parquet_file_that_lies(written, settings, content, expected):
    path = written(content, "my.parquet")
    text = message(lambda: load(settings(f"parquet:{path}")))
    assert expected in text
    assert "my.parquet" in text


def test_columns_that_are_neither_numbers_nor_text(tmp_path, settings):
    table = pa.table({"when": pa.array([0] * 60, pa.timestamp("s")), "y": ["a", "b"] * 30})
    parquet.write_table(table, tmp_path / "my.parquet")
    text = message(lambda: load(settings(f"parquet:{tmp_path / 'my.parquet'}")))
    assert "Column 'when' is of type timestamp" in text
    assert "my.parquet" in text


def test_a_file_that_dvc_would_not_see(written, settings, tmp_path):
    from initsweep.datasets.loading import check_watched

    chosen = settings(f"csv:{written([HEADER, *ROWS])}")
    check_watched(chosen)
    (tmp_path / "elsewhere").mkdir()
    moved = chosen.model_copy(update={"watch": str(tmp_path / "elsewhere")})
    with pytest.raises(ParamsError, match=r"my\.csv' does not lie in .*set data\.watch: .*my\.csv"):
        check_watched(moved)
    with pytest.raises(ParamsError, match=r"data\.watch: there is no 'gone'"):
        check_watched(chosen.model_copy(update={"watch": "gone"}))
