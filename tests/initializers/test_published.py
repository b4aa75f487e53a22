"""The published starts, against their authors' formulas parameter by parameter."""

import math

import pytest
import torch
from torch import nn

from initsweep.core.errors import InitsweepError, InitsweepWarning
from initsweep.initializers import initial_state, layers_of, make_initializer, multipliers_of
from tests.initializers.networks import PreActivation
from tests.initializers.transformers import DEPTH, T5, WIDTH, Bert, Gpt, Llama, Neox, Vit

SMALL = math.sqrt(2 / (5 * WIDTH))
CUT = 0.986578  # the std that a cut at three leaves


def gpt2(name, fan_in, block):
    return 0.02 / math.sqrt(2 * DEPTH) if name.endswith("c_proj.weight") else 0.02


def neox(name, fan_in, block):
    return 2 / DEPTH / math.sqrt(WIDTH) if name.endswith("c_proj.weight") else SMALL


def torchtitan(name, fan_in, block):
    if name.startswith("tok_"):
        return 1.0
    if name.startswith("output"):
        return CUT / math.sqrt(WIDTH)
    deep = name.split(".")[-2] in {"wo", "w2", "w3"}
    return 0.02 / math.sqrt(2 * (block + 1)) if deep else 0.02


def olmo(name, fan_in, block):
    if name.startswith("tok_"):
        return CUT / math.sqrt(WIDTH)
    deep = name.split(".")[-2] in {"wo", "w2"}
    return CUT / math.sqrt((2 * (block + 1) if deep else 1) * fan_in)


def bert(name, fan_in, block):
    return 0.02


def t5(name, fan_in, block):
    if name in {"shared.weight", "lm_head.weight"}:
        return 1.0
    if "relative" in name:
        return 1 / math.sqrt(WIDTH)
    return 1 / math.sqrt(fan_in * (16 if name.endswith(".q.weight") else 1))


def vit(name, fan_in, block):
    if name == "patch_embed.weight":
        return 1 / math.sqrt(3 * fan_in)
    return {"cls_token": 1e-6}.get(name, 0.02)


def vit_jax(name, fan_in, block):
    if name in {"cls_token", "pos_embed", "patch_embed.weight"}:
        return {"cls_token": 1e-6, "pos_embed": 0.02}.get(name, 1 / math.sqrt(fan_in))
    rows = {"qkv": 3 * WIDTH, "fc1": 4 * WIDTH}.get(name.split(".")[-2], WIDTH)
    return 0.0 if name.startswith("head") else math.sqrt(2 / (fan_in + rows))


def vit_moco(name, fan_in, block):
    if "qkv" in name:
        return math.sqrt(2 / (WIDTH + WIDTH))
    if name.startswith("head"):
        return math.sqrt(2 / (WIDTH + 10))
    return vit(name, 48, 0) if "." not in name or "patch" in name else vit_jax(name, fan_in, block)


@pytest.mark.parametrize(
    ("name", "options", "network", "formula"),
    [
        ("gpt2", {}, Gpt, gpt2),
        ("gpt_neox", {}, Neox, neox),
        ("torchtitan", {}, Llama, torchtitan),
        ("olmo", {}, Llama, olmo),
        ("bert", {}, Bert, bert),
        ("t5", {"head_width": 16}, T5, t5),
        ("vit_timm", {}, Vit, vit),
        ("vit_timm", {"mode": "jax"}, Vit, vit_jax),
        ("vit_timm", {"mode": "moco"}, Vit, vit_moco),
    ],
)
def test_every_part_has_the_std_of_its_authors(name, options, network, formula):
    torch.manual_seed(0)
    state = initial_state(network(), make_initializer(name, options), 0)
    for parameter, value in state.items():
        if value.ndim == 1:
            small = 1e-6 if name == "vit_timm" and options.get("mode") == "jax" else 0
            norm = parameter.endswith("weight")
            small = small if ".mlp.fc" in parameter else 0
            torched = parameter == "patch_embed.bias" and options.get("mode") != "jax"
            assert torched or float((value - float(norm)).abs().max()) <= 5 * small, parameter
            continue
        if parameter == "word_embeddings.weight":
            assert not value[0].any()
            value = value[1:]
        steps = [step for step in parameter.split(".") if step.isdigit()]
        fan_in = math.prod(value.shape[1:])
        expected = formula(parameter, fan_in, int(steps[0]) if steps else 0)
        error = 5 / math.sqrt(2 * value.numel())
        assert float(value.square().mean().sqrt()) == pytest.approx(expected, rel=error), parameter


def test_the_width_is_that_of_the_first_table_even_if_the_head_shares_it():
    network = T5()
    network.lm_head.weight = network.shared.weight
    assert {layer.place.width for layer in layers_of(network)} == {WIDTH}


def test_parallel_branches_are_one_block_with_two_ends():
    ends = [layer.name for layer in layers_of(Neox(2)) if "residual_output" in layer.place.roles]
    assert ends == [f"h.{i}.{part}.c_proj" for i in (0, 1) for part in ("attn", "mlp")]


