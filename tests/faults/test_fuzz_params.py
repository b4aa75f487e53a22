"""Parameter files as nobody meant them: a study begins, or one message says what is wrong."""

import copy
import json
import random
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from initsweep.architectures import describe
from initsweep.core import own_code
from initsweep.core.errors import InitsweepError
from initsweep.core.params import load_params
from initsweep.datasets.loading import check_watched
from initsweep.initializers import make_initializer
from tests.conftest import ROOT
from tests.faults.fuzzing import bounded, check_told, rounds

TEXT = (ROOT / "params.yaml").read_text()
CASES = 40
"""Of each kind in one batch."""

WORDS = [
    "null", "~", "true", "false", "yes", "no", "on", "''", "' '", "auto", "none", "0", "-0",
    "1", "-1", "2", "0.5", "-0.0", "1e-400", "1e400", "-1e400", ".inf", "-.inf", ".nan",
    "1e308", "5e-324", "'nan'", "'inf'", "'-inf'", "'1e400'", "'1e-4'", "'12'", "'2.5'",
    "'1_000'", "'٣'", "'true'", "0x10", "0o17", "0b1", "1_000", "017", "+1", "1.", ".5", "1e3",
    "2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "1" * 50,
    "+_", "-_", "0x_", "0b_", "0o_", "._", "-._e+1", "1_", "_",
    "1" * 5000, "0." + "1" * 99, "1e" + "9" * 50, "2020-01-01", "2020-01-01T00:00:00Z",
    "12:30:45", "=", "<<", "[]", "{}", "[[]]", "[null]", "[1, [2]]", "{a: 1}", "{1: 2}",
    "[1, 2, 3]", "[0, 0]", "['a', 'a']", "!!str 1", "!!python/name:os.system", "!x", "&a [*a]",
    "*nothing", '"\\0"', '"\\ud800"', '"\\n"', '"\\t"', '"\\x07"', '"a\\nb: c"', "é", "名前", "²",
    "'-h'", "'../../etc'", "/dev/zero", "/", ".", "x" * 300, "x" * 5000, "a:b", "os:system",
    "csv:", "csv:a,b", "npz:/dev/zero", "'${model.depth}'", "%x", "@x", "`x`", "|", ">", "- 1",
    "? x", "#", '"', "'", "[", "{", "]", "!!set {a}", "!!binary aGk=", "[" * 50, "{a: " * 50,
    "[" + "1, " * 3000 + "1]", "cuda:99", "-" * 70,
]  # fmt: skip


@pytest.fixture
def study(tmp_path, monkeypatch) -> Path:
    """An empty study."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "own").mkdir()
    (tmp_path / "data/raw").mkdir(parents=True)
    return tmp_path


def begin(file: Path) -> None:
    """Do what a study does with its parameters before anything is computed."""
    params = load_params(file)
    own_code.use(params.own_code)
    own_code.check(params.own_code, params.dotted_names)
    check_watched(params.data)
    if params.model.name != "auto":
        describe(params.model.name, params.model.options)
    for scheme in params.schemes:
        name, options = params.initializer(scheme)
        make_initializer(name, options, scheme=scheme)


SECTIONS = re.findall(r"(?m)^(\w+):", TEXT)
KINDS = ["architecture", "initializer", "data set"]
"""What an unknown name is said to be."""


def judge(file: Path, content: bytes) -> bool:
    """Begin a study; return whether that went well."""
    file.write_bytes(content)
    try:
        with bounded():
            begin(file)
    except InitsweepError as error:
        check_told(error, str(file), *SECTIONS, *KINDS)
        return False
    return True


Place = tuple[Any, Any]
"""A list or mapping, and an index or key of it."""


def places(content: Any, key: str = "") -> Iterator[tuple[str, Place]]:
    """Yield every value that there is, by its dotted key."""
    items = content.items() if isinstance(content, dict) else enumerate(content)
    for name, value in list(items):
        dotted = f"{key}.{name}" if key else str(name)
        yield dotted, (content, name)
        if isinstance(value, dict | list):
            yield from places(value, dotted)


class Raw(str):
    """Text that stands in the file as it is."""


def written(value: Any) -> str:
    """Return flow YAML, which is JSON but for `Raw`."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{written(k)}: {written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value)


