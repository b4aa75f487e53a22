import dataclasses
import re

import pytest

from initsweep.core import artifacts
from initsweep.core.numbers import MISSING
from initsweep.core.records import PairRow, ResponseRow, SchemeRow
from initsweep.views.packet.first_screen import why_not
from initsweep.views.terminal import answer as answers
from initsweep.views.terminal.screen import NARROWEST, WIDTH, Screen, verdict_table
from initsweep.views.terminal.sparkline import BLOCKS
from tests.made_study import make_study, renamed


def table_of(study, folder, monkeypatch, **screen) -> list[str]:
    study.write(folder)
    monkeypatch.chdir(folder)
    return verdict_table(answers.read(), Screen(**screen)).splitlines()


def test_sentence_then_one_line_per_scheme_then_the_reports_path(tmp_path, monkeypatch):
    study = make_study()
    lines = table_of(study, tmp_path, monkeypatch)
    head = next(i for i, line in enumerate(lines) if line.startswith("scheme "))
    assert " ".join(lines[: head - 1]) == f"Tie, fragile: {study.verdict.statement}"
    body = lines[head + 1 : head + 1 + len(study.schemes)]
    assert [line.split()[0] for line in body][:2] == ["orthogonal", "he_normal"]
    assert {line.split()[0] for line in body} == set(study.params.schemes)
    assert lines[-1] == "Report: reports/review.html"


def test_it_says_why_not_the_scheme_with_the_best_raw_number(tmp_path, monkeypatch):
    study = make_study()
    study.verdict = dataclasses.replace(study.verdict, best_on_validation="he_normal")
    text = " ".join(table_of(study, tmp_path, monkeypatch))
    (said,) = why_not(study)
    assert said[0] == "Why not he_normal"
    assert ": ".join(said) in text


def test_lines_are_sorted_by_tie_set_then_validation_loss(tmp_path, monkeypatch):
    study = make_study()
    lines = table_of(study, tmp_path, monkeypatch)
    names = [line.split()[0] for line in lines if line.split()[:1]]
    rows = {row.scheme: row for row in study.schemes}
    keys = [
        (not rows[name].trainable, not rows[name].in_tie_set, rows[name].validation_loss)
        for name in names
        if name in rows and name != "orthogonal"
    ]
    assert keys == sorted(keys)
    assert len({key[:2] for key in keys}) == 3


def test_every_scheme_says_where_it_stands(tmp_path, monkeypatch):
    study = make_study()
    lines = table_of(study, tmp_path, monkeypatch)
    for standing in ("tied", "undecided", "worse", "untrainable"):
        schemes = {
            row.scheme
            for row in study.schemes
            if row.standing == standing and row.outcome != "recommended"
        }
        assert schemes
        assert marked(lines, standing) == schemes
    assert len(marked(lines, "recommended")) == 1
    assert "tied: as good" in " ".join(lines)
    assert "rate: for inputs standardized with the mean and standard dev" in " ".join(lines)


def marked(lines: list[str], word: str) -> set[str]:
    """Return the schemes with a word in the column after the name."""
    return {line.split()[0] for line in lines if line.split()[1:2] == [word]}


def test_an_untrainable_scheme_shows_no_score(tmp_path, monkeypatch):
    study = make_study(names=["zeros", "he_normal", "orthogonal"])
    study.schemes = [dataclasses.replace(row, test_score=0.93) for row in study.schemes]
    lines = table_of(study, tmp_path, monkeypatch)
    zeros = next(line for line in lines if line.startswith("zeros"))
    assert zeros.split()[-2:] == [MISSING, "10/10"]


def test_columns_line_up_and_hold_the_numbers(tmp_path, monkeypatch):
    lines = table_of(make_study(), tmp_path, monkeypatch, width=120)
    head = next(line for line in lines if line.startswith("scheme "))
    line = next(line for line in lines if line.startswith("lecun_uniform"))
    assert len(line) == len(head)
    place = head.index("response")
    for name in ("rate", "basin", "val. loss", "test loss", "score", "failed"):
        end = head.index(name) + len(name)
        assert line[end - 1] != " "
    assert line.split()[:2] == ["lecun_uniform", "undecided"]
    assert line[place:].split()[-6:] == ["2.00", "0.0968", "0.101", "97.0", "%", "0/10"]
    zeros = next(line for line in lines if line.startswith("zeros"))
    assert zeros.split()[1:3] == ["untrainable", MISSING]
    assert zeros.split()[-5:] == [MISSING, "2.302", "2.302", MISSING, "10/10"]


