"""A packet in which every text from outside is a nasty one, in a real browser."""

import contextlib

import pytest

from initsweep.stages import report
from initsweep.views.packet import render
from tests.nasty import TEXTS
from tests.stages.nasty_study import read_study, with_classes, with_text


@pytest.fixture(scope="module", params=["all of them", "long words", "one long word"])
def page(request, tmp_path_factory):
    text = {"all of them": " ".join(TEXTS), "long words": "words " * 800}.get(
        request.param, "word" * 1250
    )
    folder = tmp_path_factory.mktemp("nasty")
    classes = TEXTS if request.param == "all of them" else [text, f"{text}b", "W" * 60]
    shown = with_classes(with_text(read_study(folder), text), classes)
    with contextlib.chdir(folder):
        (folder / "page.html").write_text(render.html(shown, report._draw(shown, workers=1)))
    return (folder / "page.html").as_uri()


@pytest.mark.parametrize("width", [1280, 390])
def test_it_never_scrolls_sideways_and_nothing_runs(chromium, page, width):
    chromium.open(page, width=width)
    chromium.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert chromium.run("document.documentElement.scrollWidth") <= width
    widest = "Math.max(...[...document.querySelectorAll('table')].map(t => t.offsetWidth))"
    assert chromium.run(widest) < 1500
    assert chromium.run("document.querySelectorAll('script').length") == 2
    assert chromium.run("document.querySelectorAll('[onmouseover]').length") == 0
    assert chromium.problems == []


def test_a_click_still_hides_a_scheme_everywhere(chromium, page):
    chromium.open(page, width=1280)
    chromium.run("document.querySelector('[data-chip=he_normal]').click()")
    left = "[...document.querySelectorAll('[data-scheme=he_normal]:not(.off)')].length"
    assert chromium.run(left) == 0
