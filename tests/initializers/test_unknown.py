"""Modules that initializers do not know: what is kept, what is refused, what can be declared."""

import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional

from initsweep import layer_kind
from initsweep.core.errors import InitsweepError, InitsweepWarning
from initsweep.explanation import explain
from initsweep.initializers import (
    activations_after,
    initial_state,
    initial_states,
    initialize_,
    layers_of,
    make_initializer,
)

ORTHOGONAL = make_initializer("orthogonal", {"gain": 1.0})


class RootMeanSquare(nn.Module):
    """As in Llama; in Gemma the weight starts at 0 and 1 is added."""

    def __init__(self, width, plus=0.0):
        super().__init__()
        self.weight, self.plus = nn.Parameter(torch.full((width,), 1 - plus)), plus

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * (self.plus + self.weight)


class Response(nn.Module):
    """The global response normalization of ConvNeXt V2, for tokens."""

    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, 1, width))
        self.bias = nn.Parameter(torch.zeros(1, 1, width))

    def forward(self, x):
        norm = torch.linalg.vector_norm(x, dim=1, keepdim=True)
        return x + self.weight * (x * norm / norm.mean(-1, keepdim=True)) + self.bias


class Offset(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.bias = nn.Parameter(torch.full((width,), 0.5))

    def forward(self, x):
        return x + self.bias


class Tokenizer(nn.Module):
    """As in the FT-Transformer: a vector per feature, and a bias."""

    def __init__(self, features=6, width=8):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(features, width))
        self.bias = nn.Parameter(torch.zeros(features, width))

    def forward(self, x):
        return x[..., None] * self.weight + self.bias[None]


class Positions(nn.Module):
    """A table of positions, queries, and a bias that is looked up."""

    def __init__(self, length=6, width=8):
        super().__init__()
        self.table = nn.Parameter(torch.randn(length, width))
        self.queries = nn.Parameter(torch.randn(3, width))
        self.relative = nn.Parameter(torch.randn(9, 2))
        self.register_buffer("index", torch.randint(9, (3, 6)))
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)

    def forward(self, x):
        x = x + self.table[: x.shape[1]].to(x.dtype)
        bias = self.relative[self.index.view(-1)].view(3, 6, 2).permute(2, 0, 1).contiguous()
        queries = self.queries.expand(len(x), -1, -1)
        inner = functional.scaled_dot_product_attention(queries, x, x, attn_mask=bias[:1])
        return inner + self.attention(queries, x, x, attn_mask=bias.repeat(len(x), 1, 1))[0]


class Looked(nn.Module):
    """Adds a table that a module without a signal gives; what is around it cannot be traced."""

    class Table(nn.Module):
        def __init__(self, length, width):
            super().__init__()
            self.table = nn.Parameter(torch.full((length, width), 2.0))

        def forward(self):
            return self.table

    def __init__(self, length=6, width=8):
        super().__init__()
        self.inner = self.Table(length, width)

    def forward(self, x):
        return x + self.inner() if x.sum() > 0 else x


class Scan(nn.Module):
    """What is peculiar to Mamba, and cannot be traced."""

    def __init__(self, width=8, states=4, *, late=False):
        super().__init__()
        self.late = late
        self.A_log = nn.Parameter(torch.log(torch.arange(1.0, states + 1)).repeat(width, 1))
        self.D = nn.Parameter(torch.ones(width))
        self.project = nn.Linear(width, width)

    def forward(self, x):
        state, steps = 0, []
        decay = torch.exp(-torch.exp(self.A_log)) * x.mean() if self.late else 1
        for one in self.project(x).unbind(1):
            state = decay * torch.exp(-torch.exp(self.A_log)) * state + one[..., None]
            steps.append(state.sum(-1) + self.D * one)
        return torch.stack(list(iter(steps)), 1)


class Router(nn.Module):
    def __init__(self, width=8, experts=4):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(experts, width))

    def forward(self, x):
        return functional.linear(x, self.weight.to(x.dtype)).softmax(-1)


