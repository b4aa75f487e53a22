import itertools

import numpy as np
import pytest
from matplotlib.colors import rgb_to_hsv, to_rgb

from initsweep.views.figures import palette, style


def luminance(colour: str) -> float:
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("page", [style.PAPER, style.DARK[style.PAPER]])
@pytest.mark.parametrize("colour", [*palette.COLOURS, palette.FAILED])
def test_colours_are_legible_on_light_and_dark_pages(colour, page):
    assert contrast(colour, page) >= 3.0


@pytest.mark.parametrize("ink", [*palette.INKS, palette.UNTRAINABLE.ink])
def test_names_are_legible_as_text_on_light_and_dark_pages(ink):
    assert contrast(ink, style.PAPER) >= 4.5
    assert contrast(palette.ON_DARK[ink], style.DARK[style.PAPER]) >= 4.5


def test_a_scheme_keeps_its_hue_as_text_and_on_a_dark_page():
    for colour, ink in zip(palette.COLOURS, palette.INKS, strict=True):
        assert palette.ON_DARK[colour] == palette.ON_DARK[ink]
        hues = [rgb_to_hsv(to_rgb(one))[0] for one in (colour, ink, palette.ON_DARK[ink])]
        assert all((hue - hues[0] + 0.04) % 1 < 0.08 for hue in hues)


@pytest.mark.parametrize("ink", [style.INK, style.MUTED])
def test_text_is_legible_on_light_and_dark_pages(ink):
    assert contrast(ink, style.PAPER) >= 4.5
    assert contrast(style.DARK[ink], style.DARK[style.PAPER]) >= 4.5


def oklab(colour: str) -> np.ndarray:
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    cones = [[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]]
    opponents = [[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]]
    return np.array(opponents) @ np.cbrt(np.array(cones) @ linear)


def test_no_two_of_32_schemes_look_alike_in_colour_or_without_it():
    looks = palette.looks([f"scheme_{i}" for i in range(32)])
    colours = [look.colour for look in looks.values()]
    for shown in (colours, [palette.ON_DARK[colour] for colour in colours]):
        places = [oklab(colour) for colour in (*shown, palette.FAILED)]
        apart = min(np.linalg.norm(a - b) for a, b in itertools.combinations(places, 2))
        assert apart > 0.05  # a just noticeable difference is about 0.02
    shapes = [(look.marker, look.dash) for look in looks.values()]
    assert all(shapes.count(shape) <= 8 for shape in shapes)


def test_a_new_scheme_changes_nobody_elses_look():
    before = palette.looks(["a", "b", "c"])
    after = palette.looks(["a", "b", "c", "d"])
    assert before.items() <= after.items()


def test_untrainable_schemes_are_grey_and_keep_the_place_of_the_others():
    looks = palette.looks(["a", "b", "c"], untrainable=["b"])
    assert looks["b"] == palette.UNTRAINABLE
    assert looks["c"] == palette.looks(["a", "b", "c"])["c"]
