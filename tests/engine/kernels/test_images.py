"""Layers on images, forward, backward and in training, against torch in float64."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - as everybody calls it

from tests.engine.kernels.test_layers import SLACK


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


Conv = partial(nn.Conv2d, 6, 12)
LAYERS = {
    "stride": [Conv(3, stride=2, padding=1)],
    "stride beyond the kernel": [Conv(2, stride=(3, 4))],
    "padding beyond the kernel": [Conv(2, padding=(2, 3), bias=False)],
    "same": [Conv(3, padding="same", dilation=(2, 3))],
    "dilation": [Conv(3, padding=2, dilation=(2, 1))],
    "dilation and stride": [Conv(3, stride=(2, 4), padding=3, dilation=(3, 2))],
    "point": [Conv(1)],
    "point and stride": [Conv(1, stride=2)],
    "groups": [Conv(3, groups=3)],
    "groups and stride": [Conv(3, stride=2, padding=1, groups=2, dilation=2)],
    "groups of blocks": [nn.Conv2d(6, 36, 1), nn.Conv2d(36, 72, 2, groups=9, stride=2)],
    "depthwise": [nn.Conv2d(6, 6, 3, padding=1, groups=6)],
    "depthwise, stride": [nn.Conv2d(6, 6, 3, stride=2, groups=6), nn.Conv2d(6, 9, 1)],
    "depthwise, dilation": [nn.Conv2d(6, 6, 2, stride=2, dilation=(2, 3), groups=6, bias=False)],
    "depthwise, twice the channels": [Conv(3, padding=1, groups=6)],
    "maxima, overlapping": [Conv(1), nn.MaxPool2d(3, 2, 1)],
    "maxima, to the edge": [Conv(1), nn.MaxPool2d(3, 2, ceil_mode=True)],
    "maxima of parts": [Conv(1), nn.AdaptiveMaxPool2d((3, 2))],
    "means": [Conv(1), nn.AvgPool2d(2)],
    "means with padding": [Conv(1), nn.AvgPool2d(3, 2, 1, ceil_mode=True)],
    "means without padding": [Conv(1), nn.AvgPool2d(3, 2, 1, count_include_pad=False)],
    "means of parts": [Conv(1), nn.AdaptiveAvgPool2d((3, 4))],
    "mean": [Conv(1), nn.AdaptiveAvgPool2d(1)],
    "groups normalized": [Conv(1), nn.GroupNorm(3, 12), nn.Tanh(), nn.GroupNorm(1, 12)],
    "instances normalized": [Conv(1), nn.InstanceNorm2d(12), nn.InstanceNorm2d(12, affine=True)],
    "a norm first": [nn.GroupNorm(2, 6, affine=False), nn.Sigmoid(), Conv(2)],
}


@pytest.mark.parametrize("batch", [1, 21])
@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS)
def test_layers_of_images(build, errors, optimizer, layers, batch):
    layers = nn.Sequential(*layers)
    size = layers(torch.zeros(1, 6, 9, 9)).numel()
    # A convolution before them, so that the gradient of their input counts.
    model = Images(2, 9, nn.Conv2d(2, 6, 1), layers, nn.Sigmoid(), head=nn.Linear(size, 5))
    trainer = build(model, (162,), optimizer(), batch=batch)
    ours, torchs = errors(
        trainer, model, optimizer(), batch=batch, steps=4, rate=0.01, shape=(162,)
    )
    assert ours < max(SLACK, 2 * torchs)


class Own(nn.Module):
    """Calls functions, reads shapes, and gives one image to two layers."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 4, 3, stride=2), nn.Conv2d(1, 4, 3, 2)
        self.norm, self.head = nn.GroupNorm(2, 4), nn.Linear(4, 5)

    def forward(self, x):
        x = x.view(x.size(0), 1, 7, 7)
        one = F.conv2d(x, self.first.weight, self.first.bias, 2)
        other = F.instance_norm(self.second(x))
        signal = F.group_norm(one + other, 2, self.norm.weight, self.norm.bias, eps=1e-3)
        signal = F.max_pool2d(signal, 2, stride=1) + F.avg_pool2d(signal, 2, stride=1)
        pooled = F.avg_pool2d(signal, signal.shape[2:]).squeeze((2, 3))
        return F.linear(pooled + signal.mean((2, 3)), self.head.weight, self.head.bias)


MODELS = {
    "functions": lambda: Own(),
    "an image of what was learned": lambda: nn.Sequential(
        nn.Linear(49, 27), nn.Unflatten(1, (3, 3, 3)), nn.Conv2d(3, 5, 2), nn.Flatten(),
        nn.Linear(20, 5),
    ),
    "one pixel, as wide as rows that lie apart": lambda: nn.Sequential(
        nn.Linear(49, 128), nn.ReLU(), nn.Unflatten(1, (128, 1, 1)), nn.Conv2d(128, 128, 1),
        nn.BatchNorm2d(128), nn.Sigmoid(), nn.Flatten(), nn.Linear(128, 5),
    ),
    "a norm of the features": lambda: Images(
        1, 7, nn.GroupNorm(1, 1, affine=False), head=nn.Linear(49, 5)
    ),
}  # fmt: skip


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_networks_of_images(build, errors, optimizer, make):
    model = make()
    trainer = build(model, (49,), optimizer())
    ours, torchs = errors(trainer, model, optimizer(), batch=16, steps=4, rate=0.01, shape=(49,))
    assert ours < max(SLACK, 2 * torchs)


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


@pytest.mark.parametrize("value", [1.0, 0.0, -2.0])
def test_a_tie_in_a_pool_goes_to_the_first_as_in_torch(build, optimizer, value):
    model = Images(1, 4, nn.Conv2d(1, 2, 1), nn.MaxPool2d(2), head=nn.Linear(8, 3))
    trainer = build(model, (16,), optimizer(momentum=0.0), batch=2)
    features = torch.full((2, 16), value)
    # The gradient of the bias does not tell where it came from; that of the weight does.
    features[:, ::2] += 1e-8
    targets = torch.tensor([0, 2])
    trainer.train(features, targets, torch.arange(2), np.ones(1), np.inf)
    loss = F.cross_entropy(model(features), targets)
    loss.backward()
    after = trainer.state(dict(model.named_parameters()), batches=1)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter - after[name], parameter.grad, rtol=1e-4, atol=1e-6)
