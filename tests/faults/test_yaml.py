"""YAML that stands for more than it seems, or for something that no parameter is."""

import os
import re
import time
from itertools import pairwise

import pytest

from initclaims.page import files
from initsweep.commands import main as cli
from initsweep.core import yaml_files
from initsweep.core.errors import ArtifactError, ParamsError
from initsweep.core.name_value import network_values
from initsweep.core.params import load_params, parse_params
from initsweep.core.yaml_files import parse_yaml, read_yaml
from initsweep.running.lock_file import other_results, read_lock
from initsweep.views.terminal.freshness import edited_parameters
from tests.conftest import ROOT

DEFAULT = (ROOT / "params.yaml").read_text()
LETTERS = "abcdefghij"
LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in pairwise(LETTERS)
)
MERGES = LAUGHS.replace("[x, x]", "{x: 1}").replace("[", "{<<: [").replace("]", "]}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LAUGHS, r"line \d: . holds more than \d+ values, counting each as often as aliases"),
        (MERGES, r"line \d: .* holds more than \d+ values"),
        ("a: &a [*a]", r"line 1: a\.0 holds itself by an alias"),
        ("a: &a {b: *a}", r"line 1: a\.b holds itself by an alias"),
        ("".join(f"a{i}: &a{i} [[*a{i - 1}]]\n" for i in range(99)).replace("*a-1", "1"), "deeper"),
        ("[" * 10_000, "line 1: the file nests deeper than 20 levels"),
        ("{a: " * 10_000, "nests deeper"),
        ("- " * 10_000, "nests deeper"),
        ("? " * 10_000, "nests deeper"),
        ("a: [" + "1, " * 20_000 + "]", "line 1: the file holds more than 10000 values"),
        ("a: " + "x" * 5000, "line 1: a is text of 5000 characters; write 4096 at most"),
        ("a: " + "x" * 500_000, "has more than 160000 bytes"),
        ("a: {b: 1}\nc: 1" + "1" * 5000, "line 2: c is a number of 5001 digits; write fewer"),
        ("a: [1, 0x" + "f" * 5000 + "]", r"a\.1 is a number of 5002 digits"),
        ("a: 1." + "1" * 5000, "a is a number of 5002 digits"),
        ("a: 9223372036854775808", "a is 9223372036854775808, which has more than 64 bits"),
        ("a: 0xffff_ffff_ffff_ffff", "which has more than 64 bits"),
        ("a: 2020-01-01", "a is 2020-01-01, to YAML a date or the like; put it into quot"),
        ("a: =", "a is =, to YAML a date or the like"),
        ("a: !!python/object/apply:os.system [ls]", "python/object/apply:os.system' is a tag"),
        ("a: !!binary aGVsbG8=", "is a tag; write the value alone"),
        ("a: !!int x", "is a tag"),
        ("a: !mine {}", "'!mine' is a tag"),
        (
            "a: [1, +_]",
            r"line 1: a\.1 is \+_, a number without digits; put it into quotation marks",
        ),
        ("%YAML 1.1\n---\na: 1:30", "line 1: a line that begins with % changes what follows"),
        ("a:\n  b: 1\n  b: 2", "line 3: a has the key 'b' twice, first in line 2; leave one out"),
        ("a: {1: x}", "a has the key 1, which is no text; quote it"),
        ("null: x", "the file has the key null, which is no text"),
        ("2020-01-01: x", "the key 2020-01-01, which is no text"),
        ("? [a]\n: x", "the key a list or mapping, which is no text"),
        ("true: x", "the key true, which is no text"),
        ('a: "\\0"', "with a character that no text has"),
        ('a: "\\ud800"', r"a is '\\ud800', with a character that no text has"),
        ('"\\ud800": a', "with a character that no text has"),
        ("a: \0", "here.yaml' is not readable as YAML: .* special characters are not allowed"),
        ("a: 1\n\tb: 2", r"is not readable as YAML: line 2, column 1: .*indent by spaces"),
        ("a: [1", "is not readable as YAML: line 1, .*close brackets"),
        ("a: *b", "line 1, column 4: found undefined alias 'b'"),
        ("a: 1\n---\nb: 2", "expected a single document"),
        ("<<: 3", "expected a mapping or list of mappings for merging"),
        (b"\xff\xfea\0:\0 \x001\0", "byte 0xff in line 1 is not UTF-8. Save it as UTF-8"),
        (b"a: 1\nb: \xe9", "byte 0xe9 in line 2 is not UTF-8"),
    ],
)
def test_what_no_parameter_file_needs_is_refused_with_its_line(
    tmp_path, monkeypatch, text, expected
):
    monkeypatch.chdir(tmp_path)
    content = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "here.yaml").write_bytes(content)
    with pytest.raises(ParamsError, match=expected) as caught:
        load_params(tmp_path / "here.yaml")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("\ufeffa: 1", {"a": 1}),
        ("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        ("a: 1e-4\nb: 0x10\nc: 0o17\nd: 1_000", {"a": 1e-4, "b": 16, "c": 15, "d": 1000}),
        ("a: yes\nb: ~\nc: -0.0\nd: .inf", {"a": "yes", "b": None, "c": -0.0, "d": float("inf")}),
        ("a: -9223372036854775808", {"a": -(2**63)}),
        (
            "a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: &a 3",
            {"a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": 3},
        ),
    ],
)
def test_what_dvc_takes_for_a_value_is_one(tmp_path, text, expected):
    (tmp_path / "here.yaml").write_bytes(text.encode())
    assert read_yaml(tmp_path / "here.yaml") == expected


