"""Gains against 30-digit mpmath values and closed forms."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm
from torch import nn
from torch.nn import functional

from initsweep.core.errors import InitsweepError
from initsweep.initializers.laws.gains import backward_gain, forward_gain

# phi, forward gain, backward gain: mpmath at 30 digits.
TABLE = {
    "relu": (functional.relu, 1.41421356237310, 1.41421356237310),
    "leaky_relu_0.2": (nn.LeakyReLU(0.2), 1.38675049056307, 1.38675049056307),
    "tanh": (torch.tanh, 1.59253741972283, 1.46741359),
    "sigmoid": (torch.sigmoid, 1.84622854533861, 4.72264609),
    "gelu": (functional.gelu, 1.53353044119554, 1.48111441),
    "gelu_tanh": (nn.GELU(approximate="tanh"), 1.53358052166615, 1.48116806),
    "silu": (functional.silu, 1.67653247033109, 1.62332026),
    "elu": (functional.elu, 1.24519830070071, 1.22342856),
    "selu": (functional.selu, 1.0, 0.966025777),
    "softplus": (functional.softplus, 1.04186683553530, 1.84622855),
    "mish": (functional.mish, 1.48684758127321, 1.44475523),
    "hardswish": (functional.hardswish, 1.73665721276654, 1.67007637),
    "hardtanh": (functional.hardtanh, 1.39203614044831, 1.21028706),
    "softsign": (functional.softsign, 2.33753336310854, 2.09578061),
    "relu_squared": (lambda z: functional.relu(z) ** 2, 0.816496580927726, 0.707106781),
}


@pytest.mark.parametrize("name", TABLE)
def test_gains_agree_with_the_table(name):
    phi, forward, backward = TABLE[name]
    assert forward_gain(phi) == pytest.approx(forward, rel=1e-13)
    assert backward_gain(phi) == pytest.approx(backward, rel=1e-8)


@pytest.mark.parametrize(
    ("computed", "exact"),
    [
        (forward_gain(lambda z: z), 1.0),
        (backward_gain(lambda z: 3 * z), 1 / 3),
        (forward_gain(functional.leaky_relu), 1.4141428569978354),
        (backward_gain(functional.leaky_relu), 1.4141428569978354),
        (forward_gain(nn.LeakyReLU(10)), 0.14071950894605836),
        (forward_gain(lambda z: functional.relu(z) ** 2), math.sqrt(2 / 3)),
        (forward_gain(torch.sin), 1 / math.sqrt((1 - math.exp(-2)) / 2)),
        (backward_gain(torch.sin), 1 / math.sqrt((1 + math.exp(-2)) / 2)),
        (forward_gain(torch.exp), math.exp(-1)),
        (forward_gain(functional.relu, centred=True), 1 / math.sqrt(0.5 - 0.5 / math.pi)),
        (backward_gain(functional.softplus), forward_gain(torch.sigmoid)),
    ],
)
def test_closed_forms_to_twelve_digits(computed, exact):
    assert computed == pytest.approx(exact, rel=1e-12)


def expect(function, *, kinks=()):
    """E[function(z)] for z ~ N(0, 1), by scipy's adaptive quadrature between the kinks."""
    ends = [-14.0, *kinks, 14.0]
    pieces = [
        quad(lambda z: function(z) * norm.pdf(z), low, high, epsabs=0, epsrel=1e-13, limit=400)[0]
        for low, high in pairwise(ends)
    ]
    return math.fsum(pieces)


@pytest.mark.parametrize(
    ("phi", "slope", "kinks"),
    [
        (torch.tanh, lambda z: 1 / math.cosh(z) ** 2, (0,)),
        (torch.sigmoid, lambda z: expit(z) * expit(-z), (0,)),
        (functional.silu, lambda z: expit(z) * (1 + z * expit(-z)), (0,)),
        (functional.gelu, lambda z: norm.cdf(z) + z * norm.pdf(z), (0,)),
        (functional.elu, lambda z: 1 if z > 0 else math.exp(z), (0,)),
        (functional.softsign, lambda z: 1 / (1 + abs(z)) ** 2, (0,)),
        (functional.hardtanh, lambda z: abs(z) < 1, (-1, 0, 1)),
        (functional.hardswish, lambda z: (abs(z) < 3) * (2 * z + 3) / 6 + (z > 3), (-3, 0, 3)),
        (functional.softplus, expit, (0,)),
    ],
)
def test_backward_gains_agree_with_another_quadrature_to_twelve_digits(phi, slope, kinks):
    expected = 1 / math.sqrt(expect(lambda z: slope(z) ** 2, kinks=kinks))
    assert backward_gain(phi) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("phi", "function"),
    [(torch.sigmoid, expit), (functional.softplus, lambda z: np.logaddexp(0, z))],
)
def test_centred_gains_agree_with_another_quadrature_to_twelve_digits(phi, function):
    mean = expect(function, kinks=(0,))
    expected = 1 / math.sqrt(expect(lambda z: (function(z) - mean) ** 2, kinks=(0,)))
    assert forward_gain(phi, centred=True) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("phi", "centred"), [(torch.sigmoid, 4.80131337), (functional.softplus, 1.91912598)]
)
def test_centred_gains(phi, centred):
    assert forward_gain(phi, centred=True) == pytest.approx(centred, rel=1e-8)


def test_an_in_place_activation_has_the_same_gains():
    assert forward_gain(nn.ReLU(inplace=True)) == forward_gain(functional.relu)
    assert backward_gain(nn.ReLU(inplace=True)) == backward_gain(functional.relu)


def test_gains_work_where_gradients_are_switched_off():
    with torch.no_grad():
        assert backward_gain(torch.tanh) == pytest.approx(1.46741359, rel=1e-8)


@pytest.mark.parametrize(
    ("gain", "phi", "message"),
    [
        (forward_gain, torch.zeros_like, "no signal through"),
        (backward_gain, torch.sign, "no signal through"),
        (forward_gain, torch.sum, "one finite number"),
        (forward_gain, torch.log, "non-finite"),
        (forward_gain, nn.Softmax(-1), r"Softmax\(dim=-1\) is not elementwise: of 9\.343 alone"),
        (backward_gain, nn.LogSoftmax(-1), "not elementwise"),
        (forward_gain, lambda z: z - z.mean() + 1, "not elementwise"),
        (forward_gain, "relu", "such as torch.relu; received 'relu'"),
        (backward_gain, "relu", "such as torch.relu; received 'relu'"),
    ],
)
def test_what_has_no_gain_is_refused(gain, phi, message):
    with pytest.raises(InitsweepError, match=message):
        gain(phi)
