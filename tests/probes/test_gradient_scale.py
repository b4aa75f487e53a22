import math

import pytest
import torch

from initsweep.probes.measures.gradient_scale import backward_std, weight_gradient_norm


def test_backward_std_is_taken_over_batch_and_units_together(layer):
    gradients = torch.tensor([[0.0, 10.0], [2.0, 12.0]], dtype=torch.float64)
    assert backward_std(layer(gradients=gradients)) == pytest.approx(math.sqrt(26))


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200])
def test_weight_gradient_norm_is_the_frobenius_norm(layer, scale):
    gradient = torch.tensor([[3.0, 0.0], [0.0, 4.0], [0.0, 12.0]], dtype=torch.float64) * scale
    assert weight_gradient_norm(layer(weight_gradient=gradient)) == pytest.approx(13.0 * scale)
