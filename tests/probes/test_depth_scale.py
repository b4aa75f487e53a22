import math

import pytest
import torch

from initsweep.probes.depth_scale import depth_scale
from initsweep.probes.mean_field import pair_expectation


def test_pairs_agree_with_closed_forms():
    """Arc-cosine kernel (Cho and Saul 2009) and E[erf erf] (Williams 1997)."""
    q, c = torch.tensor([1.3, 2.0]).double(), torch.tensor([0.4, 1.99]).double()
    angle = torch.acos(c / q)
    kernel = q / (2 * math.pi) * (torch.sin(angle) + (math.pi - angle) * torch.cos(angle))
    torch.testing.assert_close(pair_expectation(torch.relu, q, c), kernel, rtol=1e-3, atol=0)
    erf = 2 / math.pi * torch.asin(2 * c / (1 + 2 * q))
    torch.testing.assert_close(pair_expectation(torch.erf, q, c), erf, rtol=1e-4, atol=0)


@pytest.mark.parametrize(("variance", "depth"), [(1.0, 22), (1.5, 95), (2.5, 71), (4.0, 42)])
def test_trainable_depths_of_tanh_are_those_of_the_theory(
    chain, snapshot, gaussian_state, variance, depth
):
    """Six depth scales at bias variance 0.05, as in figure 5 of Schoenholz et al. 2017."""
    net = chain([400] * 5, torch.tanh)
    state = gaussian_state(net, weight_variance=variance, bias_variance=0.05)
    scale = depth_scale(snapshot(net, state).layers)
    assert scale.trainable_depth == pytest.approx(depth, rel=0.3)
    assert (scale.chi > 1) == (variance > 1.76)


def test_relu_is_critical_under_he_and_not_under_xavier(chain, snapshot, gaussian_state):
    net = chain([256] * 5, torch.relu)
    he = depth_scale(snapshot(net, gaussian_state(net, weight_variance=2.0)).layers)
    xavier = depth_scale(snapshot(net, gaussian_state(net, weight_variance=1.0)).layers)
    assert he.chi == pytest.approx(1.0, rel=0.02)
    assert he.xi > 40
    assert xavier.chi == pytest.approx(0.5, rel=0.02)
    assert xavier.xi == pytest.approx(1 / math.log(2), rel=0.05)


def test_nothing_is_said_of_networks_that_theory_does_not_cover(chain, snapshot, gaussian_state):
    skip = chain([8] * 5, torch.tanh, skip=True)
    assert depth_scale(snapshot(skip, gaussian_state(skip, weight_variance=1.0)).layers) is None
    shallow = chain([8, 8, 8], torch.tanh)
    assert depth_scale(snapshot(shallow).layers) is None
    net = chain([8] * 5, torch.tanh)
    constant = {name: torch.full_like(p, 0.1) for name, p in net.named_parameters()}
    assert depth_scale(snapshot(net, constant).layers) is None
