"""The verdict for scripts and for pull requests."""

import dataclasses
import json

import pytest

from initsweep.commands import main as cli
from initsweep.core import artifacts
from initsweep.core.errors import ParamsError
from initsweep.core.records import SchemeRow, Verdict
from initsweep.views.terminal.comment import LIMIT, MARK, as_comment
from initsweep.views.terminal.record import FORMAT
from tests.made_study import make_study

ADDRESS = "https://example.com/runs/1"
PACKET = """# initsweep review: digits, mlp

**Tie.** he

## Picture

![Loss \\[log\\] against rate](figures/lr_response.svg)

Caption.
"""


@pytest.fixture
def study(tmp_path, monkeypatch):
    made = make_study(names=["zeros", "he_normal", "orthogonal"])
    made.write(tmp_path)
    artifacts.write_text(tmp_path / "reports/review.md", PACKET)
    monkeypatch.chdir(tmp_path)
    return made


def test_json_holds_the_verdict_and_every_column_of_the_table(study, capsys):
    assert cli.main(["summary", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert list(said) == ["format", "verdict", "schemes", "last_decision", "notices", "report"]
    assert said["format"] == FORMAT == "initsweep-summary/2"
    assert set(said["verdict"]) == {field.name for field in dataclasses.fields(Verdict)}
    assert [row["scheme"] for row in said["schemes"]] == ["orthogonal", "he_normal", "zeros"]
    for row in said["schemes"]:
        assert set(row) == {field.name for field in dataclasses.fields(SchemeRow)}
    assert said["schemes"][-1]["basin_width"] is None


def test_a_comment_links_no_file_that_a_pull_request_cannot_show(study, capsys):
    assert cli.main(["summary", "--markdown", "--figures", ADDRESS]) == 0
    text = capsys.readouterr().out
    assert text.startswith(MARK)
    assert "![" not in text
    assert "](figures/" not in text
    assert f"[`figures/lr_response.svg` of the report]({ADDRESS})" in text
    assert "against rate" in text
    assert "Caption." in text


def test_without_an_address_figures_are_named_only():
    assert "https" not in as_comment(PACKET, None)
    assert "`figures/lr_response.svg` of the report." in as_comment(PACKET, None)


def test_a_comment_that_would_be_refused_loses_whole_sections_and_says_so():
    long = PACKET + "".join(f"\n## Section {i}\n\n" + "x" * 9_000 + "\n" for i in range(9))
    text = as_comment(long, None)
    assert LIMIT - 10_000 < len(text) <= LIMIT
    assert "Too long for a comment" in text.splitlines()[-1]
    assert "Section 0" in text
    assert text.splitlines()[-3].strip("x") == ""


@pytest.mark.parametrize("address", ["figures", "javascript:alert(1)", "https://a b", "https://a)"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(ParamsError, match="--figures"):
        as_comment(PACKET, address)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(["summary", "--figures", ADDRESS], "--markdown"), (["summary", "--json"], "initsweep init")],
)
def test_mistakes_are_one_message(arguments, named, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert named in said.err


def test_the_documented_keys_are_those_of_the_record(study, capsys):
    from tests.conftest import ROOT

    cli.main(["summary", "--json"])
    said = json.loads(capsys.readouterr().out)
    page = (ROOT / "docs/ci.md").read_text()
    assert FORMAT in page
    for key in (*said, *said["verdict"], *said["schemes"][0]):
        assert f"`{key}`" in page, key
