import dataclasses

import pytest

from initsweep.views.figures import signal, style


@pytest.fixture
def names(study):
    return [row.scheme for row in study.schemes]


def test_measured_and_predicted_lines_are_the_tables(study, looks, names):
    figure = signal.draw(study.layers, names, looks)
    drawn = [name for name in names if name != "zeros"]
    for axes, direction in zip(figure.axes, ("forward", "backward"), strict=True):
        measured = [line for line in axes.lines if line.get_label() == "measured"]
        predicted = [line for line in axes.lines if line.get_label() == "predicted"]
        for name, line, theory in zip(drawn, measured, predicted, strict=True):
            rows = {row.layer: row for row in study.layers if row.scheme == name}
            for layer, value in zip(line.get_xdata(), line.get_ydata(), strict=True):
                assert value == getattr(rows[layer], f"{direction}_std")
            expected = [] if name == "constant" else [0, 1, 2, 3]
            assert sorted(theory.get_xdata()) == expected
            for layer, value in zip(theory.get_xdata(), theory.get_ydata(), strict=True):
                assert value == getattr(rows[layer], f"{direction}_predicted")


def test_every_scheme_is_named_also_the_silent_one(study, looks, names):
    for axes in signal.draw(study.layers, names, looks).axes:
        texts = [text.get_text() for text in axes.texts]
        assert "zero in some layer: zeros" in texts
        assert set(names) - {"zeros"} <= set(texts)


def test_gradients_are_drawn_in_the_direction_they_flow(study, looks, names):
    forward, backward = signal.draw(study.layers, names, looks).axes
    assert not forward.xaxis.get_inverted()
    assert backward.xaxis.get_inverted()


def test_a_lost_signal_does_not_stretch_the_axis(study, looks, names):
    layers = [
        dataclasses.replace(row, forward_std=1e300, forward_high=1e300)
        if row.scheme == "random_normal_large" and row.layer > 1
        else row
        for row in study.layers
    ]
    figure = signal.draw(layers, names, looks)
    assert figure.axes[0].get_ylim()[1] == 1e30
    assert style.to_png(figure)


def test_without_layers_nothing_breaks(looks):
    assert style.to_png(signal.draw([], [], looks))


def test_a_prediction_between_gaps_is_a_short_dash():
    nan = float("nan")
    assert signal._with_stubs([0, 1, 2], [nan, 5.0, nan])[1:3] == [(0.7, 5.0), (1.3, 5.0)]
    assert signal._with_stubs([0, 1, 2], [4.0, 5.0, 6.0]) == [(0, 4.0), (1, 5.0), (2, 6.0)]
    assert signal._with_stubs([0, 1], [nan, nan]) == []
