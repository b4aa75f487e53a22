import io
import warnings
import xml.etree.ElementTree as ET

import matplotlib
import pytest
from matplotlib.image import imread
from matplotlib.lines import Line2D

from initsweep.views.figures import style


def draw(word: str = "here"):
    with style.styled():
        figure = style.new_figure(3, 2)
        axes = figure.add_axes((0.2, 0.2, 0.7, 0.7))
        axes.plot([0, 1], [0, 1], marker="o", color=style.INK)
        axes.set_title(word)
    return figure


def test_svg_and_png_are_the_same_bytes_every_time():
    first, second = draw(), draw()
    assert style.to_svg(first, "one") == style.to_svg(second, "one")
    assert style.to_png(first) == style.to_png(second)
    assert style.to_png(draw("elsewhere")) != style.to_png(first)


def test_a_size_that_rounding_has_made_smaller_is_drawn_in_straight_lines():
    with style.styled():
        figure = style.new_figure(0.85 + 3 * (2.7 + 0.3) - 0.3 + 1.75, 2)  # 11.299999999999999
        figure.add_artist(Line2D([0.5, 0.5], [0, 1], color=style.INK))
    dark = imread(io.BytesIO(style.to_png(figure)))[..., 0] < 0.9
    assert 0 < dark.any(axis=0).sum() < 8


def test_a_users_matplotlibrc_changes_nothing():
    expected = style.to_svg(draw(), "one"), style.to_png(draw())
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 9, "svg.fonttype": "path"}):
        assert (style.to_svg(draw(), "one"), style.to_png(draw())) == expected


def test_global_settings_are_left_alone():
    before = dict(matplotlib.rcParams)
    style.to_svg(draw(), "one")
    style.to_png(draw())
    assert dict(matplotlib.rcParams) == before


def test_python_s_filters_of_warnings_are_those_of_all_threads():
    before = list(warnings.filters)
    with style.styled():
        assert list(warnings.filters) == before


def test_svg_is_xml_without_date_and_with_ids_of_its_own():
    svg = style.to_svg(draw(), "one")
    ids = [element.get("id") for element in ET.fromstring(svg).iter() if element.get("id")]
    assert ids
    assert all(name.startswith("one-") for name in ids)
    assert "<dc:date>" not in svg
    targets = {part.split('"')[0] for part in svg.split('href="#')[1:]}
    assert targets
    assert targets <= set(ids)


def test_text_stays_text_and_neutral_colours_turn_on_dark_pages():
    svg = style.to_svg(draw(), "one")
    assert ">here</text>" in svg
    drawn = svg.split("</style>", 1)[1]
    assert f"stroke: {style.INK}" in drawn
    for light, dark in style.DARK.items():
        rule = f'[style*="stroke: {light}"]{{stroke:{dark}!important}}'
        assert (rule in svg) == (f"stroke: {light}" in drawn)


def test_renderer_needs_one_of_our_figures():
    from matplotlib.figure import Figure

    with pytest.raises(TypeError, match="new_figure"):
        style.renderer(Figure())
