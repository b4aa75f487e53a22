import pytest
import torch

from initsweep.probes.measures.symmetry import distinct_after_step, distinct_rows, distinct_units


@pytest.mark.parametrize("scale", [1.0, 1e-20, 1e20])
def test_distinct_rows_counts_up_to_one_millionth_of_the_largest_entry(scale):
    rows = torch.tensor([[1.0, 2.0], [1.0, 2.0 + 1e-8], [1.0, 2.0 + 1e-4], [2.0, 1.0]])
    assert distinct_rows(rows.double() * scale) == 3 / 4


def test_all_zero_rows_are_one_row():
    assert distinct_rows(torch.zeros(8, 3)) == 1 / 8


def test_a_bias_tells_units_apart(layer):
    weight = torch.ones(3, 2, dtype=torch.float64)
    assert distinct_units(layer(weight=weight)) == 1 / 3
    assert (
        distinct_units(layer(weight=weight, bias=torch.tensor([0.0, 0.0, 1.0]).double())) == 2 / 3
    )


def test_kernels_of_a_convolution_are_rows(layer):
    weight = torch.zeros(4, 2, 3, 3, dtype=torch.float64)
    weight[2, 1, 0, 0] = 1.0
    assert distinct_units(layer(weight=weight)) == 2 / 4


@pytest.mark.parametrize("value", [0.0, 0.1])
def test_equal_weights_everywhere_are_still_equal_after_a_step(chain, snapshot, value):
    net = chain([3, 16, 16, 1], torch.tanh)
    state = {name: torch.full_like(p, value) for name, p in net.named_parameters()}
    for each in snapshot(net, state).layers[:-1]:
        assert distinct_units(each) == distinct_after_step(each) == 1 / 16


def test_units_that_start_equal_below_a_random_layer_are_told_apart_by_the_first_step(
    chain, snapshot
):
    net = chain([3, 16, 1], torch.tanh)
    state = dict(net.named_parameters()) | {"layers.0.weight": torch.full((16, 3), 0.1)}
    state["layers.0.bias"] = torch.zeros(16)
    hidden = snapshot(net, state).layers[0]
    assert distinct_units(hidden) == 1 / 16
    assert distinct_after_step(hidden) == 1.0


def test_an_overflowed_gradient_does_not_count(layer):
    weight = torch.ones(3, 2, dtype=torch.float64)
    gradient = torch.tensor([[1.0, torch.nan]] * 3, dtype=torch.float64)
    assert distinct_after_step(layer(weight=weight, weight_gradient=gradient)) == 1 / 3
