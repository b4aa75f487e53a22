import math

import pytest
import torch
from torch import nn
from torch.autograd.functional import hessian
from torch.func import functional_call
from torch.nn import functional

from initsweep.probes.sharpness import rate_ceiling, sharpness


def test_the_largest_eigenvalue_is_that_of_the_whole_hessian():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))
    features, targets = torch.randn(20, 4), torch.randint(3, (20,))
    parameters = dict(net.named_parameters())
    sizes = [p.numel() for p in parameters.values()]

    def loss(flat):
        pieces = [v.view_as(p) for v, p in zip(flat.split(sizes), parameters.values(), strict=True)]
        state = dict(zip(parameters, pieces, strict=True))
        return functional.cross_entropy(functional_call(net, state, (features,)), targets)

    flat = torch.cat([p.detach().flatten() for p in parameters.values()])
    expected = float(torch.linalg.eigvalsh(hessian(loss, flat))[-1])
    found = sharpness(net, parameters, features, targets, functional.cross_entropy)
    assert found == pytest.approx(expected, rel=0.02)


def test_a_linear_regression_has_the_curvature_of_its_inputs():
    features = torch.tensor([[1.0, 0.0], [0.0, 3.0]]).repeat(10, 1)
    net = nn.Linear(2, 1, bias=False)
    parameters = dict(net.named_parameters())

    def loss(outputs, targets):
        return ((outputs[:, 0] - targets) ** 2).mean()

    found = sharpness(net, parameters, features, torch.zeros(20), loss)
    assert found == pytest.approx(9.0, rel=1e-4)  # 2 x mean square of the second input


def test_an_overflow_has_no_number_and_the_model_is_left_as_it_was():
    net = nn.Sequential(nn.Linear(3, 8), nn.Dropout(), nn.BatchNorm1d(8), nn.Linear(8, 2)).eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    parameters = {name: p.detach() * 1e30 for name, p in net.named_parameters()}
    features, targets = torch.randn(9, 3), torch.randint(2, (9,))

    def cubic(outputs, targets):
        return (outputs**3).mean()

    assert sharpness(net, parameters, features, targets, cubic) is None
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert not any(module.training for module in net.modules())


def test_the_ceiling_grows_with_momentum():
    assert rate_ceiling(4.0) == 0.5
    assert rate_ceiling(4.0, momentum=0.9) == pytest.approx(0.95)
    assert rate_ceiling(0.0) == math.inf
