"""Blocks of rows: projections of attention, gates, lookup tables, tied weights, PReLU."""

import math

import pytest
import torch
from torch import nn

from initsweep.initializers import initial_state, initialize_, layers_of, make_initializer

HE = make_initializer("he_normal", {})
DEFAULT = make_initializer("torch_default", {})


def test_packed_projections_are_initialized_each():
    attention = nn.MultiheadAttention(64, 4)
    state = initial_state(attention, make_initializer("orthogonal", {"gain": 1.0}), 0)
    for block in state["in_proj_weight"].double().chunk(3):
        identity = torch.eye(64, dtype=torch.float64)
        torch.testing.assert_close(block @ block.T, identity, rtol=0, atol=1e-6)
    assert [layer.name for layer in layers_of(attention)] == [
        "q_proj", "k_proj", "v_proj", "out_proj",
    ]  # fmt: skip


def test_packed_and_separate_projections_have_the_same_bits():
    packed = initial_state(nn.MultiheadAttention(8, 2), HE, 3)
    separate = initial_state(nn.MultiheadAttention(8, 2, kdim=8, vdim=5), HE, 3)
    query, key, _ = packed["in_proj_weight"].chunk(3)
    assert torch.equal(query, separate["q_proj_weight"])
    assert torch.equal(key, separate["k_proj_weight"])
    assert not torch.equal(query, key)


def test_biases_of_attention():
    attention = nn.MultiheadAttention(8, 2, add_bias_kv=True)
    state = initial_state(attention, HE, 0)
    assert list(state) == [name for name, _ in attention.named_parameters()]
    for name in ("in_proj_bias", "bias_k", "bias_v", "out_proj.bias"):
        assert not state[name].any()
    assert list(initial_state(nn.MultiheadAttention(8, 2, bias=False), HE, 0)) == [
        "in_proj_weight", "out_proj.weight",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("module", "gates"),
    [
        (nn.RNN(5, 6, 2, bidirectional=True), 1),
        (nn.LSTM(5, 6, 2, proj_size=3), 4),
        (nn.GRU(5, 6, bias=False), 3),
        (nn.LSTMCell(5, 6), 4),
        (nn.GRUCell(5, 6), 3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_gates_are_layers_of_their_own(module, gates):
    state = initial_state(module, make_initializer("orthogonal", {"gain": 1.0}), 0)
    assert list(state) == [name for name, _ in module.named_parameters()]
    for name, value in state.items():
        if name.startswith("weight_hr"):
            continue
        if name.startswith("bias"):
            assert not value.any()
            continue
        for block in value.double().chunk(gates):
            gram = block @ block.T if block.shape[0] <= block.shape[1] else block.T @ block
            identity = torch.eye(len(gram), dtype=torch.float64)
            torch.testing.assert_close(gram, identity, rtol=0, atol=1e-6)
    module.load_state_dict(state)


def test_the_order_of_gates_is_torch_s():
    lstm = nn.LSTMCell(1, 1)
    assert [layer.name for layer in layers_of(lstm)][:4] == [
        f"weight_ih[{gate}]" for gate in ("input", "forget", "cell", "output")
    ]
    for parameter in lstm.parameters():
        nn.init.zeros_(parameter)
    lstm.bias_ih.data[1] = 50.0  # the forget gate open: the cell keeps its state
    _, cell = lstm(torch.zeros(1, 1), (torch.zeros(1, 1), torch.full((1, 1), 3.0)))
    assert float(cell.detach()) == pytest.approx(3.0)
    gru = nn.GRUCell(1, 1)
    assert [layer.name for layer in layers_of(gru)][:3] == [
        f"weight_ih[{gate}]" for gate in ("reset", "update", "new")
    ]
    for parameter in gru.parameters():
        nn.init.zeros_(parameter)
    gru.bias_ih.data[1] = 50.0  # the update gate open: the state stays
    state = gru(torch.zeros(1, 1), torch.full((1, 1), 3.0))
    assert float(state.detach()) == pytest.approx(3.0)


def test_the_padding_row_stays_zero():
    for module in (nn.Embedding(5, 3, padding_idx=2), nn.EmbeddingBag(5, 3, padding_idx=2)):
        weight = initial_state(module, HE, 0)["weight"]
        assert [bool(row.any()) for row in weight] == [True, True, False, True, True]


def test_prelu_starts_at_the_slope_it_was_built_with():
    state = initial_state(nn.PReLU(3, init=0.1), DEFAULT, 0)
    assert torch.equal(state["weight"], torch.full((3,), 0.1))


def test_a_table_tied_to_the_output_gets_the_output_s_scale():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.head = nn.Embedding(500, 64), nn.Linear(64, 500, bias=False)
            self.head.weight = self.table.weight

        def forward(self, tokens):
            return self.head(self.table(tokens))

    network = Tied()
    (layer,) = layers_of(network)
    assert (layer.name, layer.kind, layer.fan_in) == ("table", "linear", 64)
    initialize_(network, "lecun_normal", 0)
    assert float(network.table.weight.detach().std()) == pytest.approx(1 / 8, rel=0.02)
    tokens = torch.arange(500)
    loss = nn.functional.cross_entropy(network(tokens), tokens.roll(1))
    assert float(loss.detach()) == pytest.approx(math.log(500), abs=0.05)


def _torch_s_own(module):
    torch.manual_seed(0)
    if isinstance(module, nn.MultiheadAttention):
        module._reset_parameters()
    else:
        module.reset_parameters()
    return {name: value.detach().clone() for name, value in module.named_parameters()}


@pytest.mark.parametrize(
    "module",
    [
        nn.Embedding(300, 200),
        nn.Bilinear(50, 20, 30),
        nn.MultiheadAttention(120, 4),
        nn.MultiheadAttention(120, 4, kdim=60, vdim=90),
        nn.LSTM(90, 80, proj_size=40),
        nn.GRU(90, 80),
        nn.RNNCell(90, 80),
    ],
    ids=str,
)
def test_torch_default_is_torch_s_default(module):
    with torch.random.fork_rng(devices=[]):
        theirs = _torch_s_own(module)
    state = initial_state(module, DEFAULT, 0)
    for name, value in theirs.items():
        ours = state[name]
        if not value.any() or value.numel() < 100:
            assert bool(ours.any()) == bool(value.any()), name
            continue
        tolerance = 10 / math.sqrt(value.numel())
        assert float(ours.std()) == pytest.approx(float(value.std()), rel=tolerance), name
        if "Embedding" not in type(module).__name__ and value.numel() > 3000:
            largest = float(value.abs().max())
            assert float(ours.abs().max()) == pytest.approx(largest, rel=5e-3), name
