"""What a terminal and a pull request are told does nothing to them."""

import contextlib
import dataclasses
import html
import re

import pytest
from markdown_it import MarkdownIt

from initsweep.commands import main as cli
from initsweep.core import errors, spelling
from initsweep.core.errors import InitsweepError, InitsweepWarning, plain_warnings
from initsweep.stages import prepare
from initsweep.views.terminal import screen
from initsweep.views.terminal.answer import read
from initsweep.views.terminal.comment import as_comment
from tests.made_study import changed, make_study
from tests.nasty import ALPHABET, COMMANDS, TEXTS
from tests.stages.nasty_study import swapped

ACTING = {*COMMANDS} - {"\n", "\t"}


@pytest.fixture(scope="module")
def answer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    make_study(names=["zeros", "he_normal"]).write(folder)
    with contextlib.chdir(folder):
        return read()


@pytest.mark.parametrize("coloured", [False, True])
@pytest.mark.parametrize("text", TEXTS, ids=ALPHABET)
def test_the_verdict_colours_by_itself_alone(answer, text, coloured, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    plain = screen.verdict_table(answer, screen.Screen(coloured=coloured))
    nasty = changed(answer, verdict=swapped(answer.verdict, text), decided=text, notices=[text])
    shown = screen.verdict_table(nasty, screen.Screen(coloured=coloured))
    ours = {*re.findall(r"\x1b\[[\d;]*m", plain)}
    assert {*re.findall(r"\x1b\[[\d;]*m", shown)} <= ours
    assert not {*re.sub(r"\x1b\[[\d;]*m", "", shown)} & ACTING
    shown.encode()


def test_schemes_that_begin_alike_have_lines_of_their_own(tmp_path, monkeypatch):
    study = make_study(names=["he_normal", "he_uniform"])
    names = {f"he_{kind}": f"a_scheme_with_a_long_name_{kind}" for kind in ("normal", "uniform")}
    study.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    found = read()
    rows = [dataclasses.replace(row, scheme=names[row.scheme]) for row in found.schemes]
    response = [dataclasses.replace(row, scheme=names[row.scheme]) for row in found.response]
    long = changed(found, schemes=rows, response=response)
    lines = screen.verdict_table(long, screen.Screen()).splitlines()
    told = [line[:22].rstrip() for line in lines if line.startswith("a_scheme")]
    assert told == ["a_scheme_with_a_long_…", "a_scheme_with_a_l… (2)"]


@pytest.mark.parametrize("text", TEXTS, ids=ALPHABET)
def test_errors_warnings_and_remarks_do_nothing(text, monkeypatch, capsys, tmp_path):
    def fails(options):
        raise InitsweepError(f"'{text}' is wrong.")

    monkeypatch.setattr(cli, "_dispatch", fails)
    assert cli.main(["list", "metrics"]) == 2
    with plain_warnings(cli._spelt):
        said = errors.warnings.formatwarning(text, InitsweepWarning, "x.py", 1)
    prepare._tell(text)
    err = capsys.readouterr().err
    assert not {*err, *said} & ACTING
    assert spelling.legible(text, "\n\t") in err
    assert spelling.legible(text, "\n\t") in said


def test_what_is_no_command_does_nothing(capsys):
    with pytest.raises(SystemExit):
        cli.main(["list", "metrics", "\x1b[31m"])
    assert r"unrecognized arguments: \x1b[31m" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["names", "gate", "check"])
def test_what_commands_print_does_nothing(command, monkeypatch, capsys):
    module = cli.importlib.import_module(f"initsweep.commands.{command}")
    monkeypatch.setattr(module, "run", lambda options: ("".join(TEXTS), 0))
    assert cli.main([command, *["he_normal"] * (command == "check")]) == 0
    assert not {*capsys.readouterr().out} & ACTING


def test_a_comment_calls_nobody_and_links_no_issue():
    packet = f"- {spelling.markdown('@ann (@bob) #12, ann@x.org #h')} `models:/x@champion`\n"
    comment = as_comment(packet, None)
    text = html.unescape(re.sub(r"<[^>]*>", "", MarkdownIt("commonmark").render(comment)))
    assert re.findall(r"(?<!\w)@\w+", text) == []
    assert re.findall(r"#\d+", text) == []
    shown = text.replace("\u200b", "").strip()
    assert shown == "@ann (@bob) #12, ann@x.org #h models:/x@champion"
