import itertools

import numpy as np
import pytest
from matplotlib.text import Text

from initsweep.views.figures import labels, panels, placement, style


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
        placement.place(axes, crowd)
        figure.canvas.draw()  # annotations find their place when drawn
        boxes = [Text.get_window_extent(text, style.renderer(figure)) for text in axes.texts]
    assert len(boxes) == 14
    for one, other in itertools.combinations(boxes, 2):
        common = type(one).intersection(one, other)
        assert common is None or common.width * common.height < 1


def test_place_covers_no_line_and_leads_to_its_own_point():
    with style.styled():
        figure = style.new_figure(9, 5)
        axes = figure.add_axes((0.1, 0.1, 0.85, 0.85))
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        bar = [(0.5, float(y)) for y in np.linspace(0.3, 0.7, 60)]
        named = [
            labels.Label(text=f"scheme_{i}", x=0.5, y=0.46 + 0.03 * i, colour=f"C{i}")
            for i in range(4)
        ]
        placement.place(axes, named, avoid=bar)
        figure.canvas.draw()
        pixels = axes.transData.transform(bar)
        for text in axes.texts:
            box = Text.get_window_extent(text, style.renderer(figure))
            assert not any(box.contains(x, y) for x, y in pixels)
    for line in axes.lines:
        label = named[int(line.get_color()[1])]
        assert np.allclose([line.get_xdata()[-1], line.get_ydata()[-1]], [label.x, label.y])


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9])
def test_a_legend_is_within_its_figure_above_the_heads(count):
    names = ("mean over seeds", "best to worst seed", "basin", "chosen rate", "refined",
             "a run failed", "constant predictor", "other schemes")  # fmt: skip
    with style.styled():
        figure, axes = panels.grid(count)
        panels.legend(figure, [panels.sample_line(name) for name in names])
        panels.head(axes[0], "he_normal", "best at 0.1", style.INK)
        (written,) = figure.legends
        box = written.get_window_extent(style.renderer(figure))
        heads = [Text.get_window_extent(text, style.renderer(figure)) for text in axes[0].texts]
    assert box.x1 <= figure.bbox.x1
    assert box.y0 >= max(head.y1 for head in heads)
