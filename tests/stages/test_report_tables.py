import dataclasses
import re

import pytest

from initsweep.core import artifacts, numbers
from initsweep.core.numbers import MISSING
from initsweep.stages import report
from initsweep.views.packet import render
from tests.made_study import make_study


def markdown_of(study, folder, monkeypatch) -> str:
    """Return the Markdown of a study; figures and page, which take long, are left out."""
    study.write(folder)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(report, "pictures_of", lambda _: ())
    monkeypatch.setattr(render, "html", lambda *_: "")
    report.run(study.params)
    return (folder / artifacts.REPORTS / "review.md").read_text()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One study with everything in it, and its Markdown."""
    study = make_study()
    with pytest.MonkeyPatch.context() as patch:
        return study, markdown_of(study, tmp_path_factory.mktemp("study"), patch)


def cells_of(markdown: str, section: str, scheme: str) -> list[str]:
    table = re.split(f"## {section}\n|<summary>{section}</summary>", markdown)[1]
    table = re.split("\n## |</details>", table)[0]
    line = next(
        line
        for line in table.splitlines()
        if line.strip("|* ").startswith(f"{scheme} ") or line.startswith(f"| **{scheme}** |")
    )
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_an_untrainable_scheme_shows_no_rate_and_no_score(tmp_path, monkeypatch):
    study = make_study(names=["zeros", "he_normal", "orthogonal"])
    study.schemes = [
        dataclasses.replace(row, test_score=0.93, test_score_low=0.92, test_score_high=0.94)
        if row.scheme == "zeros"
        else row
        for row in study.schemes
    ]
    markdown = markdown_of(study, tmp_path, monkeypatch)
    cells = cells_of(markdown, "Verdict", "zeros")
    assert (cells[2], cells[6]) == (MISSING, MISSING)
    assert cells_of(markdown, "The schemes as they were run", "zeros")[3] == MISSING
    assert "93.0 %" not in markdown
    assert "no better than guessing at any rate of the grid, or not on the fresh" in markdown


def test_the_sensitivity_table_holds_the_numbers(finished):
    study, markdown = finished
    row = next(row for row in study.schemes if row.scheme == "he_normal")
    assert row.safety_margin is not None
    of_scheme = [one for one in study.quantities if one.scheme == "he_normal"]
    regret = next(one for one in of_scheme if one.quantity == "regret")
    assert cells_of(markdown, "Sensitivity to the learning rate", "he_normal")[1:] == [
        numbers.width(row.basin_width, row.basin_censored),
        MISSING,
        numbers.rate(row.largest_stable_rate),
        numbers.rate(row.first_unstable_rate),
        f"{row.safety_margin:.2f}".replace("-", "\N{MINUS SIGN}"),
        f"{numbers.loss(row.regret)} ({numbers.interval(regret.low, regret.high)})",
        numbers.loss(row.tuned_gap),
        numbers.loss(row.sensitivity),
        numbers.loss(row.wortsman_sensitivity),
        "0 %",
        "≥ 12",
        MISSING,
    ]
    assert "- Wortsman's S: as published" in markdown
    assert "Blind spot" in markdown


def test_a_global_basin_as_wide_as_a_censored_one_is_censored_too(tmp_path, monkeypatch):
    study = make_study(names=["zeros", "he_normal", "orthogonal"])
    widths = {"he_normal": 2.0, "orthogonal": 1.5}
    study.schemes = [
        dataclasses.replace(
            row, basin_width=2.0, basin_censored="high", global_basin_width=widths[row.scheme]
        )
        if row.trainable
        else row
        for row in study.schemes
    ]
    markdown = markdown_of(study, tmp_path, monkeypatch)
    section = "Sensitivity to the learning rate"
    assert cells_of(markdown, section, "he_normal")[1:3] == ["≥ 2.00", "≥ 2.00"]
    assert cells_of(markdown, section, "orthogonal")[1:3] == ["≥ 2.00", "1.50"]


def test_the_protocol_discloses_last_epoch_and_dropped_batch(finished):
    _, markdown = finished
    assert "the loss after the last epoch, epoch 30" in markdown
    assert "each epoch leaves out 54 of 1078 train rows" in markdown  # 1078 = 8 * 128 + 54
