"""Identity, Dirac, delta-orthogonal, ZerO, sinusoidal and sparse weights, entry by entry."""

import math

import numpy as np
import pytest
import torch
from scipy.linalg import hadamard as scipy_hadamard
from torch import nn

from initsweep.core.randomness import torch_stream
from initsweep.initializers import initial_state, initialize_, layers_of, make_initializer

IMAGES = torch.randn(4, 8, 9, 9, generator=torch_stream("images"))


def weight(module, name, options=None, seed=0):
    return initial_state(module, make_initializer(name, options or {}), seed)["weight"]


def filled(module, name, options=None):
    return initialize_(module, make_initializer(name, options or {}), 0)


@pytest.mark.parametrize(
    "module",
    [nn.Conv2d(8, 8, 3, padding=1), nn.ConvTranspose2d(8, 8, 3, padding=1),
     nn.Conv2d(8, 8, 5, padding=2, groups=4), nn.Conv2d(8, 8, 3, padding=2, dilation=2)],
    ids=str,
)  # fmt: skip
def test_dirac_passes_images_on_unchanged(module):
    assert torch.equal(filled(module, "dirac")(IMAGES), IMAGES)
    torch.testing.assert_close(filled(module, "dirac", {"gain": 0.5})(IMAGES), IMAGES / 2)


