import pytest
import torch
from torch.nn import functional

from initsweep.probes.pointwise import derivative, is_pointwise, saturates, steepest_slope

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


def test_a_function_of_all_numbers_at_once_is_not_pointwise_however_few_there_are():
    numbers = torch.randn(20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert is_pointwise(torch.tanh, numbers, numbers.tanh())
    assert not is_pointwise(torch.tanh, numbers, numbers.sigmoid())
    for mixing in (lambda z: z - z.mean(), lambda z: z / z.abs().max(), lambda z: z.cumsum(0)):
        assert not is_pointwise(mixing, numbers, mixing(numbers))
    assert not is_pointwise(lambda z: z.double(), numbers, numbers)


def test_a_step_has_no_slope():
    assert derivative(lambda z: (z > 0).to(z), torch.randn(5)).tolist() == [0.0] * 5
