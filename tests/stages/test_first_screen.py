"""What is read first: the answer and what anybody asks of it, in few words; the rest is folded."""

import dataclasses
import re
from html.parser import HTMLParser

import pytest

from initsweep.core import artifacts
from initsweep.core.records import OtherCriterion
from initsweep.stages import report
from initsweep.statistics.statement import answer_in_words
from initsweep.views.packet import first_screen, tables
from tests import made_study
from tests.made_study import changed, make_study, with_row

MOST_WORDS = 2500
CAVEAT = " ".join(["word"] * 32)


class Unfolded(HTMLParser):
    """Collects the words of a page that are there without a click; figures are pictures."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag in {"details", "style", "script", "svg"}:
            self.inside.append(tag)

    def handle_endtag(self, tag):
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data):
        self.words += [] if self.inside else data.split()


@pytest.fixture(scope="module")
def packet(tmp_path_factory):
    """The packet of 16 schemes with as many caveats as a study can have, as page and Markdown."""
    more = {"he_textbook_variant": "he_normal", "random_scaled": "torch_default"}
    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        for name, like in more.items():
            patch.setitem(made_study.SCHEMES, name, made_study.SCHEMES[like])
        study = make_study()
        study.verdict = dataclasses.replace(study.verdict, caveats=[CAVEAT] * 14)
        study.write(folder)
        patch.chdir(folder)
        report.run(study.params)
    assert len(study.schemes) == 16
    return [(folder / artifacts.REPORTS / f"review.{kind}").read_text() for kind in ("html", "md")]


def test_what_is_not_folded_is_read_in_ten_minutes(packet):
    page, markdown = packet
    unfolded = re.sub(r"<details>.*?</details>", "", markdown, flags=re.DOTALL)
    assert 800 < len(Unfolded(page).words) <= MOST_WORDS
    assert 800 < len(unfolded.split()) <= MOST_WORDS
    assert "<details" not in unfolded
    for name in ("verdict", "What would change the decision", "Caveats"):
        assert name.lower() in unfolded.lower()


def test_page_and_markdown_fold_the_same_under_a_title(packet):
    titles = [re.findall(r"<details><summary>(.+?)</summary>\n", text) for text in packet]
    assert titles[0] == titles[1]
    assert len(set(titles[0])) == len(titles[0]) > 8
    # GitHub reads Markdown inside HTML after an empty line only.
    assert len(re.findall(r"</summary>\n\n(?!\n)", packet[1])) == len(titles[1])
    assert len(re.findall(r"\n</details>\n\n", packet[1])) == len(titles[1])


def heads(study):
    return [head for head, _ in first_screen.points(study)]


def text(study, head):
    return dict(first_screen.points(study))[head]


@pytest.fixture(scope="module")
def study():
    return make_study(names=["zeros", "he_normal", "orthogonal", "torch_default"])


def test_the_first_questions_are_answered_in_this_order(study):
    asked = heads(study)
    assert asked[:2] == ["How sure", "What else ties"]
    assert asked[-3:] == ["What would change it", "Other rates", "What the rate is for"]
    assert text(study, "How sure").startswith("Fragile: 62 of 100 studies redrawn from its seeds")
    assert "decide.most_seeds" in text(study, "How sure")


def test_what_inputs_the_rate_is_for_is_said_where_they_are_not_taken_as_they_are(study, packet):
    said = text(study, "What the rate is for")
    assert said.startswith("Inputs standardized with the mean and standard deviation of the train")
    assert "on raw ones training may diverge. `initsweep export` writes the numbers down" in said
    assert all("What the rate is for" in page for page in packet)
    for other in ("", "unscaled inputs"):
        verdict = dataclasses.replace(study.verdict, holds_for=other)
        assert "What the rate is for" not in heads(changed(study, verdict=verdict))


def test_the_best_raw_numbers_say_why_they_do_not_count(study):
    raw = with_row(study, "torch_default", test_loss=0.01, test_score=0.999)
    why = next(row.why for row in study.schemes if row.scheme == "torch_default")
    said = text(raw, "Why not torch_default")
    assert said.startswith("It has the lowest test loss (0.0100 against ")
    assert "and the highest test accuracy (99.9 % against " in said
    assert said.endswith(f"What counts is validation: {why}.")
    picked = dataclasses.replace(study.verdict, picks={"orthogonal": 0.4, "he_normal": 0.6})
    assert "most picks of redrawn studies (60 against 62)" in text(
        changed(study, verdict=picked), "Why not he_normal"
    )
    best = dataclasses.replace(study.verdict, best_on_validation="he_normal")
    assert "less forgiving: its basin is" in text(changed(study, verdict=best), "Why not he_normal")


def test_nobody_asks_why_not_the_recommended_scheme(study):
    best = with_row(study, "orthogonal", test_loss=0.001, test_score=1.0)
    assert not any(head.startswith("Why not") for head in heads(best))


@pytest.mark.parametrize(
    ("scheme", "better", "said"),
    [
        ("orthogonal", False, "The same scheme, at learning rate 0.1."),
        ("he_normal", False, "he_normal at learning rate 0.1, not shown to be better"),
        (
            "he_normal",
            True,
            "By accuracy the best pair is he_normal at 0.1: 98.0 % on test against",
        ),
    ],
)
def test_what_the_other_of_loss_and_score_would_choose(study, scheme, better, said):
    other = OtherCriterion(
        criterion="accuracy", scheme=scheme, learning_rate=0.1, low=-0.2, difference=-0.1,
        high=0.1, better=better, test=0.98, recommended_test=0.97,
    )  # fmt: skip
    verdict = dataclasses.replace(study.verdict, other=other)
    asked = changed(study, verdict=verdict)
    assert text(asked, "By accuracy instead of cross entropy").startswith(said)
    assert (
        "By accuracy" in " ".join(dataclasses.astuple(answer_in_words(verdict, study.schemes)))
    ) == better


def test_a_chosen_rate_outside_its_basin_is_explained_where_it_stands(study):
    row = next(row for row in study.schemes if row.scheme == "orthogonal")
    assert row.in_basin
    apart = with_row(study, "orthogonal", learning_rate=3 * row.basin_high)
    assert "with worse rates in between" in text(apart, "Other rates")
    outside = next(one for one in apart.schemes if one.scheme == "orthogonal")
    assert tables.basin_range(outside).startswith("as good as the best in ")
    # To the digits that are written.
    edge = dataclasses.replace(row, learning_rate=1.004 * row.basin_high)
    assert edge.in_basin


def test_without_a_recommendation_the_statement_is_the_headline():
    nothing = make_study(names=["zeros", "constant"], decision="none_trainable")
    assert first_screen.headline(nothing) == nothing.verdict.statement
    assert first_screen.points(nothing) == []
