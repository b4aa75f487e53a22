"""Networks that are valid and unusual, each by the kind of thing that is unusual about it."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations


def around(middle, head=True):
    """A convolutional network with something between its layers."""
    layers = [nn.Conv2d(3, 8, 3), middle, nn.Conv2d(8, 8, 3)]
    return nn.Sequential(*layers, nn.ReLU(), nn.Flatten(), nn.Linear(8 * 4 * 4, 3))


class Function(nn.Module):
    """Applies a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Snake(nn.Module):
    """An activation with a parameter."""

    def __init__(self):
        super().__init__()
        self.rate = nn.Parameter(torch.tensor(2.0))

    def forward(self, x):
        return x + torch.sin(self.rate * x) ** 2 / self.rate


class Noise(nn.Module):
    def forward(self, x):
        return x + torch.randn_like(x)


MIXING = {
    "instance norm": lambda: nn.InstanceNorm2d(8),
    "pooling": lambda: nn.MaxPool2d(3, 1, 1),
    "response norm": lambda: nn.LocalResponseNorm(2),
    "softmax": lambda: nn.Softmax(dim=1),
    "softmax of the last axis": lambda: nn.Softmax(dim=-1),
    "dropout": lambda: nn.AlphaDropout(0.3),
    "shuffle": lambda: nn.ChannelShuffle(2),
    "centring": lambda: Function(lambda x: x - x.mean()),
    "scaling": lambda: Function(lambda x: x / x.abs().max()),
    "one shape only": lambda: Function(lambda x: x.reshape(-1, 8, 6, 6).relu()),
    "identity": nn.Identity,
    "noise": Noise,
    "random slopes": nn.RReLU,
    "slopes of units": lambda: nn.PReLU(8),
}
POINTWISE = {
    "learned slope": nn.PReLU,
    "learned": Snake,
    "function": lambda: Function(lambda x: x * torch.sigmoid(x)),
    "step": lambda: Function(lambda x: (x > 0).to(x)),
    "in place": lambda: nn.SiLU(inplace=True),
}


class NormedAndActivated(nn.BatchNorm2d):
    """A normalization with an activation inside, as libraries of image networks have it."""

    def __init__(self, channels):
        super().__init__(channels)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x):
        shift = functional.batch_norm(x, None, None, self.weight, self.bias, training=True)
        return self.act(shift)


class SameConv(nn.Conv2d):
    """Pads itself."""

    def forward(self, x):
        return self._conv_forward(functional.pad(x, (1, 1, 1, 1)), self.weight, self.bias)


class Standardized(nn.Conv2d):
    """Standardizes its weight."""

    def forward(self, x):
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return functional.conv2d(x, weight / weight.std((1, 2, 3), keepdim=True), self.bias)


class Equalized(nn.Linear):
    """Changes its input and its output, by name."""

    def forward(self, x):
        return functional.linear(input=x.flatten(1) * 2, weight=self.weight, bias=self.bias) + 1


class ByHand(nn.Linear):
    """Multiplies without a function of torch's."""

    def forward(self, x):
        return x @ self.weight.T + self.bias


class Adapted(nn.Linear):
    """Adds something of low rank to its product."""

    def __init__(self, fan_in, fan_out):
        super().__init__(fan_in, fan_out)
        self.down, self.up = nn.Linear(fan_in, 2, bias=False), nn.Linear(2, fan_out, bias=False)

    def forward(self, x):
        return super().forward(x) + self.up(self.down(x))


class Pair(nn.Linear):
    """Returns its bias apart."""

    def forward(self, x):
        return functional.linear(x, self.weight), self.bias


class Summed(nn.Module):
    def __init__(self):
        super().__init__()
        self.pair = Pair(6, 8)

    def forward(self, x):
        return sum(self.pair(x))


def flat(layer, width=8):
    return nn.Sequential(layer, nn.Tanh(), nn.Linear(width, 3))


LAYERS = {
    "pads itself": (lambda: nn.Sequential(SameConv(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 8)), 4),
    "standardizes": (
        lambda: nn.Sequential(Standardized(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 6)),
        4,
    ),
    "scales": (lambda: flat(Equalized(6, 8)), 2),
    "by hand": (lambda: flat(ByHand(6, 8)), 2),
    "adapted": (lambda: flat(Adapted(6, 8)), 2),
    "weight norm": (lambda: flat(parametrizations.weight_norm(nn.Linear(6, 8))), 2),
    "spectral norm": (lambda: flat(parametrizations.spectral_norm(nn.Linear(6, 8))), 2),
    "old spectral norm": (lambda: flat(nn.utils.spectral_norm(nn.Linear(6, 8))), 2),
    "orthogonal": (lambda: flat(parametrizations.orthogonal(nn.Linear(6, 6)), 6), 2),
}
"""Networks whose first layer computes in its own way, and the axes of their inputs."""


class Singly(nn.Module):
    """Converts to float32 in between."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.b(torch.relu(self.a(x)).float())


class Stateful(nn.Module):
    """Makes a state in float32."""

    def __init__(self):
        super().__init__()
        self.rnn, self.head = nn.LSTM(6, 8, batch_first=True), nn.Linear(8, 3)

    def forward(self, x):
        state = torch.zeros(1, len(x), 8), torch.zeros(1, len(x), 8)
        return self.head(self.rnn(x[:, None], state)[0][:, -1])


class Quiet(nn.Linear):
    def forward(self, x):
        return functional.linear(x.float(), self.weight.float(), self.bias.float())


class Quietly(nn.Module):
    """Multiplies in float32 whatever it is given."""

    def __init__(self):
        super().__init__()
        self.a, self.b = Quiet(6, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.b(torch.relu(self.a(x)).to(x.dtype))


class OneHot(nn.Module):
    """Turns class numbers into float32."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(5, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.b(torch.relu(self.a(functional.one_hot(x, 5).float())))


