"""Networks of every kind, with a layer of six features first and one of three classes last."""

import torch
from torch import nn
from torch.nn import functional


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.inner = nn.Linear(width, width)

    def forward(self, x):
        return x + torch.tanh(self.inner(x))


class Swish(nn.Module):
    """Not an operation that plans know: such a network runs under vmap."""

    def forward(self, x):
        return x * torch.sigmoid(x)


class RandomNoise(nn.Module):
    def forward(self, x):
        return functional.dropout(x, 0.5, self.training)


class Branching(nn.Module):
    """Looks at values from Python, which vmap does not allow."""

    def forward(self, x):
        return x if x.sum().item() > 0 else -x


class Remembering(nn.Module):
    """Does something else each time, by a count that is no buffer."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return x * self.calls


UNPLANNED = {
    "unplanned": "vmap",
    "dropout": "vmap",
    "gru": "vmap",
    "words": "vmap",
    "attention": "one lane at a time",
    "branching": "one lane at a time",
    "lstm": "one lane at a time",
}
"""Networks that the compiled path refuses, and how the torch path trains them."""

FACTORS = [(0.25, 4), (1, 1), (2, 0), (0, 1), (3, 0.5)]
"""On rate and decay, for one parameter after the other."""


class Recurrent(nn.Module):
    """Reads its input in steps of two numbers, forwards and backwards, in two layers."""

    def __init__(self, kind, width):
        super().__init__()
        self.cells = kind(2, width, 2, batch_first=True, dropout=0.3, bidirectional=True)
        self.out = nn.Linear(2 * width, width)

    def forward(self, x):
        steps = x[:, : x.shape[1] // 2 * 2].unflatten(1, (-1, 2))
        return self.out(self.cells(steps)[0][:, -1])


class Attention(nn.Module):
    """Its numbers look at each other, by the fused function of torch."""

    def forward(self, x):
        x = x[:, None, :, None]
        return functional.scaled_dot_product_attention(x, x, x).flatten(1)


class Words(nn.Module):
    """Looks up whole numbers that it reads from floats."""

    def __init__(self, width):
        super().__init__()
        self.table = nn.Embedding(5, width)

    def forward(self, x):
        whole = x.abs().nan_to_num(posinf=0.0).clamp(max=4).long()
        return x + self.table(whole).mean(1)


def network(kind, *, n_features=6, width=8, n_outputs=3):
    # A bias before batch norm has no gradient but rounding noise, which Adam blows up to full size.
    first = nn.Linear(n_features, width, bias=kind != "batch_norm")
    head = nn.Linear(width, n_outputs)
    middle = {
        "plain": [nn.ReLU(), nn.Linear(width, width), nn.ReLU()],
        "batch_norm": [nn.BatchNorm1d(width), nn.ReLU()],
        "layer_norm": [nn.LayerNorm(width), nn.GELU()],
        "residual": [nn.ReLU(), Residual(width)],
        "sigmoid": [nn.Sigmoid(), nn.Linear(width, width), nn.ELU()],
        "images": [
            nn.Unflatten(1, (2, 2, 2)), nn.Conv2d(2, 4, 2, stride=2, padding=1, groups=2),
            nn.GroupNorm(2, 4), nn.ReLU(), nn.Conv2d(4, 4, 2, padding=1, groups=4),
            nn.AvgPool2d(2, 1), nn.Conv2d(4, width, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        ],
        "unplanned": [Swish(), nn.Linear(width, width), nn.ELU()],
        "dropout": [nn.ReLU(), RandomNoise()],
        "branching": [nn.ReLU(), Branching()],
        "remembering": [nn.ReLU(), Remembering()],
        "gru": [nn.Tanh(), Recurrent(nn.GRU, width)],
        "lstm": [nn.Tanh(), Recurrent(nn.LSTM, width)],
        "attention": [Attention(), nn.Linear(width, width)],
        "words": [Words(width)],
        "rms_norm": [nn.RMSNorm(width), nn.ReLU()],
    }  # fmt: skip
    return nn.Sequential(first, *middle[kind], head)
