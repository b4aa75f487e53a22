"""Whatever files, columns and options are called, `init` writes parameters that say so."""

import pytest
from dvc.utils.serialize import parse_yaml
from ruamel.yaml import YAML

from initsweep.core.errors import DataError, ParamsError
from initsweep.core.spelling import is_whole
from initsweep.starting import data_source as sources
from initsweep.starting.announcements import next_steps
from initsweep.starting.parameters import DEFAULT, write_params
from initsweep.starting.request import Request, find
from tests.nasty import ALPHABET, COMMANDS, TEXTS

WHOLE = {name: text for name, text in ALPHABET.items() if is_whole(text)}


def written(file, text):
    values = {
        "data.source": f"csv:data/raw/{text}.csv",
        "data.table.target": text,
        "data.table.drop": [text, 3, f"{text} too"],
        "model": {"name": "my_nets:make", "option": text},
    }
    write_params(file, DEFAULT.read_text(), values, [f"Data: {text}", text])
    return file.read_text(encoding="utf-8")


@pytest.mark.parametrize("text", WHOLE.values(), ids=WHOLE)
def test_parameters_come_back_as_they_were_for_us_and_for_dvc(text, tmp_path):
    content = written(tmp_path / "params.yaml", text)
    plain = written(tmp_path / "params.yaml", "PLACEHOLDER")
    ours, of_dvc = YAML(typ="safe", pure=True).load(content), parse_yaml(content, "params.yaml")
    assert ours == of_dvc
    assert ours["data"]["table"]["target"] == text
    assert ours["data"]["table"]["drop"] == [text, 3, f"{text} too"]
    assert ours["model"]["option"] == text
    expected = YAML(typ="safe", pure=True).load(plain)
    for one in (ours, expected):
        one["data"].pop("source")
        del one["data"]["table"], one["model"]["option"]
    assert ours == expected


@pytest.mark.parametrize("text", TEXTS, ids=ALPHABET)
def test_the_heading_is_a_comment_of_two_lines(text, tmp_path):
    write_params(tmp_path / "params.yaml", "a: 1\n", {}, [f"Data: {text}", text])
    head = (tmp_path / "params.yaml").read_text(encoding="utf-8").split("\n")
    assert [line[:1] for line in head[:4]] == ["#", "#", "", "a"]
    assert not {*"".join(head)} & {*COMMANDS}


@pytest.mark.parametrize(
    "given",
    [{"data": "name\udce9.csv"}, {"data": "x.csv", "settings": {"target": "\udce9"}},
     {"data": "x.csv", "model": "a:\udce9"}, {"data": "x.csv", "options": ["a=\udce9"]}],
)  # fmt: skip
def test_what_params_yaml_cannot_hold_is_refused_before_anything_is_made(given, tmp_path):
    with pytest.raises(ParamsError, match=r"received '.*\\udce9.*', which is not UTF-8"):
        find(Request(folder=tmp_path / "study", **given))


def test_a_folder_that_no_file_can_name_is_refused(tmp_path):
    with pytest.raises(ParamsError, match="the folder: received"):
        find(Request(folder=tmp_path / "name\udce9", data="x.csv"))


def test_a_file_that_gitignore_cannot_name_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a\nb.csv").write_text("x,y\n1,2\n")
    with pytest.raises(DataError, match=r"'a\\nb.csv' has a line end.*rename"):
        sources.with_test(sources.find_source("a\nb.csv"), None)


def test_commands_to_copy_are_quoted(tmp_path):
    assert "  cd 'my study; rm x'" in next_steps(tmp_path.__class__("my study; rm x"), ["DVC"])
