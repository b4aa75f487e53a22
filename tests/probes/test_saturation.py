import pytest
import torch

from initsweep.probes.measures.saturation import saturated

# tanh'(z) = 0.05 at artanh(sqrt(0.95)) = 2.17; sigmoid'(z) = 0.0125 at z = 4.36.
TANH_EDGE, SIGMOID_EDGE = 2.1789, 4.3565


@pytest.mark.parametrize(
    ("function", "edge"), [(torch.tanh, TANH_EDGE), (torch.sigmoid, SIGMOID_EDGE)]
)
def test_the_flat_part_begins_where_the_slope_falls_to_five_percent(layer, function, edge):
    z = torch.tensor([[-edge - 0.01, -edge + 0.01, 0.0], [edge - 0.01, edge + 0.01, 9.0]])
    assert saturated(layer(pre_activations=z.double(), activation=function)) == 3 / 6


def test_only_functions_with_two_flat_sides_saturate(layer):
    z = torch.full((4, 3), -50.0, dtype=torch.float64)
    assert saturated(layer(pre_activations=z, activation=torch.tanh)) == 1.0
    assert saturated(layer(pre_activations=z, activation=torch.relu)) == 0.0
    assert saturated(layer(pre_activations=z, activation=None)) == 0.0
