import shutil

import pytest

from initsweep.commands import main as cli
from tests.conftest import ROOT

MINE = """
import numpy
import torch
from torch import nn


def good(layer, generator, scale=1.0):
    return scale * torch.randn(layer.weight_shape, generator=generator) / layer.fan_in**0.5


def global_torch(layer, generator):
    return nn.init.xavier_normal_(torch.empty(layer.weight_shape))


def global_numpy(layer, generator):
    return torch.from_numpy(numpy.random.randn(*layer.weight_shape)).float()


def transposed(layer, generator):
    return torch.randn(layer.weight_shape, generator=generator).transpose(0, 1)


def raises(layer, generator):
    raise ValueError("not today")


def returns_nothing(layer, generator):
    return None


def only_linear(layer, generator):
    if layer.kind == "convolution":
        raise ValueError("no kernels")
    return torch.randn(layer.weight_shape, generator=generator)


def net(n_features, n_outputs):
    return nn.Sequential(nn.Linear(n_features, 32), nn.GELU(), nn.Linear(32, n_outputs))


def of_no_size():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.LSTM(8, 8))


def wrong_size(n_features, n_outputs):
    return nn.Linear(n_features, n_outputs + 1)


def failing(n_features, n_outputs):
    raise RuntimeError("no such luck")


class Crooked(nn.Module):
    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.first, self.second = nn.Linear(n_features, 8), nn.Linear(8, n_outputs)
        self.unused = nn.Linear(3, 3)

    def forward(self, inputs):
        hidden = self.first(inputs)
        if hidden.sum() > 0:
            hidden = hidden * 2
        return self.second(hidden - hidden.mean(0))


class Token(nn.Module):
    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.linear, self.token = nn.Linear(n_features, n_outputs), nn.Parameter(torch.zeros(3))
        self.linear.bias.requires_grad_(False)

    def forward(self, inputs):
        return self.linear(inputs) + self.token.sum()


class Restless(Token):
    def __init__(self, n_features, n_outputs):
        super().__init__(n_features, n_outputs)
        self.token.data += torch.from_numpy(numpy.random.randn(3)).float()


class Unknown(nn.Module):
    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_outputs, n_features))

    def forward(self, inputs):
        return inputs @ self.weight.T


class Deciding(nn.Module):
    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.linear = nn.Linear(n_features, n_outputs)

    def forward(self, inputs):
        outputs = self.linear(inputs)
        return outputs if outputs.mean() > 0 else 2 * outputs


class Pair(Deciding):
    def forward(self, inputs):
        return self.linear(inputs), inputs


class Rough(nn.Module):
    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.stem, self.head = nn.Linear(n_features, 8), nn.Linear(8, n_outputs)

    def forward(self, inputs):
        return self.head(nn.functional.rrelu(self.stem(inputs), training=self.training))


class Siren(nn.Module):
    def __init__(self, n_features, n_outputs, *, depth=1, scale=30.0, mixing=0.0, type=None):
        super().__init__()
        self.first = nn.Linear(n_features, 256)
        self.others = nn.ModuleList(nn.Linear(256, 256) for _ in range(depth))
        self.head = nn.Linear(256, n_outputs)
        self.scale, self.mixing, self.type = scale, mixing, type

    def forward(self, inputs):
        inputs = inputs.to(self.type and getattr(torch, self.type))
        hidden = torch.sin(self.scale * self.first(inputs))
        for layer in self.others:
            hidden = torch.sin(self.scale * layer(hidden))
        return self.head(hidden + self.mixing * hidden.mean(0))


class OverBatch(Deciding):
    def forward(self, inputs):
        return torch.softmax(self.linear(inputs), 0)


class Normed(Deciding):
    def forward(self, inputs):
        return nn.functional.batch_norm(self.linear(inputs), None, None, training=True)


class Half(Deciding):
    def forward(self, inputs):
        return torch.softmax(self.linear(inputs).to(torch.bfloat16), 1).float()


def with_softmax(n_features, n_outputs):
    return nn.Sequential(nn.Linear(n_features, n_outputs), nn.Softmax(dim=1))


def with_options(n_features, n_outputs, *, hidden):
    return nn.Sequential(nn.Linear(n_features, hidden), nn.ReLU(), nn.Linear(hidden, n_outputs))


def of_any_width(width=16):
    return nn.Sequential(nn.Linear(9, width), nn.Tanh(), nn.Linear(width, 3))


instance = nn.Linear(3, 4)
number = 3


def in_place(w):
    return nn.init.xavier_normal_(w)


def by_position(width=16, /):
    return nn.Linear(width, 3)


def ready():
    return nn.Sequential(nn.Linear(12, 16), nn.Tanh(), nn.Linear(16, 3))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.out = nn.Embedding(50, 16), nn.Linear(16, 50, bias=False)
        self.middle, self.out.weight = nn.Linear(16, 16), self.table.weight

    def forward(self, tokens):
        return self.out(torch.fft.fft(self.middle(self.table(tokens))).real)
"""


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Run a command in a folder with a module `mine`; return status, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "mine.py").write_text(MINE)

    def run(*arguments):
        status = cli.main(arguments)
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return run


@pytest.fixture
def with_params(tmp_path):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    return tmp_path / "params.yaml"
