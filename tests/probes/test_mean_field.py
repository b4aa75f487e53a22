import math

import pytest
import torch
from scipy.integrate import quad
from scipy.optimize import brentq
from torch import nn

from initsweep.probes.deviation import root_mean_square
from initsweep.probes.mean_field import chi, gaussian_mean, next_variance, predict
from initsweep.probes.pointwise import derivative

VARIANCES = torch.tensor([1e-6, 0.01, 1.0, 100.0, 1e6], dtype=torch.float64)


def density(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def integrate(function, width: float) -> float:
    """E[f(z)²] by adaptive quadrature; `width` is the scale on which f changes around 0."""
    points = sorted({x for w in (width, 10 * width, 1.0) for x in (-w, w) if w < 12})
    value, _ = quad(
        lambda z: function(z) ** 2 * density(z), -12, 12, points=points, limit=500, epsabs=0,
        epsrel=1e-10,
    )  # fmt: skip
    return value


def test_expectations_known_in_closed_form():
    torch.testing.assert_close(gaussian_mean(lambda z: z, VARIANCES), VARIANCES, rtol=1e-10, atol=0)
    torch.testing.assert_close(
        gaussian_mean(torch.relu, VARIANCES), VARIANCES / 2, rtol=1e-10, atol=0
    )
    slope = gaussian_mean(lambda z: derivative(torch.relu, z), VARIANCES)
    torch.testing.assert_close(slope, torch.full_like(VARIANCES, 0.5), rtol=1e-10, atol=0)
    # E[sin²] and E[erf²] (Williams 1997, with inputs of variance q).
    waves = torch.tensor([0.5, 2.0], dtype=torch.float64)
    torch.testing.assert_close(gaussian_mean(torch.sin, waves), (1 - torch.exp(-2 * waves)) / 2)
    erf = 2 / math.pi * torch.asin(2 * VARIANCES / (1 + 2 * VARIANCES))
    torch.testing.assert_close(gaussian_mean(torch.erf, VARIANCES), erf, rtol=1e-8, atol=0)


@pytest.mark.parametrize("variance", [0.01, 1.0, 100.0, 1e4])
def test_tanh_expectations_agree_with_adaptive_quadrature(variance):
    q, root = torch.tensor([variance], dtype=torch.float64), math.sqrt(variance)
    expected = integrate(lambda z: math.tanh(root * z), 1 / root)
    assert gaussian_mean(torch.tanh, q).item() == pytest.approx(expected, rel=1e-8)
    expected = 1.7 * integrate(lambda z: 1 - math.tanh(root * z) ** 2, 1 / root)
    assert chi(q, torch.tanh, 1.7).item() == pytest.approx(expected, rel=1e-8)


def fixed_point(weight_variance: float, bias_variance: float) -> torch.Tensor:
    q = torch.ones(1, dtype=torch.float64)
    for _ in range(500):
        q = next_variance(q, torch.tanh, weight_variance, bias_variance)
    return q


def test_tanh_with_bias_variance_005_is_critical_at_weight_variance_176():
    """Schoenholz et al. 2017: order meets chaos where chi is 1 at the fixed point.

    They give 1.76; five digits from SciPy's adaptive quadrature in place of ours.
    """

    def excess(weight_variance: float) -> float:
        return chi(fixed_point(weight_variance, 0.05), torch.tanh, weight_variance).item() - 1

    assert brentq(excess, 1.2, 2.5, xtol=1e-9) == pytest.approx(1.7609546, abs=1e-6)


def test_relu_keeps_variance_and_gradient_at_the_he_variance():
    torch.testing.assert_close(next_variance(VARIANCES, torch.relu, 2.0, 0.0), VARIANCES)
    torch.testing.assert_close(chi(VARIANCES, torch.relu, 2.0), torch.ones_like(VARIANCES))


def test_the_identity_multiplies_by_the_weight_variance_and_adds_the_bias_variance():
    torch.testing.assert_close(next_variance(VARIANCES, None, 3.0, 0.5), 3 * VARIANCES + 0.5)
    torch.testing.assert_close(chi(VARIANCES, None, 3.0), torch.full_like(VARIANCES, 3.0))


@pytest.mark.parametrize(
    ("activation", "weight_variance", "bias_variance"),
    [
        (torch.relu, 2.0, 0.0),
        (torch.tanh, 1.0, 0.0),
        (torch.tanh, 3.0, 0.05),
        (torch.relu, 0.3, 0.1),
    ],
)
def test_prediction_agrees_with_a_wide_net(
    chain, snapshot, gaussian_state, activation, weight_variance, bias_variance
):
    net = chain([40, *[512] * 5, 64], activation)
    # Theory takes output gradients as independent of the weights; with this loss they are.
    slopes = torch.randn(64, 64, generator=torch.Generator().manual_seed(1)).double()
    measured, predicted = [], []
    for seed in range(4):
        state = gaussian_state(
            net, weight_variance=weight_variance, bias_variance=bias_variance, seed=seed
        )
        layers = snapshot(net, state, batch=64, loss=lambda out, _: (out * slopes).sum()).layers
        # Without the head: 64 outputs are too few to average over.
        measured.append(
            [
                (each.pre_activations.square().mean(), each.gradients.square().mean())
                for each in layers[:-1]
            ]
        )
        predicted.append(
            [(each.forward_std**2, each.backward_std**2) for each in predict(layers)[:-1]]
        )
    ratio = torch.tensor(measured).mean(dim=0) / torch.tensor(predicted).mean(dim=0)
    torch.testing.assert_close(ratio.sqrt(), torch.ones(5, 2).double(), rtol=0.03, atol=0)


def test_the_gradient_grows_with_fan_out_where_widths_differ(chain, snapshot, gaussian_state):
    net = chain([64, 200, 800, 200], lambda z: z)
    layers = snapshot(net, gaussian_state(net, weight_variance=1.0)).layers
    low, middle, high = predict(layers)
    # weight variance 1/fan_in: the squared gradient is multiplied by fan_out / fan_in.
    assert (middle.backward_std / high.backward_std) ** 2 == pytest.approx(200 / 800, rel=0.02)
    assert (low.backward_std / middle.backward_std) ** 2 == pytest.approx(800 / 200, rel=0.02)
    assert high.backward_std == pytest.approx(root_mean_square(layers[-1].gradients))


def test_no_prediction_where_the_theory_does_not_apply(chain, snapshot, gaussian_state):
    plain, skips = chain([8] * 5, torch.tanh), chain([8] * 5, torch.tanh, skip=True)
    state = gaussian_state(plain, weight_variance=1.0)
    assert predict(snapshot(plain, state).layers) is not None
    assert predict(snapshot(skips, state).layers) is None
    constant = {name: torch.full_like(value, 0.1) for name, value in state.items()}
    assert predict(snapshot(plain, constant).layers) is None
    zeros = {name: torch.zeros_like(value) for name, value in state.items()}
    assert predict(snapshot(plain, zeros).layers) is None
    shifted = state | {"layers.1.bias": torch.full((8,), 0.1)}
    assert predict(snapshot(plain, shifted).layers) is None
    norm = nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.Tanh(), nn.Linear(8, 1))
    assert predict(snapshot(norm).layers) is None
    assert predict(()) is None


def test_no_prediction_where_the_activation_is_not_known(chain, snapshot, gaussian_state):
    net = chain([8] * 4, lambda z: z.tanh().cumsum(dim=-1))
    net.activation_after = {}
    assert predict(snapshot(net, gaussian_state(net, weight_variance=1.0)).layers) is None
