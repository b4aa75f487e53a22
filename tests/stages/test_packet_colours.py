"""Text of the packet is legible, light and dark: contrast of 4.5, computed from its CSS."""

import re
from importlib.resources import files

import pytest

from initsweep.views.figures import style
from tests.views.figures.test_palette import contrast

CSS = (files("initsweep.views.packet") / "templates" / "review.css").read_text(encoding="utf-8")
TEXT = ("ink", "muted", "good", "warn", "bad", "link")


def palettes():
    blocks = re.findall(r"(:root[^{]*)\{([^}]*)\}", CSS)
    return [
        (selector, dict(re.findall(r"--(\w+):(#[0-9a-f]{6})", body))) for selector, body in blocks
    ]


def test_there_is_one_light_palette_and_the_dark_one_twice():
    (_, light), (_, system), (_, chosen) = palettes()
    assert system == chosen
    assert light.keys() == system.keys()
    assert light["paper"] == style.PAPER
    assert system["paper"] == style.DARK[style.PAPER]


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("ground", ["paper", "soft"])
@pytest.mark.parametrize("text", TEXT)
def test_text_has_contrast(place, ground, text):
    _, colours = palettes()[place]
    assert contrast(colours[text], colours[ground]) >= 4.5


def test_the_colours_of_figures_are_variables_of_the_page():
    svg = '<path style="fill: #24292f; stroke: #2f7fd1"/>'
    assert style.themed(svg) == '<path style="fill: var(--x24292f); stroke: var(--x2f7fd1)"/>'
    for dark in (False, True):
        declared = dict(re.findall(r"--x(\w+):(#\w+)", style.variables(dark=dark)))
        assert {"24292f", "2f7fd1"} <= declared.keys()
    assert declared["24292f"] == style.DARK["#24292f"]
