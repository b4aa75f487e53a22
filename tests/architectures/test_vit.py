"""The vision transformer against the same thing in torch's own modules, and its options."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from initsweep.architectures import ARCHITECTURES, build_model
from initsweep.core.errors import ParamsError
from initsweep.initializers.apply import initialize_

OPTIONS = dict(ARCHITECTURES.get("vit").example) | {"width": 8, "heads": 2, "hidden": 12}


def build(n_features=64, **changes):
    network = build_model("vit", OPTIONS | changes, n_features=n_features, n_outputs=3)
    return initialize_(network, "lecun_normal", 0)


def layer_of_torch(block, state):
    """torch's own pre-norm encoder layer with the weights of one of ours."""
    layer = nn.TransformerEncoderLayer(
        8, 2, 12, dropout=0.0, activation=functional.gelu, batch_first=True, norm_first=True
    )
    parts = [f"{block}.attention.{name}" for name in ("query", "key", "value")]
    pairs = {"self_attn.out_proj": "attention.out", "linear1": "hidden", "linear2": "out"}
    pairs |= {"norm1": "norm1", "norm2": "norm2"}
    for kind in ("weight", "bias"):
        packed = torch.cat([state[f"{part}.{kind}"] for part in parts])
        layer.self_attn.get_parameter(f"in_proj_{kind}").data = packed
        for theirs, ours in pairs.items():
            layer.get_parameter(f"{theirs}.{kind}").data = state[f"{block}.{ours}.{kind}"]
    return layer


@pytest.mark.parametrize("pooling", ["class_token", "mean"])
@pytest.mark.parametrize("image", [None, [2, 4, 8]])
def test_forward_is_torch_s_pre_norm_encoder_over_patches(pooling, image):
    network = build(pooling=pooling, image=image)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():  # biases and norms too: a mix-up of constants would not show
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    state = {name: value.detach() for name, value in network.named_parameters()}
    rows = torch.randn(5, 64, generator=generator)
    channels, height, width = image or [1, 8, 8]
    cut = rows.view(5, channels, height // 2, 2, width // 2, 2).permute(0, 2, 4, 1, 3, 5)
    tokens = cut.reshape(5, -1, channels * 4) @ state["patches.weight"].T
    tokens = tokens + state["patches.bias"]
    if pooling == "class_token":
        tokens = torch.cat([state["class_token.weight"].expand(5, 1, -1), tokens], dim=1)
    signal = tokens + state["positions.weight"]
    for index in range(2):
        signal = layer_of_torch(f"blocks.{index}", state)(signal)
    signal = functional.layer_norm(signal, (8,), state["norm.weight"], state["norm.bias"])
    pooled = signal.mean(1) if pooling == "mean" else signal[:, 0]
    expected = pooled @ state["head.weight"].T + state["head.bias"]
    torch.testing.assert_close(network(rows), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"patch": 3}, ["model.patch", "3 x 3", "8 x 8", "divides both"]),
        ({"heads": 3}, ["model.heads", "3 heads", "model.width, 8"]),
        ({"pooling": "max"}, ["model.pooling", "'class_token' or 'mean'", "'max'"]),
        ({"image": [1, 8, 9]}, ["model.image", "64 features"]),
    ],
)
def test_a_mistake_is_named_with_key_value_and_remedy(changes, expected):
    with pytest.raises(ParamsError) as caught:
        build(**changes)
    for part in expected:
        assert part in str(caught.value)
