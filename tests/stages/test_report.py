import dataclasses
import json
import re
from html.parser import HTMLParser

import pytest

from initsweep.core import artifacts, spelling
from initsweep.core.errors import InitsweepError
from initsweep.core.params import parse_params
from initsweep.core.records import PredictionRow
from initsweep.stages import report
from initsweep.statistics.statement import answer_in_words
from tests.conftest import as_recorded
from tests.made_study import make_study

FIGURES = {
    "tradeoff",
    "lr_response",
    "lr_overlay",
    "comparison",
    "signal",
    "learning_curves",
    "health",
    "spectrum",
    "budget",
    "errors",
}
WITH_LINEAR_AXES = {"tradeoff_linear", "lr_overlay_linear"}
VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Collects tags, attributes and text; fails on tags that do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.words: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in {"style", "script"}:
            self.words.append(data)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The reports of one study with everything in it."""
    folder, study = tmp_path_factory.mktemp("study"), make_study()
    study.write(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        report.run(study.params)
    return folder, study


def write_and_report(study, folder, monkeypatch) -> tuple[str, str]:
    study.write(folder)
    monkeypatch.chdir(folder)
    report.run(study.params)
    reports = folder / artifacts.REPORTS
    return (reports / "review.html").read_text(), (reports / "review.md").read_text()


@pytest.fixture(scope="module")
def page(finished):
    return Page((finished[0] / artifacts.REPORTS / "review.html").read_text())


@pytest.fixture(scope="module")
def markdown(finished):
    return (finished[0] / artifacts.REPORTS / "review.md").read_text()


def everything_under(folder):
    reports = folder / artifacts.REPORTS
    files = sorted(path for path in reports.rglob("*") if path.is_file())
    return {path.relative_to(reports).as_posix(): path.read_bytes() for path in files}


def test_it_writes_the_packet_and_nothing_else(finished):
    names = FIGURES | WITH_LINEAR_AXES
    expected = {f"figures/{name}.{ending}" for name in names for ending in ("svg", "png")}
    documents = {"review.html", "review.md", "verdict.json"}
    assert set(everything_under(finished[0])) == expected | documents


def test_the_verdict_beside_the_page_is_that_of_the_study(finished):
    file = finished[0] / artifacts.REPORTS / "verdict.json"
    content = artifacts.read_json(file)
    assert content.pop("headline").startswith("Use ")
    assert isinstance(content.pop("warning"), str)
    assert content.pop("why_not") == {}  # the recommended scheme has the best raw numbers
    verdict = as_recorded(finished[1].verdict)
    assert content == json.loads(json.dumps(dataclasses.asdict(verdict)))


def test_a_second_run_gives_the_same_bytes(finished, monkeypatch):
    folder, study = finished
    before = everything_under(folder)
    monkeypatch.chdir(folder)
    report.run(study.params)
    assert everything_under(folder) == before


def test_how_many_draw_changes_no_byte(finished, tmp_path, monkeypatch):
    _, study = finished
    content = study.params.model_dump()
    content["runtime"]["workers"] = 1 if study.params.runtime.n_workers > 1 else 2
    study.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    report.run(parse_params(content))
    assert everything_under(tmp_path) == everything_under(finished[0])


def test_the_page_loads_nothing(finished, page):
    for tag, name, value in page.attributes:
        if name in {"src", "href", "xlink:href", "srcset", "action", "data"}:
            assert value is not None
            assert value.startswith("#"), (tag, name, value)
    text = (finished[0] / artifacts.REPORTS / "review.html").read_text()
    assert not re.search(r"@import|<script[^>]*src|<link|<iframe|url\((?!#)|fetch\(", text)
    # The namespace of SVG is a name and is never fetched.
    assert not re.findall(r"https?://", text.replace("http://www.w3.org/2000/svg", "").replace(
        "https://doi.org", ""))  # fmt: skip


def test_ids_are_unique_and_links_lead_somewhere(page):
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {value[1:] for _, name, value in page.attributes if name == "href"} <= set(ids)


def test_every_figure_is_in_the_page_and_in_the_markdown(page, markdown):
    labelled = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "role")]
    assert len(labelled) == len(FIGURES | WITH_LINEAR_AXES)
    for name in FIGURES:
        assert f"](figures/{name}.svg)" in markdown


def test_both_state_verdict_rule_caveats_and_every_scheme(finished, page, markdown):
    _, study = finished
    for line in (*study.verdict.rule, *study.verdict.caveats):
        assert line in page.words
        assert spelling.markdown(line) in markdown
    for sentences in dataclasses.astuple(answer_in_words(study.verdict, study.schemes)):
        assert sentences in " ".join(page.words)
        assert spelling.markdown(sentences) in markdown
    for name in study.params.schemes:
        assert page.words.count(name) >= 4
        assert markdown.count(f" {name} |") >= 3 or f"**{name}**" in markdown


def test_the_verdict_table_holds_the_numbers(finished, markdown):
    line = next(line for line in markdown.splitlines() if line.startswith("| lecun_normal |"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    row = next(row for row in finished[1].schemes if row.scheme == "lecun_normal")
    assert cells[1] == f"{row.standing} (on test {row.outcome})" == "undecided (on test equivalent)"
    assert cells[2] == "0.316 (0.01 to ≥ 1)"
    assert cells[3] == f"{row.regret:.3f}"
    assert cells[4].startswith(f"{row.validation_loss:.3g} ({row.validation_low:.3g} to ")
    assert cells[6].startswith(f"{100 * row.test_score:.1f} % (")
    assert cells[7] == f"0/10 (up to {100 * row.failed_share_high:.0f} %)"


def test_schemes_stand_recommended_first_then_marked_tied_then_the_rest(finished, markdown):
    verdict = markdown.split("## Verdict")[1].split("\n##")[0]
    lines = [line.split(" | ") for line in verdict.splitlines() if line.startswith("| ")][2:]
    shown = [(cells[0].strip("|* "), cells[1].strip()) for cells in lines]
    rows = {row.scheme: row for row in finished[1].schemes}
    assert {name for name, _ in shown} == set(rows)
    assert {name for name, stands in shown if stands.startswith(("tied ", "recommended"))} == {
        row.scheme for row in rows.values() if row.in_tie_set
    }
    groups = [
        (rows[name].outcome != "recommended", not rows[name].trainable, not rows[name].in_tie_set)
        for name, _ in shown
    ]
    assert groups == sorted(groups)
    assert len(set(groups)) == 4


def test_provenance_is_complete(page):
    text = "".join(page.words)
    for expected in ("0123456789abcdef", "fedcba9876543210", "00112233aabbccdd", "torch 2.13.0"):
        assert expected in text
    assert "dvc repro" in text


def test_untrusted_words_are_escaped(tmp_path, monkeypatch):
    study = make_study(names=["zeros", "he_normal", "orthogonal"])
    nasty = '<script>alert("x")</script> & | *bold*'
    study.schema = dataclasses.replace(
        study.schema, source=nasty, reference=nasty, class_names=[nasty], n_outputs=1
    )
    study.verdict = dataclasses.replace(study.verdict, statement=nasty, caveats=[nasty])
    study.predictions = [PredictionRow(example=0, target=0.0, prediction=0.0)]
    study.diagnosis = [dataclasses.replace(row, reason=nasty) for row in study.diagnosis]
    html, markdown = write_and_report(study, tmp_path, monkeypatch)
    scripts = re.findall(r"<script[^>]*>", html)
    assert scripts == ['<script type="application/json" id="page-data">', "<script>"]
    assert nasty in Page(html).words
    assert "<script" not in markdown.replace("\\<script", "")
    row = next(line for line in markdown.splitlines() if line.startswith("| zeros | vanishing"))
    assert len(re.split(r"(?<!\\)\|", row.strip("|"))) == 8


def test_regression_is_reported_with_its_own_score(tmp_path, monkeypatch):
    names = ["zeros", "he_normal", "orthogonal", "torch_default"]
    html, markdown = write_and_report(
        make_study(task="regression", names=names), tmp_path, monkeypatch
    )
    assert "Test r squared" in html
    assert "mean squared error" in html
    assert "Classes" not in markdown
    scores = re.findall(r"\| (\d\.\d{3}) \(", markdown)
    assert scores


def test_without_a_trainable_scheme_the_packet_says_so(tmp_path, monkeypatch):
    study = make_study(names=["zeros", "constant"], decision="none_trainable")
    html, markdown = write_and_report(study, tmp_path, monkeypatch)
    assert "None trainable" in html
    assert "There are no two trainable schemes to compare." in html
    assert "figures/comparison.svg" not in markdown
    assert "Recommended scheme" not in html
    assert set(everything_under(tmp_path)) >= {f"figures/{name}.svg" for name in FIGURES}


def test_cannot_tell_names_a_reference_but_recommends_nothing(tmp_path, monkeypatch):
    study = make_study(names=["he_normal", "orthogonal"], decision="cannot_tell")
    html, _ = write_and_report(study, tmp_path, monkeypatch)
    assert "not a recommendation" in html
    assert "Recommended scheme" not in html
    assert 'class="badge cannot_tell">Cannot tell<' in html


def test_a_single_scheme_with_nothing_observed(tmp_path, monkeypatch):
    study = make_study(names=["he_normal"], decision="winner")
    study.schemes = [
        dataclasses.replace(
            row, test_score=None, test_score_low=None, test_score_high=None, safety_margin=None,
            largest_stable_rate=None, first_unstable_rate=None, basin_width=0.0,
            basin_low=row.learning_rate, basin_high=row.learning_rate,
        )
        for row in study.schemes
    ]  # fmt: skip
    study.curves = []
    study.profile = {}
    study.layers = [
        dataclasses.replace(row, forward_predicted=None, backward_predicted=None)
        for row in study.layers
    ]
    html, markdown = write_and_report(study, tmp_path, monkeypatch)
    assert "None" not in "".join(Page(html).words).replace("None were recorded", "")
    assert "| None |" not in markdown


def test_a_missing_table_is_named(tmp_path, monkeypatch):
    study = make_study(names=["zeros", "he_normal"])
    study.write(tmp_path)
    (tmp_path / artifacts.train_folder("zeros") / "curves.csv").unlink()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InitsweepError, match=r"results/train/zeros/curves\.csv"):
        report.run(study.params)


def test_the_packet_says_who_is_better_on_test(tmp_path, monkeypatch):
    study = make_study(names=["he_normal", "orthogonal", "zeros"])
    study.schemes = [
        dataclasses.replace(row, outcome="better") if row.scheme == "he_normal" else row
        for row in study.schemes
    ]
    html, markdown = write_and_report(study, tmp_path, monkeypatch)
    said = "On test data he_normal did better"
    assert said in html.split("<main>")[0]
    assert said in markdown.split("\n## ")[0]
