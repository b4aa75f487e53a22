import pytest
import torch
from torch.nn import functional

from initsweep.probes.pointwise import derivative, saturates, steepest_slope

POINTS = torch.linspace(-3, 3, 12, dtype=torch.float64)


def test_derivative_of_tanh():
    torch.testing.assert_close(derivative(torch.tanh, POINTS), 1 - torch.tanh(POINTS) ** 2)


def test_no_activation_has_slope_one():
    assert torch.equal(derivative(None, POINTS), torch.ones_like(POINTS))


def test_an_in_place_activation_leaves_the_points_alone():
    before = POINTS.clone()
    slopes = derivative(torch.nn.ReLU(inplace=True), POINTS)
    assert torch.equal(slopes, (before > 0).double())
    assert torch.equal(before, POINTS)


def test_derivative_works_without_gradients_switched_on():
    with torch.no_grad():
        assert derivative(torch.sigmoid, torch.zeros(1)).item() == pytest.approx(0.25)


@pytest.mark.parametrize("function", [torch.tanh, torch.sigmoid, functional.softsign, torch.atan])
def test_functions_that_level_off_on_both_sides(function):
    assert saturates(function)


@pytest.mark.parametrize(
    "function",
    [torch.relu, functional.gelu, functional.elu, functional.softplus, torch.sin, lambda z: z],
)
def test_functions_that_do_not(function):
    assert not saturates(function)


@pytest.mark.parametrize(("function", "slope"), [(torch.tanh, 1.0), (torch.sigmoid, 0.25)])
def test_steepest_slope(function, slope):
    assert steepest_slope(function) == pytest.approx(slope)
