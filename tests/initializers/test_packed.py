"""Layers that hold several projections, and pairs of low rank: known by what becomes of them."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from initsweep import explain, layer_kind
from initsweep.core.errors import InitsweepError, InitsweepWarning
from initsweep.exporting.snippet import snippet
from initsweep.initializers import initial_state, initialize_, layers_of, make_initializer
from tests.any_networks import WIDTH, Conv1D, LoRALinear, adapted

ORTHOGONAL = make_initializer("orthogonal", {"gain": 1.0})
attend = functional.scaled_dot_product_attention


class Around(nn.Module):
    """A layer, and what becomes of its outputs."""

    def __init__(self, forward, layer):
        super().__init__()
        self.function, self.inner = forward, layer

    def forward(self, x):
        return self.function(self.inner, x)


def chunked(layer, x):
    return attend(*layer(x).chunk(3, dim=-1))


def sliced(layer, x):
    out = layer(x)
    return attend(out[..., :16], out[..., 16:32], out[..., 32:])


def reshaped(layer, x):
    batch, places, width = x.shape
    qkv = layer(x).reshape(batch, places, 3, 2, width // 2).permute(2, 0, 3, 1, 4)
    query, key, value = qkv[0], qkv[1], qkv[2]
    return (query @ key.transpose(-2, -1)).softmax(-1) @ value


def rotated(layer, x):
    query, key, value = layer(x).unflatten(-1, (3, 2, 8)).unbind(-3)

    def turned(one):
        left, right = one.chunk(2, -1)
        return one * 0.5 + torch.cat([-right, left], -1)

    return attend(turned(query), turned(key), value)


def grouped(layer, x):
    query, key, value = layer(x).split([16, 8, 8], dim=2)
    query, key, value = (one.unflatten(-1, (-1, 4)).transpose(1, 2) for one in (query, key, value))
    return attend(query, key, value, enable_gqa=True)


def keys_and_values(layer, x):
    key, value = layer(x).chunk(2, dim=-1)
    return (x @ key.mT).softmax(-1) @ value


def of_positions(layer, x):
    query, key, value = layer(x).flatten(2).chunk(3, dim=1)
    return value @ (query.mT @ key).softmax(-1)


def unreadable_after(layer, x):
    query, key, value = layer(x).chunk(3, dim=-1)
    return attend(query, key, value) if x.sum() > 0 else value


PACKED = {
    chunked: (nn.Linear(16, 48), (16, 16, 16)),
    sliced: (nn.Linear(16, 48), (16, 16, 16)),
    reshaped: (nn.Linear(16, 48), (16, 16, 16)),
    rotated: (nn.Linear(16, 48), (16, 16, 16)),
    grouped: (nn.Linear(16, 32), (16, 8, 8)),
    keys_and_values: (nn.Linear(16, 32), (16, 16)),
    unreadable_after: (Conv1D(48, 16), (16, 16, 16)),
    of_positions: (nn.Conv2d(16, 48, 1), (16, 16, 16)),
}


@pytest.mark.parametrize("forward", PACKED, ids=lambda one: one.__name__)
def test_projections_in_one_layer_are_filled_each(forward):
    layer, sizes = PACKED[forward]
    network = Around(forward, layer)
    letters = "kv" if len(sizes) == 2 else "qkv"
    assert [(one.name, one.fan_in, one.fan_out, one.stacked) for one in layers_of(network)] == [
        (f"inner[{letter}]", 16, rows, len(sizes))
        for letter, rows in zip(letters, sizes, strict=True)
    ]
    weight = initial_state(network, ORTHOGONAL, 0)["inner.weight"]
    weight = (weight.T if isinstance(layer, Conv1D) else weight).flatten(1).double()
    for rows in weight.split(sizes):
        torch.testing.assert_close(rows @ rows.T, torch.eye(len(rows)).double(), rtol=0, atol=1e-5)
    uniform = initial_state(network, "xavier_uniform", 0)["inner.weight"]
    uniform = (uniform.T if isinstance(layer, Conv1D) else uniform).flatten(1)
    for rows in uniform.split(sizes):
        bound = math.sqrt(6 / (16 + len(rows)))
        assert 0.8 * bound < float(rows.abs().max()) <= bound
    assert not explain(network).whole


def gated(layer, x):
    one, other = layer(x).chunk(2, dim=-1)
    return one * other.sigmoid()


def reset(layer, x):
    one, other, new = layer(x).chunk(3, dim=-1)
    return one.sigmoid() * other + new.tanh()


def of_places(layer, x):
    return attend(*layer(x).chunk(3, dim=1))


def whole(layer, x):
    return layer(x).relu()


@pytest.mark.parametrize("forward", [gated, reset, of_places, whole], ids=lambda one: one.__name__)
def test_other_layers_are_one_and_have_the_bits_that_they_had(forward):
    network = Around(forward, nn.Linear(16, 48))
    state = initial_state(network, "he_normal", 0)
    plain = initial_state(Around(whole, nn.Linear(16, 48)), "he_normal", 0)
    assert torch.equal(state["inner.weight"], plain["inner.weight"])
    assert not explain(network).whole


def by_heads(layer, x):
    return attend(*layer(x).unflatten(-1, (2, 24)).chunk(3, dim=-1))


def test_projections_that_cannot_be_told_apart_are_one_layer_and_listed():
    network = Around(by_heads, nn.Linear(16, 48))
    with pytest.warns(InitsweepWarning, match=r"one layer each: 'inner' \(the rows of its parts"):
        initialize_(network, "he_normal", 0)
    assert "but taken for one layer: inner (the rows" in str(explain(network))

    class Unread(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv, self.mlp = nn.Linear(16, 48), nn.Linear(16, 48)

        def forward(self, x):
            return self.qkv(x) if x.sum() > 0 else self.mlp(x)

    with pytest.warns(InitsweepWarning, match=r"one layer each: 'qkv' \(what becomes of its out"):
        initialize_(Unread(), "he_normal", 0)


@pytest.mark.parametrize("forward", [unreadable_after, of_positions], ids=lambda o: o.__name__)
def test_an_export_fills_the_projections_too(forward):
    network = Around(forward, PACKED[forward][0])
    source = snippet(network, ORTHOGONAL, title="a network", scheme="orthogonal")
    namespace = {}
    exec(compile(source, "init.py", "exec"), namespace)
    weight = namespace["initialize"](network, 3).inner.weight.detach()
    weight = (weight.T if forward is unreadable_after else weight).flatten(1).double()
    for rows in weight.split(16):
        torch.testing.assert_close(rows @ rows.T, torch.eye(16).double(), rtol=0, atol=1e-5)


def test_the_first_matrix_of_a_pair_is_drawn_and_the_second_stays_zero():
    network = adapted(LoRALinear)
    plain = initial_state(nn.Sequential(nn.Linear(WIDTH, 4)), "he_normal", 0)
    assert plain.keys() == {"0.weight", "0.bias"}
    with pytest.warns(InitsweepWarning, match="zeros: '0.lora_B.weight', '2.lora_B.weight'"):
        state = initial_state(network, "he_normal", 0)
    std = float(state["0.lora_A.weight"].std())
    assert std == pytest.approx(math.sqrt(2 / WIDTH), rel=0.2)
    assert not state["0.lora_B.weight"].any()
    nn.init.ones_(network[0].lora_B.weight)  # trained: a layer like others
    with pytest.warns(InitsweepWarning, match="zeros: '2.lora_B.weight'"):
        assert initial_state(network, "he_normal", 0)["0.lora_B.weight"].std() > 0


class Turned(nn.Module):
    """A pair with matrices of (in, out), beside the layer that it is added to."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Parameter(torch.ones(12, 3)), nn.Parameter(torch.zeros(3, 8))

    def forward(self, x):
        return x @ self.a @ self.b


