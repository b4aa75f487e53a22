import dataclasses

import numpy as np
import pytest

from initsweep.views.figures import health, style


@pytest.fixture
def layers(study):
    return study.layers


def axes_named(figure, name):
    return next(axes for axes in figure.axes if axes.get_label() == name)


def test_the_maps_show_the_table(layers):
    rows = [dataclasses.replace(row, dead=0.25, saturated=1.0, cosine=-0.1) for row in layers]
    names = list(dict.fromkeys(row.scheme for row in rows))
    figure = health.draw(rows, names)
    depth = 1 + max(row.layer for row in rows)
    for name, value in (("dead", 0.25), ("saturated", 1.0), ("cosine", 0.0)):
        mesh = axes_named(figure, name).collections[0].get_array()
        assert mesh.shape == (len(names), depth)
        np.testing.assert_allclose(mesh, value)
    assert [t.get_text() for t in axes_named(figure, "dead").get_yticklabels()] == names
    assert style.to_png(figure) == style.to_png(health.draw(rows, names))


def test_schemes_without_signal_are_named_beside_the_ranks(layers, looks):
    names = list(dict.fromkeys(row.scheme for row in layers))
    rows = [
        dataclasses.replace(row, effective_rank=0.0) if row.scheme == names[0] else row
        for row in layers
    ]
    figure = health.draw_spectrum(rows, names, looks)
    axes = axes_named(figure, "effective_rank")
    drawn = [line for line in axes.lines if line.get_label() != "leader"]
    assert len(drawn) == len(names) - 1
    assert any("no signal" in text.get_text() for text in axes.texts)


def test_without_layers_nothing_breaks(looks):
    style.to_png(health.draw_spectrum([], [], looks))
