import dataclasses

import pytest

from initsweep.views.figures import comparison

MARGIN = 0.023


@pytest.fixture
def axes(study, looks):
    return comparison.draw(study.pairs, looks, margin=MARGIN, loss_name="cross_entropy").axes[0]


def test_differences_and_intervals_are_the_tables(study, axes, line_of):
    rows = [pair for pair in study.pairs if pair.family == "test"]
    low, high = axes.get_xlim()
    inside = [row for row in rows if low <= row.mean_difference <= high]
    assert 0 < len(inside) < len(rows)
    for row in inside:
        assert list(line_of(axes, f"pair-{row.scheme}").get_xdata()) == [row.mean_difference]
    bars = {tuple(path.vertices[:, 0]) for c in axes.collections for path in c.get_paths()}
    assert {(row.low, row.high) for row in inside} <= bars


def test_a_huge_difference_becomes_an_arrow_and_keeps_its_number(axes, line_of):
    arrow = line_of(axes, "beyond-random_normal_large")
    assert list(arrow.get_xdata()) == [axes.get_xlim()[1]]
    assert arrow.get_marker() == ">"
    assert "+0.55" in [text.get_text() for text in axes.texts]


def test_the_margin_is_shaded_to_scale(axes):
    box = next(patch for patch in axes.patches if patch.get_label() == "margin").get_bbox()
    assert (box.x0, box.x1) == (-MARGIN, MARGIN)


def test_outcomes_differ_by_marker(study, axes, line_of):
    for row in study.pairs:
        if row.family == "test" and row.scheme != "random_normal_large":
            line = line_of(axes, f"pair-{row.scheme}")
            assert line.get_marker() == comparison.MARKERS[row.outcome]
    assert len(set(comparison.MARKERS.values())) == len(comparison.MARKERS)


def test_rows_are_named_from_the_smallest_difference_down(study, axes):
    rows = [pair for pair in study.pairs if pair.family == "test"]
    rows.sort(key=lambda pair: pair.mean_difference)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [row.scheme for row in rows]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]


def test_a_much_better_scheme_is_seen_too(study, looks, line_of):
    rows = [
        dataclasses.replace(row, low=-2.1, mean_difference=-2.0, high=-1.9, outcome="better")
        if row.scheme == "he_normal"
        else row
        for row in study.pairs
    ]
    axes = comparison.draw(rows, looks, margin=MARGIN, loss_name="cross_entropy").axes[0]
    assert line_of(axes, "beyond-he_normal").get_marker() == "<"


def test_nothing_to_compare(looks):
    figure = comparison.draw([], looks, margin=MARGIN, loss_name="cross_entropy")
    assert "nothing to compare" in figure.texts[0].get_text()