class Halved(nn.Module):
    """Computes in bfloat16 only, whatever comes."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 8), nn.Linear(8, 3)
        self.bfloat16()

    def forward(self, x):
        return self.b(torch.tanh(self.a(x.bfloat16())))


class Fourier(nn.Module):
    """Multiplies by a complex parameter, and by a complex tensor that is no parameter."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 8), nn.Linear(8, 3)
        self.spectrum = nn.Parameter(torch.randn(5, dtype=torch.cfloat))
        self.turn = torch.diag(torch.polar(torch.ones(4), torch.arange(4.0)))

    def forward(self, x):
        x = torch.fft.irfft(torch.fft.rfft(self.a(x)) * self.spectrum, n=8)
        pairs = torch.view_as_complex(x.reshape(-1, 4, 2)) @ self.turn
        return self.b(torch.view_as_real(pairs).flatten(1))


class Tables(nn.Module):
    """Keeps tensors in plain attributes and containers."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 8), nn.Linear(8, 3)
        self.scale, self.shifts = torch.ones(8), [torch.zeros(8)]
        self.mix = torch.eye(8)

    def forward(self, x):
        return self.b(torch.tanh(self.a(x) @ self.mix * self.scale + self.shifts[0]))


class Named(NamedTuple):
    hidden: torch.Tensor
    logits: torch.Tensor


@dataclass
class Record:
    count: int
    states: list[torch.Tensor]


class Answering(nn.Module):
    """Answers in any form."""

    def __init__(self, form):
        super().__init__()
        self.a, self.b, self.form = nn.Linear(6, 8), nn.Linear(8, 3), form

    def forward(self, x):
        hidden = torch.relu(self.a(x))
        return self.form(hidden, self.b(hidden))


class Several(nn.Module):
    """Takes two inputs, and more by name."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.head = nn.Linear(6, 8), nn.Embedding(5, 8), nn.Linear(8, 3)

    def forward(self, x, tokens, mask=None, *, scale=1.0):
        return self.head(torch.relu(self.a(x) + self.b(tokens)) * scale)


class Listening(nn.Module):
    """Takes a list, and a dictionary or a list of one."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.head = nn.Linear(8, 8), nn.Embedding(5, 8), nn.Linear(8, 3)

    def forward(self, rows, named):
        named = named[0] if isinstance(named, list) else named
        return self.head(torch.relu(self.a(torch.cat(rows, 1)) + self.b(named["tokens"])))


class Attending(nn.Module):
    """Calls torch's attention as a function."""

    def __init__(self):
        super().__init__()
        self.up, self.down = nn.Linear(1, 24), nn.Linear(8, 1)

    def forward(self, x):
        parts = self.up(x[:, None, :, None]).chunk(3, -1)  # one head
        return self.down(functional.scaled_dot_product_attention(*parts)).flatten(1)


class Merging(nn.Module):
    """Counts places as examples between its layers, and adds a table to them."""

    def __init__(self):
        super().__init__()
        self.a, self.norm, self.b = nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Linear(6, 6)
        self.places, self.table = nn.Linear(5, 6), torch.eye(5)

    def forward(self, x):
        x = torch.relu(self.norm(self.a(x).view(-1, 6))).view(-1, 5, 6)
        return self.b(torch.tanh(x + self.places(self.table)))


class Careful(nn.Module):
    """Raises."""

    def __init__(self, error=None):
        super().__init__()
        self.a, self.b = nn.Linear(6, 8), nn.Linear(8, 3)
        self.error = error

    def forward(self, x):
        assert self.error is not None or x.shape[1] == 3, "three channels, please"
        if self.error is not None:
            raise self.error
        return self.b(self.a(x))


class Restless(nn.Module):
    """Changes whatever it can when it runs."""

    def __init__(self):
        super().__init__()
        self.a, self.norm, self.b = nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)
        self.frozen = nn.Linear(3, 3).requires_grad_(False)
        self.count, self.seen, self.last = 0, [], torch.zeros(3)
        self.register_buffer("steps", torch.zeros(()))
        self.heard = []
        self.a.register_forward_hook(lambda *_: self.heard.append(1))

    def forward(self, x):
        x -= 0.5
        self.count += 1
        self.steps += 1
        x = functional.dropout(self.norm(self.a(x)), 0.2, self.training)
        self.seen.append(x)
        self.last = self.frozen(self.b(torch.relu(x)))
        self.eval()
        return self.last


class Loose(nn.Module):
    """Uses a layer twice, another without gradient, one not at all, and shares a weight."""

    def __init__(self):
        super().__init__()
        self.a, self.twice = nn.Linear(6, 8), nn.Linear(8, 8)
        self.off = parametrizations.weight_norm(nn.Linear(8, 8))
        self.unused, self.head = nn.Linear(4, 4), nn.Linear(8, 8)
        self.head.weight = self.twice.weight

    def forward(self, x):
        x = torch.tanh(self.twice(torch.tanh(self.twice(self.a(x)))))
        with torch.no_grad():
            gate = torch.sigmoid(self.off(x))
        return self.head(x * gate)


class Experts(nn.Module):
    """Sends no example to one of its parts, and a single one to another."""

    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleList(nn.Linear(6, 8) for _ in range(3))
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        shares = x[:0], x[:1], x[1:]
        parts = [part(share) for part, share in zip(self.parts, shares, strict=True)]
        return self.head(torch.relu(torch.cat(parts)))
