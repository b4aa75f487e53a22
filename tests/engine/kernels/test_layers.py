"""Every layer, forward, backward and in training, against torch in float64."""

import numpy as np
import pytest
import torch
from torch import nn

from initsweep.architectures import build_model

SLACK = 2e-6
"""What a few steps may lose; torch itself loses as much. `contracts/test_precision` is strict."""

SIZES = {"one": 1, "odd": 13, "block": 16, "over": 17, "wide": 70}


class Skips(nn.Module):
    """A value read three times, also by an activation."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(6, 9), nn.Linear(9, 9), nn.Linear(9, 5)

    def forward(self, x):
        z = self.first(x)
        return self.head(torch.tanh(z) + (z + self.second(torch.relu(z))))


class Images(nn.Module):
    def __init__(self, channels, side, *layers, head):
        super().__init__()
        self.shape = (-1, channels, side, side)
        self.layers, self.head = nn.Sequential(*layers), head

    def forward(self, x):
        return self.head(torch.flatten(self.layers(x.view(self.shape)), 1))


def images(kind):
    return {
        "grey": lambda: Images(
            1, 8, nn.Conv2d(1, 7, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), head=nn.Linear(112, 5)
        ),
        "colour": lambda: Images(
            3, 7, nn.Conv2d(3, 16, 3), nn.MaxPool2d(2), nn.ReLU(), head=nn.Linear(64, 5)
        ),
        "deep": lambda: Images(
            2, 9, nn.Conv2d(2, 20, (3, 5), padding=(1, 2)), nn.Tanh(),
            nn.Conv2d(20, 17, 2, bias=False), nn.GELU(), nn.Conv2d(17, 3, 1),
            head=nn.Linear(192, 5),
        ),
        "norms": lambda: Images(
            1, 8, nn.Conv2d(1, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU(),
            nn.MaxPool2d((2, 4)), head=nn.Linear(48, 5),
        ),
    }[kind]()  # fmt: skip


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


@pytest.mark.parametrize("kind", ["grey", "colour", "deep", "norms"])
@pytest.mark.parametrize("batch", [1, 5, 40])
def test_images(build, errors, optimizer, kind, batch):
    if kind == "norms" and batch == 1:
        pytest.skip("one example has no variance")
    model = images(kind)
    shape = (model.shape[1] * model.shape[2] ** 2,)
    trainer = build(model, shape, optimizer(), batch=batch)
    ours, _ = errors(trainer, model, optimizer(), batch=batch, steps=4, rate=0.01, shape=shape)
    assert ours < SLACK


def test_squared_error(build, errors, optimizer):
    model = nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 1))
    trainer = build(model, (6,), optimizer(), loss="mean_squared_error")
    ours, _ = errors(
        trainer, model, optimizer(), batch=16, steps=6, rate=0.03, shape=(6,), classes=0
    )
    assert ours < SLACK


@pytest.mark.parametrize("value", [1.0, 0.0, -2.0])
def test_a_tie_in_a_pool_goes_to_the_first_as_in_torch(build, optimizer, value):
    model = Images(1, 4, nn.Conv2d(1, 2, 1), nn.MaxPool2d(2), head=nn.Linear(8, 3))
    trainer = build(model, (16,), optimizer(momentum=0.0), batch=2)
    features = torch.full((2, 16), value)
    # The gradient of the bias does not tell where it came from; that of the weight does.
    features[:, ::2] += 1e-8
    targets = torch.tensor([0, 2])
    trainer.train(features, targets, torch.arange(2), np.ones(1), np.inf)
    loss = nn.functional.cross_entropy(model(features), targets)
    loss.backward()
    after = trainer.state(dict(model.named_parameters()), batches=1)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter - after[name], parameter.grad, rtol=1e-4, atol=1e-6)
