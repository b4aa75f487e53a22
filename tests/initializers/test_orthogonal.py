"""Orthogonality, the gain, and the uniform law on orthogonal matrices."""

import pytest
import torch
from torch import nn

from initsweep.core.randomness import torch_stream
from initsweep.initializers import make_initializer
from initsweep.initializers.apply import initial_state, layers_of


@pytest.mark.parametrize(("rows", "columns"), [(40, 40), (25, 60), (60, 25), (1, 7), (7, 1)])
@pytest.mark.parametrize("gain", [1.0, 0.5, 2])
def test_the_shorter_side_is_orthonormal_times_gain(rows, columns, gain):
    layer = nn.Linear(columns, rows)
    state = initial_state(layer, make_initializer("orthogonal", {"gain": gain}), 0)
    weight = state["weight"].double()
    gram = weight @ weight.T if rows <= columns else weight.T @ weight
    expected = gain**2 * torch.eye(min(rows, columns), dtype=torch.float64)
    torch.testing.assert_close(gram, expected, rtol=0, atol=3e-6)


@pytest.mark.parametrize(
    ("activation", "gain"),
    [(nn.ReLU(), 2**0.5), (nn.Tanh(), 1.59253741972283), (nn.SELU(), 1.0), (None, 1.0)],
)
def test_automatic_gain_follows_the_activation(activation, gain):
    network = nn.Sequential(nn.Linear(30, 50), *([activation] if activation else []))
    orthogonal = make_initializer("orthogonal", {"gain": "auto"})
    weight = initial_state(network, orthogonal, 0)["0.weight"].double()
    assert float(weight.square().mean()) == pytest.approx(gain**2 / 50, rel=1e-6)
    assert orthogonal.weight_std(layers_of(network)[0]) == pytest.approx(gain / 50**0.5, rel=1e-12)


def test_a_convolution_is_orthogonal_as_a_matrix():
    layer = nn.Conv2d(4, 10, 3)
    weight = initial_state(layer, make_initializer("orthogonal", {"gain": 1.0}), 0)["weight"]
    matrix = weight.reshape(10, 36).double()
    torch.testing.assert_close(
        matrix @ matrix.T, torch.eye(10, dtype=torch.float64), rtol=0, atol=1e-6
    )


def test_signs_are_corrected_so_that_the_law_is_uniform():
    # Under the Haar law E[Q_00] = 0 and E[trace²] = 1; without the correction Q_00 has one sign.
    orthogonal = make_initializer("orthogonal", {"gain": 1.0})
    layer = layers_of(nn.Linear(3, 3))[0]
    draws = torch.stack([orthogonal.weight(layer, torch_stream("haar", i)) for i in range(2000)])
    assert float(draws[:, 0, 0].mean()) == pytest.approx(0, abs=5 * (1 / 3 / 2000) ** 0.5)
    traces = torch.einsum("nii->n", draws)
    assert float(traces.square().mean()) == pytest.approx(1, abs=0.2)
    assert abs(float((torch.linalg.det(draws.double()) > 0).double().mean()) - 0.5) < 0.06
