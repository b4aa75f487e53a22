"""Whatever people's labels, names and reasons hold, the packet shows it, and it does nothing."""

import html
import re
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from initsweep.core import spelling
from initsweep.views.figures import style
from initsweep.views.figures.drawing import Drawing
from initsweep.views.packet import render
from initsweep.views.packet.figures_shown import PICTURES
from tests.nasty import ALPHABET, TEXTS, hidden
from tests.stages.nasty_study import read_study, with_classes, with_text

PLAIN = "PLACEHOLDER"
SHOWN = {name: text for name, text in ALPHABET.items() if text.strip()}
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


class Page(HTMLParser):
    """The elements of a page with the names of their attributes, and its text."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.words, self.values = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag != "code":  # backticks, ours or not, are no more than another font
            self.elements.append((tag, [name for name, _ in attributes]))
            self.values += [value for _, value in attributes if value]

    def handle_data(self, data):
        self.words.append(data)

    def handle_comment(self, data):
        self.elements.append(("!--", data))

    @property
    def text(self):
        return squeezed("".join(self.words))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return with_classes(read_study(tmp_path_factory.mktemp("study")), ["a", "b", "c"])


@pytest.fixture(scope="module")
def drawings():
    names = [name for p in PICTURES for name in (p.name, f"{p.name}_linear")]
    return {
        name: Drawing(svg=style.to_svg(style.message_figure("none"), name), png=b"", marks=[])
        for name in names
    }


@pytest.fixture(scope="module")
def plain(study, drawings):
    shown = with_text(study, PLAIN)
    page, markdown = render.html(shown, drawings), render.markdown(shown)
    assert page.count(PLAIN) > 30  # else little is tested here
    assert markdown.count(PLAIN) > 30
    return Page(page), Page(MARKDOWN.render(markdown))


def squeezed(text):
    """Return text without spaces, and without backticks, which stand for a font."""
    return "".join(text.replace("`", "").split())


@pytest.mark.parametrize("text", SHOWN.values(), ids=SHOWN)
def test_the_page_shows_any_text_and_nothing_comes_of_it(text, study, drawings, plain):
    page = render.html(with_text(study, text), drawings)
    assert not hidden(page, keep="\n\t")
    found, told = Page(page), spelling.legible(text, keep="\n\t")
    assert found.text == plain[0].text.replace(PLAIN, squeezed(told))
    assert found.elements == plain[0].elements


@pytest.mark.parametrize("text", SHOWN.values(), ids=SHOWN)
def test_the_markdown_shows_any_text_and_nothing_comes_of_it(text, study, plain):
    packet = render.markdown(with_text(study, text))
    assert not hidden(packet, keep="\n")
    found, told = Page(MARKDOWN.render(packet)), spelling.legible(" ".join(text.split()))
    assert found.text == plain[1].text.replace(PLAIN, squeezed(told))
    assert found.elements == plain[1].elements


def test_every_class_has_a_name_of_its_own_in_page_and_markdown(study, drawings):
    many = with_classes(study, TEXTS)
    called = list(spelling.distinct(TEXTS, 40).values())
    assert many.classes == called
    page, packet = render.html(many, drawings), render.markdown(many)
    section = page.split('<h2 id="mistakes">')[1].split("</section>")[0]
    rows = re.findall(r"<tr>\n<td class=\"word\"[^>]*>(.*?)</td>", section)
    assert list(map(html.unescape, rows)) == called
    section = packet.split("## Results by class")[1].split("\n## ")[0]
    cells = re.findall(r"<tr>\n<td>(.*?)</td>", MARKDOWN.render(section))
    assert [html.unescape(cell) for cell in cells] == [" ".join(name.split()) for name in called]


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_what_is_empty_may_be_left_out_and_breaks_nothing(text, study, drawings):
    shown = with_text(study, text)
    assert "</html>" in render.html(shown, drawings)
    assert "## Provenance" in render.markdown(shown)
