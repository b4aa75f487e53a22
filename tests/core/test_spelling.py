import html
import re

import pytest
from markdown_it import MarkdownIt

from initsweep.core import spelling
from tests.nasty import ALPHABET, TEXTS, hidden

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
# Where running text, and names, may stand in our Markdown.
PLACES = ("{}", "- {}", "1. {}", "# {}", "**{}**", "before {} after", "before\n{}", "- x: {}")


def shown(markdown: str) -> str:
    """Return the text that a reader sees."""
    return html.unescape(re.sub(r"<[^>]*>", "", MARKDOWN.render(markdown))).strip()


def in_one_line(text: str) -> str:
    return spelling.legible(" ".join(text.split()))


@pytest.mark.parametrize("text", TEXTS, ids=ALPHABET)
def test_nothing_is_hidden_and_what_is_seen_stays(text):
    told = spelling.legible(text)
    assert not hidden(told)
    assert re.sub("[\u200c\u200d\u00a0\u202f]", "", told).isprintable()
    if not hidden(text):
        assert told == text


def test_hidden_signs_are_escapes_and_those_of_several_lines_stay_on_request():
    assert spelling.legible("a\n\t\x1b\u202e\udce9") == r"a\n\t\x1b\u202e\udce9"
    assert spelling.legible("a\n\t\x1b", keep="\n\t") == "a\n\t\\x1b"


def test_joiners_stay_where_they_join_and_not_where_they_hide():
    assert spelling.legible("👩\u200d👧") == "👩\u200d👧"
    assert spelling.legible("a\u200db") == r"a\u200db"
    assert spelling.legible("❤\ufe0f a\ufe0f") == "❤\ufe0f a\\ufe0f"


@pytest.mark.parametrize(
    ("name", "other", "shown"),
    [
        ("a", "a\u3164", r"a\u3164"),
        ("a", "a\u2800", r"a\u2800"),
        ("ab", "a\u034fb", r"a\u034fb"),
        ("a", "a\U000e0101", r"a\U000e0101"),
        ("éé", "é\u200dé", "é\u200dé (2)"),
        ("é", "é\ufe0f", "é\ufe0f (2)"),
    ],
)
def test_names_that_differ_in_what_is_not_seen_are_told_apart(name, other, shown):
    assert [*spelling.distinct([name, other], 20).values()] == [name, shown]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", TEXTS, ids=ALPHABET)
def test_markdown_shows_text_as_it_is(text, place):
    expected = shown(place.replace("{}", "PLACE")).replace("PLACE", in_one_line(text))
    assert shown(place.replace("{}", spelling.markdown(text))) == expected.strip()


@pytest.mark.parametrize("text", TEXTS, ids=ALPHABET)
def test_a_cell_stays_one_cell(text):
    told = spelling.markdown(text)
    table = MARKDOWN.render(f"| a | b |\n| --- | --- |\n| {told} | x |\n| y | {told} |\n")
    cells = [html.unescape(cell) for cell in re.findall(r"<td>(.*?)</td>", table)]
    assert cells == [in_one_line(text), "x", "y", in_one_line(text)]


@pytest.mark.parametrize("text", TEXTS, ids=ALPHABET)
def test_prose_has_code_and_no_other_markup(text):
    tags = set(re.findall(r"<(\w+)", MARKDOWN.render(spelling.prose(f"Set `x.y`: {text}"))))
    assert tags == {"p", "code"}


def test_ordinary_text_is_left_alone():
    text = "he_normal: 1\u202f520 trainings, +0.03 (-0.1 to 0.2), 50 % at 10:20:30, ann@x.org!"
    assert spelling.markdown(text) == text.replace("\u202f", " ")


def test_shorten():
    assert spelling.shorten("he_normal", 9) == "he_normal"
    assert spelling.shorten("he_normally", 9) == "he_norma…"
    assert spelling.shorten("日本語の分類", 9) == "日本語の…"
    assert spelling.shorten("", 3) == ""


@pytest.mark.parametrize("length", [12, 22, 40])
def test_no_two_names_look_alike(length):
    called = spelling.distinct(TEXTS, length)
    assert list(called) == list(dict.fromkeys(TEXTS))
    assert len({spelling.looks(name) for name in called.values()}) == len(called)
    assert all(name == name.strip() != "" for name in called.values())
    assert max(map(len, called.values())) <= length


def test_names_that_begin_alike_are_numbered():
    names = ["he_normal_of_layer_a", "he_normal_of_layer_b", "he_normal_of_layer_c", "zeros"]
    assert [*spelling.distinct(names, 12).values()] == [
        "he_normal_o…", "he_norm… (2)", "he_norm… (3)", "zeros",
    ]  # fmt: skip


def test_a_number_that_is_taken_is_left_out():
    assert [*spelling.distinct(["a (2)", "a", "a\u00a0(2)"], 9).values()] == [
        "a (2)", "a", "a\u00a0(2) (2)",
    ]  # fmt: skip


def test_spaces_and_nothing_are_seen():
    assert [*spelling.distinct(["", " ", "a ", "a"], 9).values()] == ["''", "' '", "'a '", "a"]


def test_many_names_that_begin_alike_take_no_time():
    names = [f"{'x' * 50}{number}" for number in range(20_000)]
    assert len(set(spelling.distinct(names, 40).values())) == 20_000
