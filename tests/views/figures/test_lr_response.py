import dataclasses
import re

import pytest

from initsweep.core import numbers
from initsweep.views.figures import lr_overlay, lr_response, marks, palette, style


@pytest.fixture
def panels(study, looks, losses):
    figure = lr_response.draw(study.response, study.schemes, looks, **losses)
    return {axes.get_label(): axes for axes in figure.axes}


def rows_of(study, scheme, kind=""):
    rows = [row for row in study.response if row.scheme == scheme and kind in {"", row.kind}]
    return sorted(rows, key=lambda row: row.learning_rate)


def test_every_scheme_has_a_panel_with_the_tables_numbers(study, panels, line_of):
    assert list(panels) == [row.scheme for row in study.schemes]
    for scheme, axes in panels.items():
        line, tried = line_of(axes, "response"), rows_of(study, scheme)
        assert list(line.get_xdata()) == [row.learning_rate for row in tried]
        assert list(line.get_ydata()) == [row.mean_loss for row in tried]
        refined = line_of(axes, "refinement")
        expected = rows_of(study, scheme, "refinement")
        assert list(refined.get_ydata()) == [row.mean_loss for row in expected]


def test_chosen_rates_failures_and_basins_are_marked(study, panels, line_of):
    for row in study.schemes:
        axes = panels[row.scheme]
        chosen = [row.learning_rate] if row.trainable else []
        assert list(line_of(axes, "chosen").get_xdata()) == chosen
        failing = [r for r in study.response if r.scheme == row.scheme and r.failure_rate > 0]
        assert len(line_of(axes, "failures").get_xdata()) == len(failing)
        basins = [patch for patch in axes.patches if patch.get_label() == "basin"]
        assert len(basins) == row.trainable
        if row.trainable:
            box = basins[0].get_bbox()
            assert (box.x0, box.x1) == (row.basin_low, row.basin_high)


def test_rates_that_left_a_race_are_hollow_and_say_so(study, looks, losses, line_of):
    first = rows_of(study, "he_normal")[0]
    raced = [dataclasses.replace(row, seeds=1) if row is first else row for row in study.response]
    figure = lr_response.draw(raced, study.schemes, looks, **losses)
    axes = {axes.get_label(): axes for axes in figure.axes}["he_normal"]
    assert list(line_of(axes, "left the race").get_xdata()) == [first.learning_rate]
    assert any("left the race after 1 seed" in mark.text for mark in marks.marks_of(figure))
    assert "left" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_all_panels_share_limits_that_hold_every_loss(study, panels):
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in panels.values()}) == 1
    low, high = panels["he_normal"].get_ylim()
    assert low < min(row.best_loss for row in study.response)
    assert high > study.verdict.constant_loss


def test_an_untrainable_scheme_is_grey_and_dashed(panels, line_of):
    line = line_of(panels["zeros"], "response")
    assert line.get_color() == palette.FAILED
    assert line.is_dashed()
    assert not line_of(panels["he_normal"], "response").is_dashed()


def test_panel_heads_name_scheme_rate_and_censored_basin(panels):
    words = {name: [text.get_text() for text in axes.texts] for name, axes in panels.items()}
    assert words["orthogonal"][0] == "★ orthogonal"
    assert words["xavier_normal"][1] == "best at 0.01, basin ≥ 2.00 dec."
    assert words["zeros"][1] == "untrainable"


def test_a_basin_of_one_rate_is_still_visible(study, looks, losses):
    rate = 0.01
    rows = [
        dataclasses.replace(row, basin_low=rate, basin_high=rate, basin_width=0.0)
        for row in study.schemes
        if row.scheme == "he_normal"
    ]
    axes = lr_response.draw(study.response, rows, looks, **losses).axes[0]
    box = next(patch for patch in axes.patches if patch.get_label() == "basin").get_bbox()
    assert box.x0 < rate < box.x1


@pytest.mark.parametrize("linear", [False, True])
def test_overlay_holds_every_scheme_and_its_basin(study, looks, losses, linear):
    figure = lr_overlay.draw(study.response, study.schemes, looks, linear=linear, **losses)
    curves, basins = figure.axes
    assert curves.get_yscale() == ("linear" if linear else "log")
    drawn = [line for line in curves.lines if line.get_label() == "response"]
    for line, row in zip(drawn, reversed(study.schemes), strict=True):
        grid = rows_of(study, row.scheme)
        assert list(line.get_ydata()) == [one.mean_loss for one in grid]
        assert line.get_color() == looks[row.scheme].colour
    names = [tick.get_text() for tick in basins.get_yticklabels()]
    assert names == [row.scheme for row in study.schemes]
    trainable = [row for row in study.schemes if row.trainable]
    bars = [bar.get_paths()[0].get_extents() for bar in basins.collections]
    for bar, row in zip(bars, trainable, strict=True):
        assert (bar.x0, bar.x1) == pytest.approx((row.basin_low, row.basin_high))
    chosen = [line for line in basins.lines if line.get_label() == "chosen"]
    assert [line.get_xdata()[0] for line in chosen] == [row.learning_rate for row in trainable]


def test_overlay_of_a_study_without_a_trainable_scheme(study, looks, losses):
    rows = [row for row in study.schemes if not row.trainable]
    response = [row for row in study.response if row.scheme in {one.scheme for one in rows}]
    assert style.to_png(lr_overlay.draw(response, rows, looks, **losses))


def test_every_point_can_be_read_under_the_pointer(study, looks, losses):
    figure = lr_overlay.draw(study.response, study.schemes, looks, **losses)
    said = {(mark.scheme, mark.text.split(":")[0]) for mark in marks.marks_of(figure)}
    for row in study.response:
        assert (row.scheme, f"{row.scheme} at {numbers.rate(row.learning_rate)}") in said
    wide, high = figure.get_size_inches() * 72
    assert all(0 < mark.x < wide and 0 < mark.y < high for mark in marks.marks_of(figure))


def test_what_belongs_to_a_scheme_says_so_in_the_svg(study, looks, losses):
    figures = [draw(study.response, study.schemes, looks, **losses)
               for draw in (lr_overlay.draw, lr_response.draw)]  # fmt: skip
    for figure in figures:
        tagged = set(re.findall(r'data-scheme="([^"]+)"', style.to_svg(figure, "one")))
        assert tagged == {row.scheme for row in study.schemes}
