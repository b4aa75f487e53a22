"""What layers are to the signal, in networks written as other libraries write theirs."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from initsweep.initializers import initial_state, layers_of, make_initializer
from tests.initializers.transformers import LENGTH, TOKENS, WIDTH, BertLayer, attend

pytestmark = pytest.mark.filterwarnings("ignore:These parameters are in no layer")


def places_of(network):
    return {layer.name: layer.place for layer in layers_of(network)}


def ends_of(network):
    return [name for name, one in places_of(network).items() if "residual_output" in one.roles]


def check(x):
    """Do what cannot be traced, as checks of shapes and caches do."""
    assert x.isfinite().all()
    return x


class Typed(nn.Module):
    """Words, types and places that follow from the words: RoBERTa."""

    def __init__(self):
        super().__init__()
        self.words, self.types = nn.Embedding(TOKENS, WIDTH), nn.Embedding(2, WIDTH)
        self.places = nn.Embedding(LENGTH, WIDTH)
        self.layer = nn.ModuleList(BertLayer() for _ in range(2))
        self.head = nn.Linear(WIDTH, TOKENS)

    def forward(self, tokens):
        places = torch.cumsum(tokens.ne(1), dim=1)
        x = self.words(tokens) + self.types(torch.zeros_like(tokens)) + self.places(places)
        for layer in self.layer:
            x = layer(x)
        return self.head(x)


class Continued(nn.Module):
    """Places that are counted off the signal: BART."""

    def __init__(self):
        super().__init__()
        self.stem, self.places = nn.Linear(4, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.layer, self.head = BertLayer(), nn.Linear(WIDTH, 3)

    def forward(self, x):
        x = self.stem(x)
        x = x + self.places(x[:, :, 0].ne(0).cumsum(1))
        return self.head(self.layer(x))


@pytest.mark.parametrize(("network", "blocks"), [(Typed, 2), (Continued, 1)])
def test_a_sum_of_tables_is_no_residual_branch(network, blocks):
    places = places_of(network())
    assert places["head"].blocks == blocks
    assert {name.rpartition(".")[2] for name in ends_of(network())} == {"dense", "output"}
    assert (places["places"].block, places["head"].width) == (None, WIDTH)


class OnePlus(nn.Module):
    """A norm that starts at 0: Gemma."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(WIDTH))

    def forward(self, x):
        scaled = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)
        return scaled * (1.0 + self.weight.float())


class Gemma(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.head = nn.Linear(4, WIDTH), nn.Linear(WIDTH, 3)
        self.norm = OnePlus()
        self.rows = nn.Parameter(torch.zeros(5, 1, WIDTH))
        self.columns = nn.Parameter(torch.zeros(1, 5, WIDTH))
        self.first, self.second = (nn.Parameter(torch.zeros(1, 1, WIDTH)) for _ in range(2))

    def forward(self, x):
        x = self.stem(x) + (self.rows + self.columns).flatten(0, 1)
        tokens = torch.cat([self.first, self.second], dim=1)
        x = torch.cat([tokens.expand(x.shape[0], -1, -1), x], dim=1)
        return self.head(self.norm(x).mean(1))


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("gate", {"norm.weight"}),
        ("position", {"rows", "columns"}),
        ("token", {"first", "second"}),
    ],
)
def test_a_parameter_is_what_it_is_where_it_meets_the_signal(role, names):
    rules = [{"role": role, "std": 1.0}, {"match": "*", "scheme": "zeros"}]
    state = initial_state(Gemma(), make_initializer("by_part", {"rules": rules}), 0)
    built = {"norm.weight", "rows", "columns", "first", "second"}
    assert {name for name in built if state[name].any()} == names


class Gated(nn.Module):
    """Registered as Llama's authors do: the last layer is not the one that is added."""

    def __init__(self):
        super().__init__()
        self.w1, self.w2 = nn.Linear(WIDTH, 96), nn.Linear(96, WIDTH)
        self.w3 = nn.Linear(WIDTH, 96)

    def forward(self, x):
        return self.w2(functional.silu(self.w1(x)) * self.w3(x))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.wq, self.wk, self.wv, self.wo = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

    def forward(self, x):
        x = check(x)
        return self.wo(attend(self.wq(x), self.wk(x), self.wv(x)))


class InParts(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention, self.feed_forward = Attention(), Gated()

    def forward(self, x):
        x = x + self.attention(x)
        return x + self.feed_forward(x)


class Flat(nn.Module):
    """Its layers are in no part: OPT, BART."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.fc1, self.fc2 = nn.Linear(WIDTH, 96), nn.Linear(96, WIDTH)

    def forward(self, x):
        x = check(x)
        x = x + self.out(attend(self.q(x), self.k(x), self.v(x)))
        return x + self.fc2(torch.relu(self.fc1(x)))


class Mixed(nn.Module):
    """Layers around a part: only those after it end a branch."""

    def __init__(self):
        super().__init__()
        self.attention = Attention()
        self.fc1, self.fc2 = nn.Linear(WIDTH, 96), nn.Linear(96, WIDTH)

    def forward(self, x):
        x = check(x) + self.attention(x)
        return x + self.fc2(torch.relu(self.fc1(x)))


class Plain(nn.Module):
    """Can be read, and adds nothing."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(WIDTH, 96), nn.Linear(96, WIDTH)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))


class Stack(nn.Module):
    def __init__(self, block, held):
        super().__init__()
        self.table, self.head = nn.Embedding(TOKENS, WIDTH), nn.Linear(WIDTH, TOKENS)
        self.layers = held()
        for index in range(2):
            self.layers.add_module(str(index), block())

    def forward(self, tokens):
        x = check(self.table(tokens))
        for block in self.layers.children():
            x = block(x)
        return self.head(x)


@pytest.mark.parametrize("held", [nn.ModuleList, nn.ModuleDict, nn.Sequential])
@pytest.mark.parametrize(
    ("block", "ends"),
    [
        (InParts, ["attention.wo", "feed_forward.w2"]),
        (Flat, ["out", "fc2"]),
        (Mixed, ["attention.wo", "fc2"]),
        (Plain, []),
    ],
)
def test_blocks_that_cannot_be_read_end_where_their_parts_do(block, ends, held):
    network = Stack(block, held)
    assert ends_of(network) == [f"layers.{index}.{end}" for index in range(2) for end in ends]
    assert places_of(network)["head"].blocks == (2 if ends else 0)
