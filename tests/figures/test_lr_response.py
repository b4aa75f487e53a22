import dataclasses

import pytest

from initsweep.figures import lr_overlay, lr_response, palette, style


@pytest.fixture
def panels(study, looks, losses):
    figure = lr_response.draw(study.response, study.schemes, looks, **losses)
    return {axes.get_label(): axes for axes in figure.axes}


def rows_of(study, scheme, *kinds):
    rows = [row for row in study.response if row.scheme == scheme and row.kind in kinds]
    return sorted(rows, key=lambda row: row.learning_rate)


def test_every_scheme_has_a_panel_with_the_tables_numbers(study, panels, line_of):
    assert list(panels) == [row.scheme for row in study.schemes]
    for scheme, axes in panels.items():
        line, grid = line_of(axes, "response"), rows_of(study, scheme, "grid", "extension")
        assert list(line.get_xdata()) == [row.learning_rate for row in grid]
        assert list(line.get_ydata()) == [row.mean_loss for row in grid]
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


def test_overlay_tells_the_story_with_at_most_six(study, looks, losses, line_of):
    rows = lr_overlay.notable(study.schemes, "orthogonal")
    names = [row.scheme for row in rows]
    assert len(names) == 6
    assert {"orthogonal", "torch_default", "random_normal_large"} <= set(names)
    assert sum(not row.trainable for row in rows) == 1
    figure = lr_overlay.draw(study.response, rows, looks, **losses)
    drawn = [line for line in figure.axes[0].lines if line.get_label() == "response"]
    for line, row in zip(drawn, rows, strict=True):
        grid = rows_of(study, row.scheme, "grid", "extension")
        assert list(line.get_ydata()) == [one.mean_loss for one in grid]
    legend = figure.axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == [*names, "constant predictor"]
    samples = dict(zip(names, legend.get_lines(), strict=False))
    for name, line in zip(names, drawn, strict=True):
        assert samples[name].get_color() == line.get_color()
        assert samples[name].get_linestyle() == line.get_linestyle()
    figure.canvas.draw()
    box = legend.get_window_extent()
    assert box.x0 > figure.axes[0].get_window_extent().x1
    assert box.x1 <= figure.bbox.x1


def test_overlay_of_a_study_without_a_trainable_scheme(study, looks, losses):
    rows = lr_overlay.notable([row for row in study.schemes if not row.trainable], None)
    assert [row.scheme for row in rows] == ["constant", "zeros"]
    assert style.to_png(lr_overlay.draw(study.response, rows, looks, **losses))
