import pytest

from initsweep.views.figures import coordinates, style
from initsweep.views.figures.coordinates import Column, Line
from tests.nasty import TEXTS

GROWN = {64: [1.0, 4.0], 128: [2.0, 8.0], 256: [4.0, 16.0]}
LEVEL = {64: [1.0, 1.0], 128: [1.0, 1.0], 256: [1.0, 1.0]}
NOTHING = {64: [0.0, 0.0], 128: [0.0, 0.0], 256: [0.0, 0.0]}


def column(scheme, updates, layers=("head", "hidden")):
    return Column(
        scheme=scheme,
        verdict="growing",
        vary="width",
        activations=[Line(layer=one, values=LEVEL, step=4, against=False) for one in layers],
        updates=[
            Line(layer=one, values=values, step=1, against=values is GROWN)
            for one, values in zip(layers, updates, strict=True)
        ],
    )


def test_a_column_for_each_scheme_and_a_line_for_each_layer():
    figure = coordinates.draw([column("he", [GROWN, LEVEL]), column("mup", [LEVEL, LEVEL])])
    first, second = figure.axes[2:]  # updates, below activations
    assert first.get_ylim() == second.get_ylim()
    head, hidden = (line for line in first.lines if line.get_label() in {"head", "hidden"})
    assert list(head.get_ydata()) == pytest.approx([2, 4, 8])  # the geometric mean
    assert head.get_linewidth() > hidden.get_linewidth()
    assert first.get_ylabel() == "mean |change|\nafter 1 step"
    named = [text.get_text() for text in second.texts]
    assert named == ["head", "hidden"]


def test_what_is_nothing_is_left_out():
    figure = coordinates.draw([column("zeros", [NOTHING, NOTHING])])
    assert not figure.axes[1].lines
    assert style.to_png(figure)


def test_any_name_is_drawn():
    names = list(dict.fromkeys(TEXTS))
    figure = coordinates.draw([column(names[0], [GROWN] * len(names), names)])
    assert style.to_svg(figure, "name")
    assert style.to_png(figure)