@pytest.mark.parametrize("width", [1, NARROWEST, 60, 80, 100, 120, 400])
def test_every_width_has_name_rate_and_response(width, tmp_path, monkeypatch):
    lines = table_of(make_study(), tmp_path, monkeypatch, width=width)
    assert max(map(len, lines)) <= max(min(width, 120), NARROWEST)
    head = next(line for line in lines if line.startswith("scheme "))
    assert {"scheme", "rate", "response"} <= set(head.split())
    assert ("failed" in head) == (width >= 100)


def test_what_is_not_shown_is_not_explained(tmp_path, monkeypatch):
    wide = " ".join(table_of(make_study(), tmp_path, monkeypatch, width=120))
    narrow = " ".join(table_of(make_study(), tmp_path, monkeypatch, width=40))
    assert "decades of rates within" in wide
    assert "decades of rates within" not in narrow


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_a_terminal_without_unicode_gets_the_same_columns_in_ascii(encoding, tmp_path, monkeypatch):
    lines = table_of(make_study(), tmp_path, monkeypatch, encoding=encoding)
    text = "\n".join(lines)
    text.encode("ascii")
    assert "?" not in text
    assert ">= 2.00" in text
    line = next(line for line in lines if line.startswith("lecun_uniform"))
    assert len(line) == len(next(line for line in lines if line.startswith("scheme ")))


def test_a_name_that_the_terminal_cannot_show_is_marked_and_nothing_breaks(tmp_path, monkeypatch):
    study = renamed(make_study(names=["he_normal", "orthogonal"]), "he_normal", "größe")
    lines = table_of_renamed(study, tmp_path, monkeypatch, encoding="ascii")
    assert any(line.startswith("gr??e") for line in lines)


def test_colours_where_they_are_understood_and_none_under_no_color(tmp_path, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    plain = "\n".join(table_of(make_study(), tmp_path, monkeypatch))
    assert "\x1b" not in plain
    coloured = "\n".join(table_of(make_study(), tmp_path, monkeypatch, coloured=True))
    assert "\x1b[1;32m" in coloured
    assert any(block in coloured for block in BLOCKS)
    monkeypatch.setenv("NO_COLOR", "1")
    without = "\n".join(table_of(make_study(), tmp_path, monkeypatch, coloured=True))
    assert not re.search(r"\x1b\[[\d;]*3\dm", without)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_no_line_is_wider_than_the_terminal(task, tmp_path, monkeypatch):
    study = make_study(task=task, names=["zeros", "he_normal", "orthogonal"])
    long_name = "my_very_long_scheme_name_that_goes_on_and_on_for_ever"
    study = renamed(study, "zeros", long_name)
    study.schemes = [
        dataclasses.replace(row, validation_loss=123456789.0, test_loss=1.5e-9)
        for row in study.schemes
    ]
    lines = table_of_renamed(study, tmp_path, monkeypatch)
    assert max(map(len, lines)) <= WIDTH
    assert any(line.startswith("my_very_long_scheme_n…") for line in lines)


def table_of_renamed(study, folder, monkeypatch, **screen) -> list[str]:
    artifacts.write_rows(folder / artifacts.COMPARE / "schemes.csv", study.schemes, SchemeRow)
    artifacts.write_rows(folder / artifacts.COMPARE / "response.csv", study.response, ResponseRow)
    artifacts.write_rows(folder / artifacts.COMPARE / "pairs.csv", study.pairs, PairRow)
    artifacts.write_json(folder / artifacts.COMPARE / "verdict.json", study.verdict)
    artifacts.write_json(folder / artifacts.COMPARE / "champion.json", study.challenge)
    monkeypatch.chdir(folder)
    return verdict_table(answers.read(), Screen(**screen)).splitlines()


@pytest.mark.parametrize(
    ("decision", "names", "start"),
    [
        ("cannot_tell", ["he_normal", "orthogonal"], "Cannot tell: 3 fresh seeds"),
        ("none_trainable", ["zeros", "constant"], "None trainable: None of 2 schemes"),
    ],
)
def test_other_decisions_are_said_once(decision, names, start, tmp_path, monkeypatch):
    lines = table_of(make_study(names=names, decision=decision), tmp_path, monkeypatch)
    assert lines[0].startswith(start)