@pytest.mark.parametrize(("to", "groups"), [(4, 1), (16, 1), (16, 4), (4, 2)])
def test_dirac_is_torch_s_for_odd_kernels(to, groups):
    ours = weight(nn.Conv2d(8, to, 3, groups=groups), "dirac")
    assert torch.equal(ours, nn.init.dirac_(torch.empty(to, 8 // groups, 3, 3), groups))


def test_identity_of_linear_and_recurrent_layers():
    assert torch.equal(weight(nn.Linear(3, 5), "identity"), torch.eye(5, 3))
    state = initial_state(nn.RNN(4, 4), make_initializer("identity", {}), 0)
    assert torch.equal(state["weight_hh_l0"], torch.eye(4))
    assert not state["bias_hh_l0"].any()


@pytest.mark.parametrize(
    "module",
    [nn.Conv2d(8, 12, 3, padding=1), nn.Conv1d(8, 8, 5, padding=2),
     nn.Conv2d(8, 16, 3, padding=1, groups=2), nn.ConvTranspose2d(8, 12, 3, padding=1),
     nn.Linear(8, 8)],
    ids=str,
)  # fmt: skip
def test_delta_orthogonal_keeps_every_length(module):
    filled(module, "delta_orthogonal", {"gain": 3.0})
    inputs = IMAGES.flatten(2) if isinstance(module, nn.Conv1d) else IMAGES
    inputs = IMAGES[:, :, 0, 0] if isinstance(module, nn.Linear) else inputs
    with torch.no_grad():
        before, after = inputs.norm(dim=1), module(inputs).norm(dim=1)
    torch.testing.assert_close(after, 3 * before, rtol=1e-5, atol=1e-5)


def test_delta_orthogonal_is_random_and_zero_off_the_centre():
    kernel = weight(nn.Conv2d(8, 8, 3), "delta_orthogonal")
    assert not torch.equal(kernel, weight(nn.Conv2d(8, 8, 3), "delta_orthogonal", seed=1))
    centre = kernel[:, :, 1, 1].double()
    kernel[:, :, 1, 1] = 0
    assert not kernel.any()
    torch.testing.assert_close(
        centre @ centre.T, torch.eye(8, dtype=torch.float64), rtol=0, atol=1e-6
    )


def test_delta_orthogonal_takes_the_gain_of_the_activation():
    network = nn.Sequential(nn.Conv2d(4, 4, 3), nn.Tanh())
    kernel = initial_state(network, make_initializer("delta_orthogonal", {}), 0)["0.weight"]
    assert float(kernel.double().square().sum()) == pytest.approx(4 * 1.59253741972283**2, rel=1e-6)


@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (3, 8), (8, 3), (12, 5), (33, 32), (2, 1)])
def test_zero_hadamard_is_the_paper_s_algorithm(rows, columns):
    expected = np.eye(rows, columns)
    if rows > columns:
        order = math.ceil(math.log2(rows))
        padded = np.eye(rows, 2**order) @ scipy_hadamard(2**order) @ np.eye(2**order, columns)
        expected = padded / 2 ** (order / 2)
    ours = weight(nn.Linear(columns, rows), "zero_hadamard")
    assert torch.equal(ours, torch.from_numpy(expected).float())
    kernel = weight(nn.Conv2d(columns, rows, 3), "zero_hadamard")
    assert torch.equal(kernel[:, :, 1, 1], ours)
    assert kernel.count_nonzero() == ours.count_nonzero()


@pytest.mark.parametrize(
    "module", [nn.Linear(7, 5), nn.Conv2d(3, 10, 3), nn.Conv1d(8, 6, 3, groups=2)]
)
@pytest.mark.parametrize(
    ("scale", "power"), [("glorot", lambda i, o: 2 / (i + o)), ("he", lambda i, o: 2 / i)]
)
def test_sinusoidal_is_the_paper_s_formula(module, scale, power):
    ours = weight(module, "sinusoidal", {"scale": scale}).double().flatten(1)
    m, n = ours.shape
    waves = torch.tensor(
        [
            [math.sin(2 * math.pi * i * j / n + 2 * math.pi * i / m) for j in range(n)]
            for i in range(1, m + 1)
        ]
    ).double()
    (layer,) = layers_of(module)
    amplitude = math.sqrt(power(layer.fan_in, layer.fan_out) / float(waves.square().mean()))
    torch.testing.assert_close(ours, amplitude * waves, rtol=0, atol=1e-6 * amplitude)
    assert float(ours.square().mean()) == pytest.approx(
        power(layer.fan_in, layer.fan_out), rel=1e-6
    )


@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.97])
@pytest.mark.parametrize(
    "module", [nn.Linear(100, 400), nn.Conv2d(12, 300, 3, groups=3), nn.ConvTranspose1d(40, 50, 4)]
)
def test_every_unit_keeps_the_same_number_of_weights(module, sparsity):
    (layer,) = layers_of(module)
    ours = make_initializer("sparse", {"sparsity": sparsity}).weight(layer, torch_stream("s"))
    by_unit = ours.transpose(0, 1) if layer.kind == "transposed" else ours
    incoming = math.prod(layer.block_shape[2:])
    kept = incoming - math.floor(sparsity * incoming)
    assert set(by_unit.flatten(1).count_nonzero(dim=1).tolist()) == {kept}
    # Which ones are kept differs between units, and no input is left out in a wide layer.
    assert kept == incoming or len(by_unit.flatten(1).bool().unique(dim=0)) > 40


def test_the_mask_comes_from_the_generator_and_nothing_else():
    masks = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        masks.append(weight(nn.Linear(50, 50), "sparse", {"sparsity": 0.8}).bool())
    assert torch.equal(*masks)
    assert not torch.equal(
        masks[0], weight(nn.Linear(50, 50), "sparse", {"sparsity": 0.8}, 1).bool()
    )


def test_sparse_keeps_the_signal_or_takes_a_std_of_its_own():
    inputs = torch.randn(2000, 500, generator=torch_stream("inputs"))
    dense = weight(nn.Linear(500, 800), "sparse", {"sparsity": 0.97, "gain": 1.0})
    assert float((inputs @ dense.T).var()) == pytest.approx(1, rel=0.03)
    fixed = weight(nn.Linear(500, 800), "sparse", {"sparsity": 0.97, "std": 0.01})
    assert float(fixed[fixed != 0].std()) == pytest.approx(0.01, rel=0.03)