class Late(Router):
    """Looks at its weight first, and at values of its input before it multiplies."""

    def forward(self, x):
        weight = self.weight.t()
        return x.matmul(weight) if x.sum() > 0 else x


class Experts(nn.Module):
    """A stack of linear layers; which one an example takes depends on its values."""

    def __init__(self, width=8, experts=4, layout=(12, 8)):
        super().__init__()
        self.router = Router(width, experts)
        self.up = nn.Parameter(torch.full((experts, *layout), 0.25))

    def forward(self, x):
        chosen = self.router(x).argmax(-1)
        return torch.stack([self.up[index] @ one for index, one in zip(chosen, x, strict=True)])


class Linear(nn.Module):
    """Somebody's own, with the weight the other way round on request."""

    def __init__(self, inputs, outputs, *, turned=False):
        super().__init__()
        self.turned = turned
        self.weight = nn.Parameter(torch.ones((inputs, outputs) if turned else (outputs, inputs)))
        self.bias = nn.Parameter(torch.ones(outputs))

    def forward(self, x):
        weight = self.weight if self.turned else self.weight.T
        return torch.addmm(self.bias, x, weight)


class Turned(Linear):
    """Like transformers' Conv1D."""

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs, turned=True)


class Adapted(nn.Module):
    """A frozen layer and its low-rank update, which starts at 0."""

    def __init__(self, base, end):
        super().__init__()
        self.base, self.down = base.requires_grad_(False), nn.Linear(8, 2, bias=False)
        self.up = end

    def forward(self, x):
        return self.base(x) + self.up(self.down(x))


KEPT = {
    "norm": (lambda: RootMeanSquare(8), "RootMeanSquare.weight (all 1, 2 times)"),
    "norm plus one": (lambda: RootMeanSquare(8, 1.0), "RootMeanSquare.weight (all 0, 2 times)"),
    "bias": (lambda: Offset(8), "Offset.bias (all 0.5, 2 times)"),
    "response": (
        lambda: Response(8),
        "Response.weight (all 0, 2 times), Response.bias (all 0, 2 times)",
    ),
    "tokenizer": (Tokenizer, "Tokenizer.bias (all 0, 2 times)"),
    "positions": (Positions, "Positions.table (mean"),
    "a table that is given": (Looked, "Table.table (all 2, 2 times)"),
    "a scan that breaks off later": (lambda: Scan(late=True), "Scan.A_log (mean"),
}


@pytest.mark.parametrize("case", KEPT)
def test_what_is_no_weight_keeps_its_values_whatever_it_is_called(case):
    build, told = KEPT[case]
    network = nn.ModuleDict({"read": nn.Linear(8, 8), "one": build(), "other": build()})
    before = {name: one.clone() for name, one in network.state_dict().items()}
    with pytest.warns(InitsweepWarning) as caught:
        initialize_(network, ORTHOGONAL, 0)
    assert len(caught) == 1
    assert told in str(caught[0].message)
    assert "No scheme changes" not in str(caught[0].message)
    after = network.state_dict()
    for name in before:
        known = name.startswith("read") or "attention" in name or "project" in name
        if known and name.endswith("bias"):
            continue
        assert torch.equal(before[name], after[name]) != known, name
    with pytest.warns(InitsweepWarning):
        initial_states(network, ORTHOGONAL, unknown="refuse")


