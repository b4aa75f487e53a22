import math

import pytest

from initsweep.core.records import CurveRow, TrialRow
from initsweep.views.mlflow import limits
from initsweep.views.mlflow.points import (
    Point,
    curve_points,
    finite_points,
    layer_points,
    response_points,
)
from tests.views.mlflow.synthetic_study import make_study


def trial(rate: float, loss: float, kind: str = "grid", diverged: int = 0) -> TrialRow:
    return TrialRow(
        scheme="he_normal",
        trial=0,
        kind=kind,
        learning_rate=rate,
        mean_loss=loss,
        best_loss=loss,
        worst_loss=loss,
        diverged=diverged,
        seeds=4,
    )


def curve(seed: int, epoch: int, train: float | None, validation: float | None) -> CurveRow:
    return CurveRow(
        scheme="he_normal",
        kind="confirm",
        trial=0,
        learning_rate=0.1,
        seed=seed,
        epoch=epoch,
        train_loss=train,
        validation_loss=validation,
        validation_score=None,
    )


def test_undefined_and_infinite_values_are_left_out():
    values = {"a": 1.0, "b": None, "c": math.inf, "d": math.nan, "e": 2}
    assert finite_points(values) == [Point(key="a", value=1.0), Point(key="e", value=2.0)]


def test_the_diagnosis_has_layers_as_steps_and_no_point_where_theory_is_silent():
    layers = make_study(["constant"]).layers
    points = layer_points(layers[::-1])
    forward = [(p.step, p.value) for p in points if p.key == "diagnosis/forward_std"]
    assert forward == [(0, 1.0), (1, 4.0), (2, 16.0), (3, 64.0)]
    assert not any(point.key == "diagnosis/backward_predicted" for point in points)


@pytest.mark.parametrize(
    ("text", "name"), [("test_accuracy", "test_accuracy"), ("test_r²: mine", "test_r²_mine")]
)
def test_metric_names_hold_nothing_that_mlflow_refuses(text, name):
    assert limits.key(text) == name


def test_the_response_has_hundredths_of_a_decade_as_steps_and_only_shared_rates():
    trials = [trial(1.0, 2.3, "extension", diverged=3), trial(0.012, 0.1, "refinement")]
    trials += [trial(0.0001, 0.5), trial(0.00316227766, 0.2)]
    points = response_points(trials)
    losses = {point.step: point.value for point in points if point.key.endswith("validation_loss")}
    rates = {point.step: point.value for point in points if point.key.endswith("divergence_rate")}
    # Never 0: MLflow would draw bars.
    assert losses == {600: 0.5, 750: 0.2, 1000: 2.3}
    assert rates == {600: 0.0, 750: 0.0, 1000: 0.75}


def test_a_curve_is_the_median_over_runs_and_ends_where_half_of_them_have_diverged():
    rows = [curve(seed, 0, None, 2.0 + seed) for seed in (0, 1, 2, 3)]
    rows += [curve(seed, 1, 1.0, 1.0 + seed) for seed in (0, 1, 2)] + [curve(3, 1, None, None)]
    rows += [curve(seed, 2, 1.0, 1.0) for seed in (0, 1)]
    rows += [curve(seed, 2, None, None) for seed in (2, 3)]
    assert curve_points(rows) == [
        Point(key="curve/train_loss", value=1.0, step=1),
        Point(key="curve/validation_loss", value=3.5, step=0),
        Point(key="curve/validation_loss", value=2.5, step=1),
    ]
