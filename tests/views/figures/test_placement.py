import itertools

import numpy as np
from matplotlib.text import Text

from initsweep.views.figures import labels, placement, style


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
