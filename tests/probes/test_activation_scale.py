import math

import pytest
import torch

from initsweep.probes.deviation import root_mean_square, standard_deviation
from initsweep.probes.measures.activation_scale import forward_std


@pytest.mark.parametrize("scale", [1.0, 1e-300, 1e300])
def test_scales_are_exact_even_where_squares_are_not_representable(scale):
    values = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64) * scale
    assert standard_deviation(values) == pytest.approx(math.sqrt(1.25) * scale, rel=1e-14)
    assert root_mean_square(values) == pytest.approx(math.sqrt(7.5) * scale, rel=1e-14)


def test_scale_of_nothing_is_zero():
    assert standard_deviation(torch.zeros(3)) == 0.0
    assert root_mean_square(torch.zeros(3)) == 0.0


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_scale_of_an_overflow_is_infinite(bad):
    assert standard_deviation(torch.tensor([1.0, bad])) == math.inf
    assert root_mean_square(torch.tensor([1.0, bad])) == math.inf


def test_forward_std_is_taken_over_batch_and_units_together(layer):
    signal = torch.tensor([[0.0, 10.0], [2.0, 12.0]], dtype=torch.float64)
    assert forward_std(layer(pre_activations=signal)) == pytest.approx(math.sqrt(26))


def test_orthogonal_weights_carry_the_signal_unchanged_through_a_deep_linear_net(chain, snapshot):
    net = chain([32] * 41, lambda z: z)
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, parameter in net.named_parameters():
        square = torch.randn(32, 32, generator=generator, dtype=torch.float64)
        state[name] = torch.linalg.qr(square).Q if parameter.dim() > 1 else torch.zeros(32)
    layers = snapshot(net, state).layers
    expected = root_mean_square(layers[0].inputs)
    for each in layers:
        assert root_mean_square(each.pre_activations) == pytest.approx(expected, rel=1e-12)
    gradients = [root_mean_square(each.gradients) for each in layers]
    assert gradients == pytest.approx([gradients[-1]] * 40, rel=1e-12)


def test_he_variance_keeps_the_second_moment_through_relu(chain, snapshot, gaussian_state):
    net = chain([512] * 7, torch.relu)
    layers = snapshot(net, gaussian_state(net, weight_variance=2.0)).layers
    start = root_mean_square(layers[0].inputs)
    scales = [root_mean_square(each.pre_activations) / start for each in layers]
    assert scales == pytest.approx([math.sqrt(2)] * 6, rel=0.1)
