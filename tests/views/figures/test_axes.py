import pytest

from initsweep.views.figures import axes as scales
from initsweep.views.figures import style


@pytest.fixture
def axes():
    with style.styled():
        yield style.new_figure(4, 3).add_subplot()


def test_rate_axis_labels_decades(axes):
    scales.rate_axis(axes, [1e-4, 1e-2, 1.0])
    assert [tick.get_text() for tick in axes.get_xticklabels()] == [
        "1e-4",
        "0.001",
        "0.01",
        "0.1",
        "1",
    ]
    assert axes.get_xscale() == "log"


def test_rate_axis_within_a_decade_still_has_a_label(axes):
    scales.rate_axis(axes, [0.02, 0.05])
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0.02"]


def test_loss_axis_is_logarithmic_only_where_that_helps(axes):
    scales.loss_axis(axes, [0.1, 2.3])
    assert axes.get_yscale() == "log"
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["0.1", "0.2", "0.5", "1", "2"]


@pytest.mark.parametrize("values", [[0.9, 1.0], [0.0, 1.0], [-0.1, 1.0], [1.0, 1.0], [0.0, 0.0]])
def test_loss_axis_is_linear_otherwise_and_holds_all_values(axes, values):
    scales.loss_axis(axes, values)
    low, high = axes.get_ylim()
    assert axes.get_yscale() == "linear"
    assert low < min(values)
    assert high > max(values)


def test_log_ticks_thin_out():
    every_fifth = [1e-30, 1e-25, 1e-20, 1e-15, 1e-10, 1e-5, 1]
    assert scales.log_ticks(1e-30, 1.0) == pytest.approx(every_fifth)
    assert scales.log_ticks(0.1, 1.0) == pytest.approx([0.1, 0.2, 0.5, 1.0])