class Beside(nn.Module):
    def __init__(self):
        super().__init__()
        self.base, self.update = nn.Linear(12, 8), Turned()

    def forward(self, x):
        return self.base(x) + self.update(x)


def test_a_pair_may_be_turned_and_in_a_module_beside_its_layer():
    with pytest.warns(InitsweepWarning, match="their zeros: 'update.b'"):
        state = initial_state(Beside(), ORTHOGONAL, 0)
    first = state["update.a"].double()
    torch.testing.assert_close(first.T @ first, torch.eye(3).double(), rtol=0, atol=1e-5)
    assert not state["update.b"].any()


def test_a_bottleneck_with_an_activation_is_no_pair():
    class Adapter(nn.Module):
        def __init__(self):
            super().__init__()
            self.base, self.down, self.up = nn.Linear(8, 8), nn.Linear(8, 2), nn.Linear(2, 8)
            nn.init.zeros_(self.up.weight)

        def forward(self, x):
            return self.base(x) + self.up(self.down(x).relu())

    assert initial_state(Adapter(), "he_normal", 0)["up.weight"].all()


class Shifted(nn.Module):
    """Swin's table of relative positions, in a forward that cannot be read."""

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(16, 48)
        self.relative_position_bias_table = nn.Parameter(torch.randn(9, 2))
        self.register_buffer("relative_position_index", torch.arange(16).reshape(4, 4) % 9)

    def forward(self, x):
        table = self.relative_position_bias_table if x.sum() > 0 else None
        query, key, value = self.qkv(x).unflatten(-1, (3, 2, 8)).permute(2, 0, 3, 1, 4)
        return attend(query, key, value, table[self.relative_position_index].permute(2, 0, 1))


