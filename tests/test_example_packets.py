"""The packets in examples/ are those that the code writes now: the same headings and columns."""

import itertools
import re

import pytest

from initsweep.core import artifacts
from initsweep.core.params import load_params
from initsweep.stages import report
from tests.conftest import ROOT
from tests.made_study import make_study

EXAMPLES = sorted(
    file.parent.name
    for file in ROOT.glob("examples/*/params.yaml")
    # What a packet can say of an own loop hangs on what its function tells.
    if load_params(file).loop is None
)
ONLY_SOMETIMES = {
    "What would change the decision",
    "The decision under other settings, everything else as it stands",
    "The first and the next scheme by each criterion",
    "Fresh seeds needed to settle each inconclusive pair",
    "How the choice was made",
    "Why each scheme ties, is undecided or worse",
    "Pair by pair on test data",
    "Paired comparisons on test data",
    "Results by class",
    "Precision and recall by class",
    "Residuals",
}
"""Headings, or the tables below them, that hang on how a study came out."""


def structure(text: str) -> dict[str, list[str]]:
    """Return the headings of a packet, and the columns of the table below each."""
    found: dict[str, list[str]] = {}
    heading = ""
    for line, after in itertools.pairwise(text.splitlines()):
        if title := re.match(r"##+ (.+)|<details><summary>(.+)</summary>", line):
            heading = title[1] or title[2]
            found[heading] = []
        elif re.match(r"\|( -+:? \|)+$", after):
            found[heading] = [general(cell) for cell in line.strip("| ").split(" | ")]
    # Which measures there are depends on the score.
    measures = "Every measure of every scheme"
    found[measures] = found.get(measures, [])[:1]
    return found


def general(column: str) -> str:
    """Return the head of a column without the names of schemes and scores."""
    column = re.sub(r"^Against \S+", "Against SCHEME", column)
    return re.sub(r"^Test (?!loss$|rows$).*", "Test SCORE", column)


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> dict[str, dict[str, list[str]]]:
    """The structure of the packet that is written now, by task."""
    found = {}
    for task in ("classification", "regression"):
        made = make_study(task=task, names=["he_normal", "orthogonal", "xavier_uniform"])
        folder = tmp_path_factory.mktemp(task)
        made.write(folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            report.run(made.params)
            found[task] = structure((artifacts.REPORTS / "review.md").read_text())
    return found


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_packet_has_the_headings_and_columns_of_now(written, name):
    text = (ROOT / "examples" / name / "packet/review.md").read_text()
    packet = structure(text)
    now = written["regression" if "- Task: regression" in text else "classification"]
    assert [one for one in packet if one not in ONLY_SOMETIMES] == [
        one for one in now if one not in ONLY_SOMETIMES
    ]
    assert packet.keys() - now.keys() <= ONLY_SOMETIMES
    for heading in packet.keys() & now.keys():
        if packet[heading] or heading not in ONLY_SOMETIMES:
            assert (heading, packet[heading]) == (heading, now[heading])


def test_names_in_a_packet_make_no_difference():
    lines = [
        "## The rule",
        "| Against {} on validation | Test {} | Test loss |",
        "| --- | ---: | ---: |",
    ]
    one, other = (
        "\n".join(lines).format(*names) for names in (("a", "accuracy"), ("b_c", "r squared"))
    )
    assert structure(one) == structure(other)
    assert structure(one)["The rule"] == ["Against SCHEME on validation", "Test SCORE", "Test loss"]
    assert structure(one.replace("Test loss", "Loss")) != structure(one)
