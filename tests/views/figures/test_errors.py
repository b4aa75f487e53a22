import dataclasses
import itertools

import numpy as np
import pytest

from initsweep.core.records import PredictionRow
from initsweep.views.figures import errors, style
from tests.made_study import make_study


def rows(pairs):
    return [
        PredictionRow(example=place, target=float(target), prediction=float(prediction))
        for place, (target, prediction) in enumerate(pairs)
    ]


def test_confusion_counts_true_by_predicted():
    counts = errors.confusion(rows([(0, 0), (0, 2), (0, 2), (1, 1)]), 3)
    assert counts.tolist() == [[1, 0, 2], [0, 1, 0], [0, 0, 0]]


def test_the_matrix_shows_every_count_and_bold_mistakes(study, looks):
    figure = errors.draw(study.predictions, study.schema, looks["he_normal"])
    counts = errors.confusion(study.predictions, 10)
    texts = {(t.get_position()): (t.get_text(), t.get_fontweight()) for t in figure.axes[0].texts}
    for (true, predicted), count in np.ndenumerate(counts):
        if count:
            weight = "bold" if true != predicted else "normal"
            assert texts[predicted, true] == (str(count), weight)
    assert len(texts) == np.count_nonzero(counts)


def test_residuals_are_in_the_unit_of_the_target(looks):
    study = make_study(task="regression", names=["he_normal", "orthogonal"])
    schema = dataclasses.replace(study.schema, target_mean=150.0, target_scale=70.0)
    figure = errors.draw(rows([(1.0, 0.5), (-1.0, -1.5)]), schema, looks["he_normal"])
    line = next(one for one in figure.axes[1].lines if one.get_label() == "residuals")
    assert list(line.get_xdata()) == pytest.approx([185.0, 45.0])
    assert list(line.get_ydata()) == pytest.approx([-35.0, -35.0])


def test_large_targets_have_short_ticks_and_their_own_name(looks):
    study = make_study(task="regression", names=["he_normal", "orthogonal"])
    schema = dataclasses.replace(
        study.schema, target_mean=300_000.0, target_scale=150_000.0, target_name="price"
    )
    pairs = [(value / 10, value / 10 + 0.3) for value in range(-15, 16)]
    figure = errors.draw(rows(pairs), schema, looks["he_normal"])
    style.to_svg(figure, "errors")
    left, right = figure.axes
    assert (left.get_xlabel(), left.get_ylabel()) == ("predicted price", "true price")
    assert right.get_xlabel() == "predicted price"
    for axes in (left, right):
        low, high = axes.get_xlim()
        shown = [
            tick.label1 for tick in axes.xaxis.get_major_ticks() if low <= tick.get_loc() <= high
        ]
        assert "300k" in [label.get_text() for label in shown]
        boxes = [label.get_window_extent(style.renderer(figure)) for label in shown]
        assert all(one.x1 + 5 < other.x0 for one, other in itertools.pairwise(boxes))


def test_many_classes_stay_legible_without_counts(study, looks):
    schema = dataclasses.replace(study.schema, n_outputs=100, class_names=[])
    figure = errors.draw(rows([(99, 99), (3, 50)]), schema, looks["he_normal"])
    assert not figure.axes[0].texts
    assert style.to_png(figure)


def test_without_a_model_it_says_so(study):
    assert "no model" in errors.draw([], study.schema, None).texts[0].get_text()