def test_a_table_of_relative_positions_is_kept_and_listed():
    with pytest.warns(InitsweepWarning, match="built with: 'relative_position_bias_table' .mean"):
        initialize_(Shifted(), "he_normal", 0)
    other = Shifted()
    other.relative_position_index += 1  # of another table
    with pytest.raises(InitsweepError, match="relative_position_bias_table"):
        initialize_(other, "he_normal", 0)


def test_a_declaration_comes_before_what_a_layer_looks_like():
    class Conv1D(nn.Module):  # its weight lies as torch's does
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(6, 8))

        def forward(self, x):
            return x @ self.weight.T

    assert layers_of(Conv1D())[0].weight_shape == (8, 6)
    layer_kind(Conv1D, like=nn.Linear)
    assert layers_of(Conv1D())[0].weight_shape == (6, 8)


def test_of_a_new_adapter_of_peft_the_first_matrix_is_drawn():
    kind = type("BaseTunerLayer", (nn.Module,), {"__module__": "peft.tuners.tuners_utils"})

    class Adapter(kind):
        def __init__(self):
            super().__init__()
            self.base_layer = nn.Linear(8, 6)
            self.lora_A = nn.ModuleDict({"default": nn.Linear(8, 2, bias=False)})
            self.lora_B = nn.ModuleDict({"default": nn.Linear(2, 6, bias=False)})
            nn.init.zeros_(self.lora_B["default"].weight)

        def forward(self, x):
            out = self.base_layer(x)
            for name in self.lora_A if x.sum() > 0 else ():
                out = out + self.lora_B[name](self.lora_A[name](x))
            return out

    network = Adapter()
    network.base_layer.requires_grad_(False)
    before = {name: one.clone() for name, one in network.state_dict().items()}
    with pytest.warns(InitsweepWarning, match="their zeros: 'lora_B.default.weight'"):
        initialize_(network, "he_normal", 0)
    changed = {n for n, one in network.state_dict().items() if not torch.equal(one, before[n])}
    assert changed == {"lora_A.default.weight"}
