import dataclasses

import pytest

from initsweep.views.packet import window
from tests.made_study import changed, make_study


@pytest.fixture(scope="module")
def study():
    return make_study(names=["zeros", "he_normal", "orthogonal"])


def with_(study, optimizer=None, **changes):
    rows = [dataclasses.replace(row, **changes) for row in study.diagnosis]
    section = study.params.optimizer.model_copy(update={"name": optimizer} if optimizer else {})
    params = study.params.model_copy(update={"optimizer": section})
    return changed(study, diagnosis=rows, params=params)


def test_momentum_raises_the_ceiling_and_adam_has_none(study):
    row = study.diagnosis[0]
    momentum = study.params.optimizer.momentum
    assert window.ceiling(study, row) == pytest.approx(row.rate_ceiling * (1 + momentum))
    assert window.ceiling(with_(study, "adam"), row) is None


def test_the_advice_says_whether_the_grid_is_wide_enough(study):
    inside = with_(study, rate_ceiling=0.05, ceiling_reliable=True)
    assert "which the grid covers" in window.advice(inside)
    outside = with_(study, rate_ceiling=20.0, ceiling_reliable=True)
    assert "which needs tune.grid.high 133" in window.advice(outside)


def test_without_a_reliable_ceiling_there_is_no_advice(study):
    assert "no reliable hint" in window.advice(with_(study, ceiling_reliable=False))
    assert "no reliable hint" in window.advice(with_(study, "adam"))