def test_large_files_may_be_read_where_that_is_asked_for():
    text = "a: [" + "1, " * 30_000 + "]"
    assert len(parse_yaml(text, "dvc.lock", most_values=100_000)["a"]) == 30_000


def filled(part: str, most_values: int, begin: str = "") -> str:
    """Return as many bytes as so many values may have."""
    length = yaml_files.BYTES_PER_VALUE * most_values
    return (begin + part * length)[:length]


@pytest.mark.parametrize(
    "written",
    [
        lambda most: "- 1\n" * 500_001,
        lambda most: "#\n" * 5_000_000,
        lambda most: "a: " + "x" * 10_000_000,
        lambda most: filled("x", most, "a: "),
        lambda most: filled("\n b", most, "a: "),
        lambda most: filled("%F\n", most),
        lambda most: filled("\\x41", most, 'a: "'),
        lambda most: filled("*a,", most, "b: &a 1\nc: ["),
        lambda most: filled("\n", most, "- [" + "[]," * most),
        lambda most: filled("[],", most, "\n" * (13 * most)),
    ],
)
def test_a_file_is_refused_before_anyone_waits(tmp_path, written):
    (tmp_path / "here.yaml").write_text(written(yaml_files.MOST_VALUES))
    begun = time.process_time()
    with pytest.raises(ParamsError):
        read_yaml(tmp_path / "here.yaml")
    assert time.process_time() - begun < 2  # a core of its own takes a third of it at most


def test_the_lock_of_a_hundred_schemes_is_read():
    text = (ROOT / "dvc.lock").read_text()
    stages = re.findall(r"(?m)^  t\w+@zeros:\n(?:   .*\n)+(?:    .*\n)*", text)
    more = "".join(stage.replace("zeros", f"z{n}") for stage in stages for n in range(84))
    read = parse_yaml(text + more, "dvc.lock", yaml_files.MOST_OF_DVC)
    assert len(read["stages"]) >= 2 * 100


def test_what_is_no_file_is_refused_rather_than_waited_for(tmp_path):
    os.mkfifo(tmp_path / "here.yaml")
    for path in (tmp_path / "here.yaml", "/dev/zero"):
        with pytest.raises(ParamsError, match="is a pipe or device; write its content into a file"):
            load_params(tmp_path / path)
    with pytest.raises(ParamsError, match="Is a directory"):
        load_params(tmp_path)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("epochs: 'nan'", r"training.epochs: .*valid integer, received 'nan'\.$"),
        ("epochs: '-inf'", r"training.epochs: .*valid integer, received '-inf'\.$"),
        ("epochs: '1e400'", r"training.epochs: .*valid integer, received '1e400'\.$"),
        ("epochs: '1e3'", r"This is text: write the number without quotes, e\.g\. 1000\.$"),
        ("epochs: '2.5'", r"training.epochs: .*valid integer, received '2.5'\.$"),
        ("epochs: 2147483648", r"training.epochs: .*less than 2147483648, received 2147483648"),
        ("epochs: [" + "1, " * 5000 + "1]", r"received \[1, 1, .{,120}\.\.\.\.$"),
        ("momentum: 'inf'", r"optimizer.momentum: .*valid number, received 'inf'\.$"),
        ("momentum: '0.5'", r"write the number without quotes, e\.g\. 0\.5\.$"),
        ("nesterov: yes", r"optimizer.nesterov: .*received 'yes'. Write true or false"),
        ("nesterov: '1'", r"received '1'. Write true or false, without quotes\.$"),
        ("low: 1e400", r"tune.grid.low: .*finite number, received inf"),
        ("points: 1000000000", r"tune.grid.points: .*less than or equal to 1000"),
        ("int: 3", r"^.*: training.int: unknown key"),
        (
            "watch: " + "x" * 300,
            r"data.watch: 'x+\.\.\. can be no file or folder: file name too long",
        ),
        ('delimiter: "é"', r"delimiter must be auto or one character \(of ASCII.*received 'é'"),
        ('delimiter: "\\n"', r"delimiter must be auto .*received '\\n'"),
        ("delimiter: '\"'", r"delimiter must be auto .*received '\"'"),
    ],
)
def test_values_of_another_kind_are_told_as_they_stand(tmp_path, written, expected):
    key = written.partition(":")[0]
    if key == "int":
        text = DEFAULT.replace("  epochs:", f"  {written}\n  epochs:")
    elif key in {"low", "points"}:
        text = re.sub(rf"(grid: .*)\b{key}: [^,}}]+", rf"\1{written}", DEFAULT)
    else:
        text = re.sub(
            rf"(?m)^  (  )?{key}: .*", lambda found: f"  {found[1] or ''}{written}", DEFAULT
        )
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(ParamsError) as caught:
        load_params(tmp_path / "params.yaml")
    assert re.search(expected, str(caught.value).replace("\n  ", " ")), str(caught.value)


