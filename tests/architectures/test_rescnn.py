"""The residual convolutional network against the same thing written out, and its options."""

import pytest
import torch
from torch.nn import functional

from initsweep.architectures import ARCHITECTURES, build_model
from initsweep.core.errors import InitsweepError, ParamsError
from initsweep.initializers.apply import initialize_
from initsweep.initializers.branches import residual_of

OPTIONS = dict(ARCHITECTURES.get("rescnn").example) | {"channels": [3, 4]}
ROWS = torch.randn(6, 64, generator=torch.Generator().manual_seed(0))


def build(scheme="torch_default", n_features=64, **changes):
    network = build_model("rescnn", OPTIONS | changes, n_features=n_features, n_outputs=2)
    return initialize_(network, scheme, 0)


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("blocks", [1, 2])
def test_forward_is_stages_of_blocks_around_a_sum(norm, blocks):
    network = build(norm=norm, blocks=blocks)
    state = {**dict(network.named_parameters()), **dict(network.named_buffers())}

    def layer(signal, path):
        weight, bias = state[f"{path}.conv.weight"], state.get(f"{path}.conv.bias")
        signal = functional.conv2d(signal, weight, bias, padding="same")
        assert (bias is None) == (norm == "batch")
        if norm == "none":
            return signal
        return functional.batch_norm(
            signal, None, None, state[f"{path}.norm.weight"], state[f"{path}.norm.bias"], True
        )

    signal = ROWS.view(6, 1, 8, 8)
    for stage in ("stages.0", "stages.1"):
        signal = layer(signal, f"{stage}.widen").relu()
        for block in range(blocks):
            path = f"{stage}.blocks.{block}"
            inner = layer(signal, f"{path}.first").relu()
            signal = (signal + layer(inner, f"{path}.second")).relu()
        signal = functional.max_pool2d(signal, 2)
    expected = signal.flatten(1) @ state["head.weight"].T + state["head.bias"]
    torch.testing.assert_close(network(ROWS), expected)


def test_the_residual_schemes_find_its_branches():
    assert len(residual_of(build(norm="none", blocks=2)).branches) == 4
    plain = build("fixup", norm="none")
    assert not plain.stages[0].blocks[0].second.conv.weight.any()
    normed = build("zero_gamma")
    assert not normed.stages[1].blocks[0].second.norm.weight.any()
    assert normed.stages[1].blocks[0].first.norm.weight.all()
    with pytest.raises(InitsweepError, match="norm"):
        build("zero_gamma", norm="none")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"norm": "layer"}, ["model.norm", "'none' or 'batch'", "'layer'"]),
        ({"kernel": 4}, ["model.kernel", "odd", "4"]),
        ({"channels": [3] * 4}, ["model.channels", "4 blocks halve", "at most 3"]),
        ({"image": [3, 8, 8]}, ["model.image", "64 features", "[3, 8, 8]"]),
        ({"blocks": 0}, ["model.blocks", "0"]),
    ],
)
def test_a_mistake_is_named_with_key_value_and_remedy(changes, expected):
    with pytest.raises(ParamsError) as caught:
        build(**changes)
    for part in expected:
        assert part in str(caught.value)
