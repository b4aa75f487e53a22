"""Pictures say what was measured: own axes, one colour where colour means nothing."""

import pytest
from matplotlib.colors import to_hex

from initclaims.laboratory.pictures import Beside, Lines, Strips, draw
from initclaims.laboratory.table import Measurement, Table
from initsweep.views.figures import style


def rows(arm, settings, quantity="loss"):
    return [
        Measurement(arm=arm, quantity=quantity, setting=at, seed=seed, value=at + seed)
        for at in settings
        for seed in (0, 1)
    ]


TABLE = Table([*rows("He, 3 layers", (1.0, 2.0)), *rows("He, 30 layers", (4.0, 8.0)),
               *rows("Xavier, 30 layers", (4.0, 8.0))])  # fmt: skip


def colours(axes):
    return {to_hex(line.get_color()) for line in axes.lines}


def test_a_panel_of_lines_has_the_settings_of_its_own_arms():
    shallow = Lines(quantity="loss", x="rate", log_x=True, arms=("He, 3 layers",))
    deep = Lines(quantity="loss", x="rate", log_x=True, arms=("He, 30 layers",))
    left, right = draw(Beside(pictures=(shallow, deep)), TABLE).axes
    assert left.get_xlim()[1] < 4 < right.get_xlim()[1]


def test_a_scheme_has_one_name_and_one_colour_in_all_panels_and_one_legend_above_them():
    panels = tuple(
        Lines(quantity="loss", x="layer", arms=(f"He{end}",), suffix=end)
        for end in (", 3 layers", ", 30 layers")
    )
    figure = draw(Beside(pictures=panels, titles=("3 layers", "30 layers")), TABLE)
    left, right = figure.axes
    assert colours(left) == colours(right)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["He"]
    assert left.get_legend() is None


def test_rows_have_one_colour_unless_lines_beside_them_tell_the_arms_apart():
    strips = Strips(quantity="loss")
    (alone,) = draw(strips, TABLE).axes
    assert len(colours(alone)) == 1
    lines = Lines(quantity="loss", x="layer")
    _, beside = draw(Beside(pictures=(lines, strips)), TABLE).axes
    assert len(colours(beside)) == len(TABLE.arms())


@pytest.mark.parametrize(("setting", "values"), [("least", [4, 5]), ("greatest", [8, 9])])
def test_strips_show_one_end_of_the_settings(setting, values):
    (axes,) = draw(Strips(quantity="loss", arms=("He, 30 layers",), setting=setting), TABLE).axes
    assert list(axes.lines[0].get_xdata()) == values


def test_points_are_not_joined():
    (axes,) = draw(Lines(quantity="loss", x="layer", points=("He, 30 layers",)), TABLE).axes
    assert [line.get_linestyle() for line in axes.lines] == ["-", "None", "-"]
    assert len(axes.collections) == len(TABLE.arms()) - 1


@pytest.mark.parametrize("span", [(2.6, 4.4), (1.2, 1.9), (0.3, 40.0), (1e-9, 1e3)])
def test_a_logarithmic_axis_has_labels_and_no_formulas_however_narrow_it_is(span):
    narrow = Table(
        [Measurement(arm="He", quantity="loss", setting=at, seed=seed, value=value)
         for at in (1.0, 2.0) for seed, value in enumerate(span)]
    )  # fmt: skip
    panels = (Lines(quantity="loss", x="layer", log=True), Strips(quantity="loss", log=True))
    figure = draw(Beside(pictures=panels), narrow)
    assert "mathdefault" not in style.to_svg(figure, "name")
    left, right = figure.axes
    for axis in (left.yaxis, right.xaxis):
        ticks = axis.get_ticklabels(which="both")
        assert any(tick.get_text() for tick in ticks)
        assert not any("$" in tick.get_text() for tick in ticks)
