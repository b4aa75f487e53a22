import statistics

import pytest

from initsweep.core.records import CurveRow
from initsweep.views.figures import learning_curves


def row(seed: int, epoch: int, loss: float | None) -> CurveRow:
    return CurveRow(
        scheme="a", kind="confirm", trial=0, learning_rate=0.1, seed=seed, epoch=epoch,
        train_loss=None, validation_loss=loss, validation_score=None,
    )  # fmt: skip


def test_a_diverged_run_and_a_huge_loss_count_at_the_cap():
    rows = [row(0, 0, 400.0), row(0, 1, 0.5), row(1, 0, 2.0), row(1, 1, None), row(2, 0, 1.0)]
    curve = learning_curves.curve_of(rows, cap=2.3, last_epoch=1)
    assert curve.epochs == [0, 1]
    assert curve.low == [1.0, 0.5]
    assert curve.median == [2.0, 2.3]
    assert curve.high == [2.3, 2.3]


def test_no_rows_give_an_empty_curve():
    assert learning_curves.curve_of([], cap=1.0, last_epoch=3).epochs == []


def test_panels_show_the_median_of_the_table(study, looks, losses, line_of):
    figure = learning_curves.draw(study.curves, study.schemes, looks, **losses)
    assert [axes.get_label() for axes in figure.axes] == [one.scheme for one in study.schemes]
    cap = study.verdict.constant_loss
    for axes in figure.axes:
        rows = [one for one in study.curves if one.scheme == axes.get_label()]
        line = line_of(axes, "median")
        for epoch, median in zip(line.get_xdata(), line.get_ydata(), strict=True):
            found = [one.validation_loss for one in rows if one.epoch == epoch]
            capped = [cap if loss is None else min(loss, cap) for loss in found]
            assert median == pytest.approx(statistics.median(capped), rel=1e-12)
