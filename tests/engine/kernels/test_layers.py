"""Every layer, forward, backward and in training, against torch in float64."""

import pytest
import torch
from torch import nn

from initsweep.architectures import build_model

SLACK = 2e-6
"""What a few steps may lose; torch itself loses as much. `contracts/test_precision` is strict."""

SIZES = {"one": 1, "odd": 13, "block": 16, "over": 17, "wide": 70, "rows apart": 128}


class Skips(nn.Module):
    """A value read three times, also by an activation."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(6, 9), nn.Linear(9, 9), nn.Linear(9, 5)

    def forward(self, x):
        z = self.first(x)
        return self.head(torch.tanh(z) + (z + self.second(torch.relu(z))))


def test_activations_to_a_few_units_in_the_last_place(build, optimizer):
    """With weight 1 and bias 0 the network is the activation itself."""
    x = torch.cat([torch.linspace(-30, 30, 60001), torch.logspace(-30, -1, 300)])
    x = torch.cat([x, -x, torch.zeros(1)]).unsqueeze(1)
    for activation in (
        nn.ReLU(), nn.LeakyReLU(0.1), nn.Tanh(), nn.Sigmoid(), nn.GELU(), nn.SiLU(), nn.ELU(0.7),
        nn.SELU(), nn.Softplus(),
    ):  # fmt: skip
        model = nn.Sequential(nn.Linear(1, 1), activation)
        trainer = build(model, (1,), optimizer(), loss="mean_squared_error")
        trainer.start({"0.weight": torch.ones(1, 1), "0.bias": torch.zeros(1)})
        found = torch.empty(len(x), 1)
        trainer.predict(x, found)
        exact = activation(x.double())
        # 1 + erf(x) cancels for GELU, in torch too: relative to x there.
        scale = x.double().abs() if isinstance(activation, nn.GELU) else exact.abs()
        error = (found.double() - exact).abs() / scale.clamp(min=1e-6)
        assert float(error.max()) < 4 * 2**-23, activation


@pytest.mark.parametrize(
    "activation",
    [
        "identity",
        "relu",
        "leaky_relu",
        "tanh",
        "sigmoid",
        "gelu",
        "silu",
        "elu",
        "selu",
        "softplus",
    ],
)
def test_activations_in_training(build, errors, optimizer, activation):
    options = {"depth": 3, "width": 17, "activation": activation, "norm": "none", "residual": False}
    model = build_model("mlp", options, n_features=6, n_outputs=5)
    trainer = build(model, (6,), optimizer())
    ours, _ = errors(trainer, model, optimizer(), batch=16, steps=6, rate=0.03, shape=(6,))
    assert ours < SLACK


@pytest.mark.parametrize("width", SIZES.values(), ids=SIZES)
def test_norms_of_rows(build, errors, optimizer, width):
    norms = [nn.LayerNorm(width, bias=False), nn.RMSNorm(width), nn.RMSNorm(width, eps=0.1,
             elementwise_affine=False), nn.GroupNorm(1, width)]  # fmt: skip
    if width == 1:
        norms = norms[1:3]  # the others leave nothing of one feature
    model = nn.Sequential(nn.Linear(6, width), *norms, nn.Tanh(), nn.Linear(width, 5))
    trainer = build(model, (6,), optimizer())
    ours, torchs = errors(trainer, model, optimizer(), batch=16, steps=6, rate=0.03, shape=(6,))
    assert ours < max(SLACK, 2 * torchs)


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("width", SIZES.values(), ids=SIZES)
def test_dense_networks_of_all_sizes(build, errors, optimizer, norm, residual, width):
    if norm == "layer" and width == 1:
        pytest.skip("normalizing one feature leaves nothing")
    options = {
        "depth": 2, "width": width, "activation": "tanh", "norm": norm, "residual": residual,
    }  # fmt: skip
    model = build_model("mlp", options, n_features=6, n_outputs=5)
    trainer = build(model, (6,), optimizer())
    ours, _ = errors(trainer, model, optimizer(), batch=16, steps=6, rate=0.03, shape=(6,))
    assert ours < SLACK


def test_a_value_with_several_readers(build, errors, optimizer):
    model = Skips()
    trainer = build(model, (6,), optimizer())
    ours, _ = errors(trainer, model, optimizer(), batch=16, steps=6, rate=0.03, shape=(6,))
    assert ours < SLACK


def test_squared_error(build, errors, optimizer):
    model = nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 1))
    trainer = build(model, (6,), optimizer(), loss="mean_squared_error")
    ours, _ = errors(
        trainer, model, optimizer(), batch=16, steps=6, rate=0.03, shape=(6,), classes=0
    )
    assert ours < SLACK
