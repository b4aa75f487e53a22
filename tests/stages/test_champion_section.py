"""The last decision stands in the packet, in the Markdown and in the terminal."""

import dataclasses

import pytest

from initsweep.stages import report
from initsweep.views.packet.sections.champion import HEADS, facts
from initsweep.views.terminal import answer as answers
from initsweep.views.terminal.screen import WIDTH, Screen, verdict_table
from tests.made_study import NO_CHAMPION, make_study

BETTER = dataclasses.replace(
    NO_CHAMPION,
    standing="better",
    statement="orthogonal has a lower test loss than the champion he_normal. Change.",
    champion="he_normal",
    decided_by="Ann <Lee>",
    decided_when="2026-01-02T03:04:05+00:00",
    decided_because="the widest basin",
    difference_low=-0.2,
    difference=-0.1,
    difference_high=-0.05,
    p_value=0.002,
    paired=True,
    seeds=10,
    changed_settings=["model.depth: 3 → 6"],
)


@pytest.fixture
def finished(tmp_path, monkeypatch):
    study = make_study(names=["zeros", "he_normal", "orthogonal"])
    study.challenge = BETTER
    study.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    report.run(study.params)
    return tmp_path / "reports"


def test_the_packet_says_whether_to_change_and_from_what(finished):
    page = (finished / "review.html").read_text()
    section = page.partition('<h2 id="champion">')[2].partition("<h2")[0]
    for text in (
        "<b>Change.</b>",
        BETTER.statement,
        "he_normal, chosen by Ann &lt;Lee&gt; on 2026-01-02",
        "the widest basin",
        "95 % interval \N{MINUS SIGN}0.20 to \N{MINUS SIGN}0.050; paired by seed; p 0.002",
        "model.depth: 3 → 6",
        "the same rows, the same split",
    ):
        assert text in section, text
    assert 'href="#champion"' in page


def test_the_markdown_says_the_same(finished):
    section = (finished / "review.md").read_text().partition("## Against the last decision")[2]
    section = section.partition("\n## ")[0]
    assert "**Change.** orthogonal has a lower" in section
    assert "- Because: the widest basin" in section
    assert "\n\n\n" not in section


def test_the_terminal_names_it(finished, monkeypatch):
    lines = verdict_table(answers.read(), Screen()).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("Last decision: "))
    assert " ".join(lines[start:-1]) == f"Last decision: {BETTER.statement}"
    assert max(map(len, lines)) <= WIDTH


def test_every_standing_has_a_head():
    from typing import get_args

    from initsweep.core.decisions import Standing

    assert set(HEADS) == set(get_args(Standing))


def test_without_a_champion_there_are_no_facts():
    assert facts(NO_CHAMPION) == []


def test_what_cannot_be_compared_does_not_claim_the_same_data():
    other = dataclasses.replace(
        BETTER, standing="not_comparable", difference=None, changed_settings=[]
    )
    labels = dict(facts(other))
    assert "Data" not in labels
    assert labels["Settings changed since then"] == "none"
