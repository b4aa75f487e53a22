import itertools

import numpy as np
import pytest
from matplotlib.text import Text

from initsweep.figures import labels, style


def test_spread_leaves_what_is_apart_and_separates_what_is_not():
    assert labels.spread([0.0, 5.0, 9.0], 2.0, 0.0, 10.0) == [0.0, 5.0, 9.0]
    assert labels.spread([5.0, 5.0], 2.0, 0.0, 10.0) == [4.0, 6.0]
    assert labels.spread([10.0, 10.0, 10.0], 2.0, 0.0, 10.0) == pytest.approx([6.0, 8.0, 10.0])
    assert labels.spread([], 2.0, 0.0, 10.0) == []


@pytest.mark.parametrize("seed", range(20))
def test_spread_keeps_gap_order_and_bounds(seed):
    wanted = np.random.default_rng(seed).uniform(0, 100, 12).tolist()
    placed = labels.spread(wanted, 7.0, 0.0, 100.0)
    assert [sorted(wanted).index(w) for w in wanted] == [sorted(placed).index(p) for p in placed]
    gaps = np.diff(sorted(placed))
    assert gaps.min() >= 7.0 - 1e-9
    assert min(placed) >= -1e-9
    assert max(placed) <= 100.0 + 1e-9


def test_spread_shrinks_the_gap_when_there_is_no_room():
    placed = labels.spread([1.0] * 6, 7.0, 0.0, 10.0)
    assert sorted(placed) == pytest.approx([0.0, 2.0, 4.0, 6.0, 8.0, 10.0])


def test_place_covers_no_other_label():
    rng = np.random.default_rng(0)
    with style.styled():
        figure = style.new_figure(9, 5)
        axes = figure.add_axes((0.1, 0.1, 0.85, 0.85))
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        crowd = [
            labels.Label(text=f"random_scheme_{i}", x=x, y=y, colour=style.INK)
            for i, (x, y) in enumerate(rng.normal(0.5, 0.06, (14, 2)))
        ]
        labels.place(axes, crowd)
        figure.canvas.draw()  # annotations find their place when drawn
        boxes = [Text.get_window_extent(text, style.renderer(figure)) for text in axes.texts]
    assert len(boxes) == 14
    for one, other in itertools.combinations(boxes, 2):
        common = type(one).intersection(one, other)
        assert common is None or common.width * common.height < 1


def test_shorten():
    assert labels.shorten("he_normal", 9) == "he_normal"
    assert labels.shorten("he_normally", 9) == "he_norma…"
