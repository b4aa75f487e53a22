"""Fans, counted independently by pushing ones through the layer."""

import pytest
import torch
from torch import nn

from initsweep.core.errors import InitsweepError
from initsweep.initializers.laws.fans import Fans, compute_fans

LAYERS = [
    nn.Linear(7, 3),
    nn.Linear(7, 3, bias=False),
    nn.Conv1d(4, 6, 3),
    nn.Conv1d(4, 6, 4, stride=2),
    nn.Conv2d(4, 6, (3, 5)),
    nn.Conv2d(8, 16, 3, groups=4),
    nn.Conv2d(64, 128, 3, groups=64),
    nn.Conv2d(4, 6, 3, dilation=2),
    nn.Conv2d(4, 6, 4, stride=(2, 4)),
    nn.Conv2d(4, 6, 3, stride=2),
    nn.Conv3d(2, 4, 2, stride=2),
    nn.ConvTranspose1d(4, 6, 4, stride=2),
    nn.ConvTranspose2d(64, 32, 3),
    nn.ConvTranspose2d(64, 64, 4, stride=2),
    nn.ConvTranspose2d(8, 16, 4, stride=2, groups=4),
    nn.ConvTranspose3d(2, 4, 3),
]


def _middle(values: torch.Tensor) -> float:
    """Mean over the middle 12 positions of each spatial axis: whole periods of stride 2, 3, 4."""
    for axis in range(2, values.ndim):
        start = (values.shape[axis] - 12) // 2
        values = values.narrow(axis, start, 12)
    return values.mean().item()


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_fans_count_the_terms_of_forward_and_backward_sums(layer):
    dimensions = layer.weight.ndim - 2
    inputs = torch.ones(1, layer.weight.shape[1], requires_grad=True)
    if dimensions:
        size = 64 if dimensions < 3 else 32
        inputs = torch.ones(1, layer.in_channels, *([size] * dimensions), requires_grad=True)
    with torch.no_grad():
        layer.weight.fill_(1)
        if layer.bias is not None:
            layer.bias.fill_(0)
    outputs = layer(inputs)
    outputs.sum().backward()
    fans = compute_fans(layer)
    assert fans.fan_in == pytest.approx(_middle(outputs.detach()), rel=1e-6)
    assert fans.fan_out == pytest.approx(_middle(inputs.grad), rel=1e-6)


def test_known_fans():
    assert compute_fans(nn.Linear(64, 1024)) == Fans(fan_in=64, fan_out=1024)
    assert compute_fans(nn.ConvTranspose2d(64, 32, 3)) == Fans(fan_in=576, fan_out=288)
    assert compute_fans(nn.ConvTranspose2d(64, 64, 4, stride=2)).fan_in == 256
    assert compute_fans(nn.Conv2d(64, 128, 3, groups=64)).fan_out == 18


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.PReLU(), r"'encoder.mix' \(PReLU\) is no layer whose connections are"),
        (nn.LazyLinear(3), r"'encoder.mix' \(LazyLinear\) has no shape yet"),
    ],
)
def test_an_unknown_layer_is_named(module, message):
    with pytest.raises(InitsweepError, match=message):
        compute_fans(module, "encoder.mix")
