"""The convolutional network against the same thing written out, and its options."""

import pytest
import torch
from torch.nn import functional

from initsweep.architectures import ARCHITECTURES, build_model
from initsweep.core.errors import ParamsError
from initsweep.engine.plan_reading import read_plan
from initsweep.initializers.apply import initialize_

OPTIONS = dict(ARCHITECTURES.get("cnn").example) | {"channels": [3, 4], "dense": 5}


def build(n_features=64, **changes):
    network = build_model("cnn", OPTIONS | changes, n_features=n_features, n_outputs=2)
    return initialize_(network, "torch_default", 0)


@pytest.mark.parametrize("dense", [5, None])
@pytest.mark.parametrize("image", [[2, 7, 10], None])
def test_forward_is_convolution_activation_and_pooling(dense, image):
    n_features = 140 if image else 49
    network = build(n_features, dense=dense, image=image, kernel=5, activation="tanh")
    weights = dict(network.named_parameters())
    rows = torch.randn(6, n_features, generator=torch.Generator().manual_seed(0))
    signal = rows.view(6, *(image or [1, 7, 7]))
    for index in range(2):
        prefix = f"blocks.{index}.conv"
        weight, bias = weights[f"{prefix}.weight"], weights[f"{prefix}.bias"]
        signal = functional.conv2d(signal, weight, bias, padding="same")
        signal = functional.max_pool2d(torch.tanh(signal), 2)
    signal = signal.flatten(1)
    if dense:
        signal = torch.tanh(signal @ weights["dense.weight"].T + weights["dense.bias"])
    expected = signal @ weights["head.weight"].T + weights["head.bias"]
    torch.testing.assert_close(network(rows), expected)


def test_it_can_be_read_as_a_plan():
    kinds = [operation.kind for operation in read_plan(build(), (64,)).operations]
    block = ["conv2d", "activation", "max_pool2d"]
    assert kinds == ["reshape", *block, *block, "reshape", "linear", "activation", "linear"]


@pytest.mark.parametrize(
    ("n_features", "changes", "message"),
    [
        (63, {}, r"model\.image: 63 features do not make a square.*\[channels, height, width\]"),
        (64, {"image": [1, 8, 9]}, r"model\.image: 64 features do not make \[1, 8, 9\]"),
        (64, {"channels": [1, 1, 1, 1]}, r"model\.channels: 4 blocks.*Use at most 3"),
        (64, {"kernel": 2}, r"model\.kernel: it must be odd.*received 2"),
        (64, {"channels": []}, r"model\.channels: "),
        (64, {"channels": 3}, r"model\.channels: "),
        (64, {"image": [8, 8]}, r"model\.image"),
    ],
)
def test_options_that_do_not_fit_are_named(n_features, changes, message):
    with pytest.raises(ParamsError, match=message):
        build(n_features, **changes)


def test_short_names_tell_networks_apart():
    entry = ARCHITECTURES.get("cnn")
    assert entry(**OPTIONS).short_name() == "cnn-3-4-k3-relu-dense5"
    assert entry(**OPTIONS | {"dense": None}).short_name() == "cnn-3-4-k3-relu"