def test_of_very_many_mistakes_the_first_are_told(tmp_path):
    (tmp_path / "params.yaml").write_text(DEFAULT + "".join(f"k{i}: 1\n" for i in range(3000)))
    with pytest.raises(ParamsError, match="k0: unknown key") as caught:
        load_params(tmp_path / "params.yaml")
    _, *lines = str(caught.value).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "  ... and 2980 more."


@pytest.mark.parametrize(
    "name",
    [
        "-h",
        "--help",
        "_x",
        "²",
        "é",
        "名",
        "\uff11",
        "a.b",
        "a/b",
        "a b",
        "",
        "x" * 101,
        "a\n",
        "a:b",
    ],
)
def test_a_scheme_s_name_begins_with_a_letter_or_digit(tmp_path, changed, name):
    content = changed({"schemes": [name]})
    content["initializers"][name] = {"name": "zeros"}
    with pytest.raises(ParamsError, match="begin with a letter or digit") as caught:
        parse_params(content)
    assert repr(name)[:100] in str(caught.value)


@pytest.mark.parametrize("name", ["1e3", "007", "a-", "A_b", "null", "x" * 100])
def test_dvc_takes_these_names_of_schemes(changed, name):
    content = changed({"schemes": [name]})
    content["initializers"][name] = {"name": "zeros"}
    assert parse_params(content).schemes == (name,)


def test_two_schemes_are_not_told_apart_by_capitals_alone(changed):
    content = changed({"schemes": ["zeros", "Zeros"]})
    content["initializers"]["Zeros"] = {"name": "zeros"}
    with pytest.raises(ParamsError, match="'zeros' and 'Zeros' are one file on systems"):
        parse_params(content)


@pytest.mark.parametrize(
    "value",
    [
        "1" * 5000,
        "+_",
        "._",
        "[" * 5000,
        "&a [*a]",
        "!!python/name:os.system",
        '"\\ud800"',
        "{1: 2}",
    ],
)
def test_options_of_the_command_line_are_read_within_the_same_limits(value):
    with pytest.raises(ParamsError, match="--option takes name=value") as caught:
        network_values([f"width={value}"])
    assert len(str(caught.value)) < 500


def test_the_claims_parameters_are_read_within_the_same_limits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParamsError, match=r"'claims/params.yaml' cannot be read"):
        files.settings()
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims/params.yaml").write_text(f"mnist: null\nnames: {'[' * 5000}")
    with pytest.raises(ParamsError, match=r"claims/params.yaml, line 2: .* nests deeper"):
        files.settings()


@pytest.mark.parametrize("bomb", ["[" * 10_000, LAUGHS, "a: !!x {}\n"])
@pytest.mark.parametrize("file", ["params.yaml", "dvc.yaml", "dvc.lock"])
def test_every_command_reads_within_the_same_limits(tmp_path, monkeypatch, capsys, file, bomb):
    monkeypatch.chdir(tmp_path)
    for name in ("params.yaml", "dvc.yaml", "dvc.lock"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / file).write_text(bomb)
    for command in ("compare", "gate", "summary"):
        assert cli.main([command]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    if file == "params.yaml":
        assert edited_parameters({"tune": {}}, tmp_path / file) == []
    if file == "dvc.lock":
        with pytest.raises(ArtifactError, match=r"'dvc.lock' cannot be read: .*line"):
            read_lock()


def test_a_stage_without_dependencies_tells_nothing_of_other_results():
    """As `versions` after an update of initsweep."""
    then = {"versions": {"cmd": "a", "outs": [1]}, "tune": {"cmd": "b", "deps": [0], "outs": [1]}}
    now = {name: {**stage, "outs": [2]} for name, stage in then.items()}
    assert other_results(now, then) == ["tune"]