def delete(chance: random.Random, place: Place, content: Any) -> None:
    del place[0][place[1]]


def double(chance: random.Random, place: Place, content: Any) -> None:
    if isinstance(place[0], dict):
        place[0][Raw(f"{place[1]} ")] = place[0][place[1]]
    else:
        place[0].append(place[0][place[1]])


def replace(chance: random.Random, place: Place, content: Any) -> None:
    place[0][place[1]] = Raw(chance.choice(WORDS))


def rename(chance: random.Random, place: Place, content: Any) -> None:
    if isinstance(place[0], dict):
        place[0][Raw(chance.choice(WORDS))] = place[0].pop(place[1])


def retype(chance: random.Random, place: Place, content: Any) -> None:
    value = place[0][place[1]]
    place[0][place[1]] = chance.choice([[value], {"a": value}, str(value), [value] * 3, {}, []])


def swap(chance: random.Random, place: Place, content: Any) -> None:
    _, other = chance.choice(list(places(content)))
    place[0][place[1]] = copy.deepcopy(other[0][other[1]])


def add(chance: random.Random, place: Place, content: Any) -> None:
    if isinstance(place[0], dict):
        place[0][Raw(f"{place[1]}_")] = Raw(chance.choice(WORDS))
    else:
        place[0].append(Raw(chance.choice(WORDS)))


MUTATIONS: list[Callable[[random.Random, Place, Any], None]] = [
    delete, double, replace, rename, retype, swap, add,
]  # fmt: skip


def mutate(study: Path, content: Any, place: Place, mutation: Any, chance: random.Random) -> bool:
    """Return whether a study begins after a mutation of what stands at a place."""
    mutation(chance, place, content)
    text = written(content)
    try:
        return judge(study / "params.yaml", text.encode(errors="surrogatepass"))
    except BaseException as error:
        error.add_note(f"{mutation.__name__} {place[1]}: {written(place[0])[:300]}")
        raise


@pytest.mark.parametrize("mutation", [delete, double, replace, retype])
@pytest.mark.parametrize("chance", rounds("every value", 1))
def test_every_value_is_another(study, default_content, mutation, chance):
    keys = [key for key, _ in places(default_content)]
    begun = 0
    for key in keys:
        content = copy.deepcopy(default_content)
        begun += mutate(study, content, dict(places(content))[key], mutation, chance)
    assert len(keys) > 100
    assert begun < len(keys)


@pytest.mark.parametrize("chance", rounds("some values", 2))
def test_some_values_are_others(study, default_content, chance):
    for _ in range(CASES):
        content = copy.deepcopy(default_content)
        for _ in range(chance.choice((0, 1, 3))):
            _, place = chance.choice(list(places(content)))
            chance.choice(MUTATIONS)(chance, place, content)
        _, place = chance.choice(list(places(content)) or [("", (content, "a"))])
        mutate(study, content, place, chance.choice(MUTATIONS), chance)


def bytes_of(chance: random.Random, text: str) -> bytes:
    """Return the text with a few of its bytes changed, moved, repeated or cut off."""
    content = bytearray(text.encode())
    for _ in range(chance.choice((1, 1, 2, 5))):
        start = chance.randrange(len(content))
        length = chance.choice((1, 1, 4, 40, 400))
        part = content[start : start + length]
        match chance.randrange(7):
            case 0:
                content[start : start + length] = b""
            case 1:
                content[start:start] = bytes([chance.randrange(256)])
            case 2:
                content[start:start] = chance.choice(WORDS).encode()
            case 3:
                content[start:start] = part
            case 4:
                content[chance.randrange(len(content)) :] = part
            case 5:
                content[start:start] = chance.choice(
                    (b"\0", b"\t", b"\xff", b"\r", b"- ", b": ", b"\n")
                )
            case _:
                content[start] ^= 1 << chance.randrange(8)
        content = content or bytearray(b"x")
    return bytes(content)


@pytest.mark.parametrize("chance", rounds("bytes", 3))
def test_a_file_with_other_bytes(study, chance):
    for _ in range(CASES):
        judge(
            study / "params.yaml", bytes_of(chance, TEXT)
        )  # which stays where it is if this fails
