"""What is read quickly is what would be read slowly, and all else is left to what explains it."""

import random

import pytest

from initsweep.core.errors import ParamsError
from initsweep.core.yaml_files import BYTES_PER_VALUE, MOST_OF_DVC, parse_yaml
from initsweep.running.quick_yaml import read_plain
from tests.conftest import ROOT
from tests.faults.fuzzing import ROUNDS

PIECES = (
    "a", "b.c", "path", "deps", ": ", ":", "- ", "-", "\n", "\n  ", "\n    ", " ", "'", "''", "{}",
    "[]", "{", "[a]", "0", "12", "012", "0o17", "0x1F", "0b1", "1_0", "1e-4", "1.5e+3", "-.5",
    "+1", ".inf", "-.INF", ".nan", "1:30", "yes", "No", "true", "False", "null", "~", "2020-01-01",
    "=", "=======", "---", "...", "@", "a/b@c", "PYTHONPATH=src python -m x",
)  # fmt: skip
LINES = ("s:\n", "  cmd: a b\n", "  deps:\n", "  - path: a\n", "    md5: 12e3\n", "  a: [")


@pytest.mark.parametrize("file", ["dvc.lock", "claims/dvc.lock"])
def test_locks_are_read_quickly(file):
    content = (ROOT / file).read_bytes()
    assert repr(read_plain(content)) == repr(parse_yaml(content, file, MOST_OF_DVC))


def test_nothing_is_read_as_something_else():
    dice, both = random.Random(0), 0
    for _ in range(1500 * ROUNDS):
        pieces = dice.choices(PIECES + LINES, k=dice.randint(1, 12))
        text = "".join(pieces)
        quick = read_plain(text.encode())
        try:
            slow = parse_yaml(text, "here")
        except ParamsError:  # within its limits the other may read it
            continue
        both += quick is not None
        assert quick is None or repr(quick) == repr(slow), text
    assert both > 100 * ROUNDS


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2", "1: a", "a: 2020-01-01", "a: &b c", "a: *b", "a: !!str b", "a: #", "a: \t1",
        "? a", "a: b: c", "<<<<<<< HEAD\na: 1", "- " * 50 + "a", "-  " * 50 + "a", "9" * 5000,
        "a: 'b", "%YAML 1.1", 'a: "\\x41"', "a: {b: [c]}", "a: \u00e4", "--- a\n--- b",
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left(text):
    assert read_plain(text.encode()) is None


def test_a_part_of_a_file_that_is_too_long_is_no_file():
    assert read_plain(b"- a\n" * MOST_OF_DVC * (BYTES_PER_VALUE // 4)) is not None
    assert read_plain(b"- a\n" * MOST_OF_DVC * (BYTES_PER_VALUE // 4) + b"-") is None