def test_torch_s_own_blocks_and_networks_that_cannot_be_traced_are_read_as_far_as_they_can():
    class Branching(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.layers = nn.Embedding(9, 16), nn.ModuleList()
            for _ in range(2):
                self.layers.append(nn.TransformerEncoderLayer(16, 2, 32))
            self.head = nn.Linear(16, 9)

        def forward(self, tokens):
            x = self.table(tokens)
            for layer in self.layers if tokens.sum() > 0 else []:
                x = layer(x)
            return self.head(x)

    places = {layer.name: layer.place for layer in layers_of(Branching())}
    ends = {name for name, place in places.items() if "residual_output" in place.roles}
    assert ends == {
        f"layers.{i}.{end}" for i in (0, 1) for end in ("self_attn.out_proj", "linear2")
    }
    assert [name for name, place in places.items() if "input" in place.roles] == ["table"]
    assert [name for name, place in places.items() if "output" in place.roles] == ["head"]
    assert places["layers.1.linear1"].block == 1
    assert places["layers.1.self_attn.q_proj"].roles == {"hidden", "query"}


def test_blocks_that_cannot_be_traced_are_read_by_their_order():
    class Part(nn.Module):
        def __init__(self, *sizes):
            super().__init__()
            self.first, self.last = nn.Linear(*sizes), nn.Linear(*sizes[::-1])

        def forward(self, x):
            return self.last(torch.relu(self.first(x))).view(*x.shape)

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.attention = nn.LayerNorm(8), Part(8, 8)
            self.layer = nn.ModuleList([Part(8, 32), nn.ModuleDict({"gate": nn.Linear(8, 32)})])

        def forward(self, x):
            x = x + self.attention(self.norm(x)) if x.sum() > 0 else x
            return x + self.layer[0](x)

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.head = nn.Embedding(9, 8), nn.Linear(8, 9)
            self.stack = nn.ModuleList(Block() for _ in range(2))

        def forward(self, tokens):
            x = self.table(tokens)
            for block in self.stack:
                x = block(x)
            return self.head(x)

    places = {layer.name: layer.place for layer in layers_of(Network())}
    ends = {name for name, place in places.items() if "residual_output" in place.roles}
    assert ends == {f"stack.{i}.{part}.last" for i in (0, 1) for part in ("attention", "layer.0")}
    assert (places["stack.1.layer.0.first"].block, places["head"].block) == (1, None)


HALF = {"base_width": WIDTH // 2, "base_depth": 1}


@pytest.mark.parametrize(("scheme", "alpha"), [("completep", 1.0), ("depth_mup", 0.5)])
def test_completep_has_the_rates_of_its_table(scheme, alpha):
    """Of EleutherAI/nanoGPT-mup, its factor on branches absorbed into what ends them."""
    found = multipliers_of(Gpt(tied=False), make_initializer(scheme, HALF), "adam")
    inside, branch = DEPTH ** (alpha - 1), DEPTH**-alpha
    expected = {
        "wte.weight": (1, 1),
        "wpe.weight": (1, 1),
        "h.1.ln_1.weight": (inside, 1),
        "h.1.ln_1.bias": (inside, 1),
        "h.1.attn.c_attn.weight": (inside / 2, 2),
        "h.1.attn.c_attn.bias": (inside, 1),
        "h.1.mlp.c_proj.weight": (inside / 2 * branch, 2 / branch),
        "h.1.mlp.c_proj.bias": (inside * branch, 1 / branch),
        "ln_f.weight": (1, 1),
        "lm_head.weight": (1 / 2, 2),
    }
    assert {name: found[name] for name in expected} == {
        name: pytest.approx(one) for name, one in expected.items()
    }
    sgd = multipliers_of(Gpt(tied=False), make_initializer(scheme, HALF), "sgd")
    assert sgd["h.1.mlp.c_fc.weight"].rate == pytest.approx(DEPTH ** (2 * alpha - 1))
    assert sgd["h.1.mlp.c_proj.weight"].rate == pytest.approx(1 / DEPTH)


def test_completep_scales_branches_down_and_nothing_else():
    network = Gpt(tied=False)
    mup, deep = (
        initial_state(network, make_initializer(name, options), 0)
        for name, options in (("mup", {"base_width": WIDTH // 2}), ("completep", HALF))
    )
    for name, value in mup.items():
        factor = 1 / DEPTH if name.endswith("c_proj.weight") else 1.0
        torch.testing.assert_close(deep[name], value * factor, rtol=1e-6, atol=0)


def test_completep_scales_a_norm_that_ends_a_branch_and_refuses_plain_networks():
    class Swin(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.head = nn.Linear(4, 8), nn.Linear(8, 2)
            self.blocks = nn.ModuleList(
                nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8)) for _ in range(4)
            )

        def forward(self, x):
            x = self.stem(x)
            for block in self.blocks:
                x = x + block(x)
            return self.head(x)

    scheme = make_initializer("completep", {"base_width": 8, "base_depth": 1})
    state = initial_state(Swin(), scheme, 0)
    assert state["blocks.2.1.weight"].tolist() == [0.25] * 8
    assert not state["blocks.2.1.bias"].any()
    found = multipliers_of(Swin(), scheme, "adam")
    assert found["blocks.2.1.weight"] == found["blocks.2.1.bias"] == (0.25, 4)
    with pytest.raises(InitsweepError, match=r"Sequential has no residual branch.*Choose `mup`"):
        initial_state(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), scheme, 0)


def test_the_blocks_of_a_residual_network_of_convolutions():
    places = {layer.name: layer.place for layer in layers_of(PreActivation(depth=2))}
    assert places["blocks.1.two"].roles == {"hidden", "residual_output"}
    assert (places["blocks.1.two"].block, places["head"].block) == (1, None)


@pytest.mark.parametrize("name", ["gpt2", "gpt_neox", "olmo", "torchtitan"])
def test_a_rule_for_branches_that_finds_none_is_told(name):
    network = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
    with pytest.warns(InitsweepWarning, match="residual_output.*matches nothing: no branch"):
        initial_state(network, make_initializer(name, {}), 0)