REFUSED = {
    "linear": (lambda: Linear(8, 6), "weight", "Linear.weight (6x8, 2 times)"),
    "router": (Router, "weight", "Router.weight (4x8, 2 times)"),
    "late": (Late, "weight", "Late.weight (4x8, 2 times)"),
    "experts": (Experts, "up", "Experts.up (4x12x8, 2 times), Router.weight (4x8, 2 times)"),
    "scan": (Scan, "A_log", "Scan.A_log (8x4, 2 times)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_weights_are_refused_all_at_once_and_kept_on_request(case):
    build, name, told = REFUSED[case]
    network = nn.ModuleDict({"first": nn.Linear(8, 8), "one": build(), "other": build()})
    for refused in (lambda: initialize_(network, "he_normal", 0), lambda: layers_of(network)):
        with pytest.raises(InitsweepError) as caught:
            refused()
        assert told in str(caught.value)
        assert "layer_kind(" in str(caught.value)
        assert 'unknown="keep"' in str(caught.value)
    before = getattr(network["one"], name).clone()
    with pytest.warns(
        InitsweepWarning, match="No scheme changes these weights, .*% of all"
    ) as heard:
        initialize_(network, "he_normal", 0, unknown="keep")
    assert len(heard) == 1
    assert torch.equal(getattr(network["one"], name), before)
    assert "first" in [layer.name for layer in layers_of(network, unknown="keep")]
    assert any(name in one for one in explain(network, "he_normal").unknown)


@pytest.mark.parametrize("plain", [True, False])
def test_what_makes_up_a_weight_is_one_of_those(plain):
    weight_norm = nn.utils.parametrizations.weight_norm if plain else nn.utils.weight_norm
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        network = nn.Sequential(nn.Linear(3, 3), weight_norm(nn.Linear(3, 3)))
    name = "parametrizations.weight.original1" if plain else "weight_v"
    with pytest.raises(InitsweepError, match=rf"'1.{name}' \(3x3\).*parametrize it then"):
        initialize_(network, "he_normal", 0)


def test_a_choice_that_there_is_not():
    for call in (initialize_, initial_state):
        with pytest.raises(InitsweepError, match=r"unknown: received 'skip'\. Give 'refuse'"):
            call(nn.Linear(3, 3), "he_normal", 0, unknown="skip")


def declared(kind, **said):
    """Return a class of its own that is declared so."""
    return layer_kind(**said)(type(kind.__name__, (kind,), {}))


@pytest.mark.parametrize("scheme", ["he_normal", "identity", "torch_default", "sparse"])
def test_a_declared_class_is_filled_like_torch_s(scheme):
    initializer = make_initializer(scheme, {"sparsity": 0.5} if scheme == "sparse" else {})
    own, turned = (
        declared(Linear, like=nn.Linear),
        declared(Turned, like=nn.Linear, transposed=True),
    )
    plain, ours, other = (
        nn.Sequential(kind(8, 6), nn.ReLU(), kind(6, 3)) for kind in (nn.Linear, own, turned)
    )
    states = [initial_state(network, initializer, 0) for network in (plain, ours, other)]
    for name, value in states[0].items():
        assert torch.equal(states[1][name], value)
        assert torch.equal(states[2][name], value.T if value.ndim > 1 else value)
        assert states[2][name].is_contiguous()
    for network in (ours, other):
        layers = [(one.name, one.fan_in, one.fan_out) for one in layers_of(network)]
        assert layers == [("0", 8, 6), ("2", 6, 3)]
    assert activations_after(other)["0"].__class__ is nn.ReLU
    rows = explain(initialize_(other, initializer, 0))
    assert [str(row) for row in rows] == [
        str(r) for r in explain(initialize_(plain, initializer, 0))
    ]


def test_lsuv_measures_a_declared_layer():
    turned = declared(Turned, like=nn.Linear, transposed=True)
    network, inputs = nn.Sequential(turned(8, 6), nn.Tanh(), turned(6, 5)), torch.randn(99, 8)
    initialize_(network, "lsuv", 0, inputs=inputs)
    assert float(network[:1](inputs).detach().std()) == pytest.approx(1, rel=1e-2)
    assert float(network(inputs).detach().std()) == pytest.approx(1, rel=1e-2)


def test_a_declared_norm_starts_neutral_and_ends_a_branch():
    class Scaled(RootMeanSquare):
        def __init__(self, width):
            super().__init__(width)
            del self.weight
            self.scale, self.weight = nn.Parameter(torch.full((width,), 3.0)), 1.0
            self.bias = nn.Parameter(torch.ones(width))

        def forward(self, x):
            return super().forward(x) * self.scale + self.bias

    layer_kind(Scaled, like=nn.LayerNorm, weights=("scale",))

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear, self.norm, self.head = nn.Linear(8, 8), Scaled(8), nn.Linear(8, 2)

        def forward(self, x):
            return self.head(x + self.norm(self.linear(x)))

    state = initial_state(Block(), "he_normal", 0)
    assert (set(state["norm.scale"].tolist()), state["norm.bias"].any()) == ({1.0}, False)
    assert activations_after(Block()).unclear == {}
    assert not initial_state(Block(), "zero_gamma", 0)["norm.scale"].any()
    with torch.device("meta"):
        network = Block()
    assert torch.equal(initialize_(network, "he_normal", 0).norm.scale, torch.ones(8))


@pytest.mark.parametrize("turned", [False, True])
def test_experts_are_linear_layers_side_by_side(turned):
    router = declared(Router, like=nn.Linear)
    experts = declared(Experts, like=nn.Linear, weights=("up",), transposed=turned)
    network = experts(layout=(8, 12) if turned else (12, 8))
    network.router = router(8, 4)
    state = initial_state(network, ORTHOGONAL, 0)
    eye = torch.eye(8)
    for expert in state["up"].mT if turned else state["up"]:
        torch.testing.assert_close(expert.T @ expert, eye, rtol=0, atol=1e-5)
    assert not torch.equal(state["up"][0], state["up"][1])
    names = [(layer.name, layer.fan_in, layer.fan_out) for layer in layers_of(network)]
    assert names[:2] == [("[0]", 8, 12), ("[1]", 8, 12)]


def test_experts_of_several_weights_have_no_activation_that_can_be_told():
    class Pair(Experts):
        def __init__(self):
            super().__init__()
            self.down = nn.Parameter(torch.ones(4, 8, 12))

    layer_kind(Pair, like=nn.Linear, weights=("up", "down"))
    network = nn.Sequential(Pair())
    network[0].router = declared(Router, like=nn.Linear)()
    assert {"0.up", "0.down"} < set(activations_after(network).unclear)
    with pytest.warns(InitsweepWarning, match="does not tell: '0.router'.*'0.up'"):
        state = initial_state(network, make_initializer("he_normal", {"gain": "auto"}), 0)
    assert float(state["0.down"].std()) == pytest.approx(12**-0.5, rel=0.1)
    assert [row.after.name for row in explain(network)] == ["?"] * 9


def test_a_layer_that_has_to_stay_as_built_is_declared_so():
    end = declared(nn.Linear, like=None)(2, 8, bias=False)
    nn.init.zeros_(end.weight)
    with pytest.warns(InitsweepWarning, match="values they were built with: 'up.weight' .all 0."):
        network = initialize_(Adapted(nn.Linear(8, 8), end), "he_normal", 0)
    assert not network.up.weight.any()
    assert layers_of(network)[0].name == "down"


def test_what_a_derived_layer_adds_can_be_declared_to_stay():
    class Low(nn.Linear):
        def __init__(self):
            super().__init__(8, 6)
            self.down, self.up = nn.Parameter(torch.ones(2, 8)), nn.Parameter(torch.ones(6, 2))

    with pytest.raises(InitsweepError, match=r"Low, like=nn.Linear\)") as caught:
        initialize_(nn.Sequential(Low()), "he_normal", 0)
    assert "'0.down' (2x8), '0.up' (6x2)" in str(caught.value)
    layer_kind(Low, like=nn.Linear)
    with pytest.warns(InitsweepWarning, match=r"built with: '0.down' \(all 1\), '0.up' \(all 1\)"):
        state = initial_state(nn.Sequential(Low()), "he_normal", 0)
    expected = initial_state(nn.Sequential(nn.Linear(8, 6)), "he_normal", 0)
    assert torch.equal(state["0.weight"], expected["0.weight"])


@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")
def test_scripted_weights_are_refused_with_what_to_do():
    network = nn.Sequential(nn.Linear(4, 4), torch.jit.script(nn.Sequential(nn.Linear(4, 4))))
    with pytest.raises(InitsweepError, match=r"'1.0.weight' .4x4.* before `torch.jit.script`"):
        initialize_(network, "he_normal", 0)


def test_adapters_of_peft_start_as_peft_built_them():
    kind = type("BaseTunerLayer", (), {"__module__": "peft.tuners.tuners_utils"})
    network = nn.Sequential(type("LoRA", (Adapted, kind), {})(nn.Linear(8, 8), nn.Linear(2, 8)))
    network.append(nn.Linear(8, 2))
    before = {name: one.clone() for name, one in network.state_dict().items()}
    with pytest.warns(InitsweepWarning) as caught:
        initialize_(network[:1], "he_normal", 0)
    assert "Every parameter of the network is frozen or in no layer" in str(caught[1].message)
    with pytest.warns(InitsweepWarning) as caught:
        initialize_(network, "he_normal", 0)
    assert "'0.down.weight' (" in str(caught[0].message)
    assert "No scheme changes" not in str(caught[0].message)
    assert {name for name in before if torch.equal(before[name], network.state_dict()[name])} == {
        "0.base.weight", "0.base.bias", "0.down.weight", "0.up.weight", "0.up.bias",
    }  # fmt: skip


def test_conv1d_of_transformers_is_known_by_its_name():
    kind = type("Conv1D", (Turned,), {"__module__": "transformers.pytorch_utils"})
    state = initial_state(nn.Sequential(kind(8, 6)), ORTHOGONAL, 0)
    plain = initial_state(nn.Sequential(nn.Linear(8, 6)), ORTHOGONAL, 0)
    assert torch.equal(state["0.weight"], plain["0.weight"].T)
    assert not state["0.bias"].any()


def test_gpt2_is_filled_without_a_word():
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(
        n_embd=32,
        n_layer=1,
        n_head=2,
        vocab_size=50,
        n_positions=16,
        bos_token_id=1,
        eos_token_id=1,
    )
    network = transformers.GPT2LMHeadModel(config)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        initialize_(network, ORTHOGONAL, 0)
    weight = network.transformer.h[0].mlp.c_fc.weight.detach()
    torch.testing.assert_close(weight @ weight.T, torch.eye(32), rtol=0, atol=1e-5)
    fans = {layer.name: (layer.fan_in, layer.fan_out) for layer in layers_of(network)}
    assert fans["transformer.h.0.attn.c_attn"] == (32, 96)
    assert fans["transformer.h.0.mlp.c_proj"] == (128, 32)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"like": nn.LSTM}, "`like` must be torch's class"),
        ({"like": "Linear"}, "`like` must be torch's class"),
        ({"like": nn.Conv2d, "transposed": True}, "only a weight like nn.Linear's"),
        ({"like": nn.Linear, "weights": "up"}, r"write \('up',\)"),
    ],
)
def test_what_cannot_be_declared(said, message):
    with pytest.raises(InitsweepError, match=message):
        declared(Linear, **said)
    for kind in (nn.Linear, nn.LayerNorm, 3, dict):
        with pytest.raises(InitsweepError, match="takes a class of modules that is not torch's"):
            layer_kind(kind, like=nn.Linear)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"like": nn.Linear, "weights": ("kernel",)}, r"'1' \(Linear\) has a weight 'kernel', and"),
        ({"like": nn.Conv2d}, r"'1.weight' of shape \(3, 3\) .* nn.Conv2d, which has 4 axes"),
    ],
)
def test_a_declaration_that_does_not_fit(said, message):
    network = nn.Sequential(nn.Linear(3, 3), declared(Linear, **said)(3, 3))
    with pytest.raises(InitsweepError, match=message):
        initialize_(network, "he_normal", 0)
