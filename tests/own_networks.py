"""Networks as strangers write them: of every kind, and none of which says anything of itself."""

import math

import torch
from torch import nn
from torch.nn import functional

FEATURES, OUTPUTS = 16, 3


class Dense(nn.Module):
    """One that the compiled path covers."""

    def __init__(self):
        super().__init__()
        self.stem, self.inner = nn.Linear(FEATURES, 8), nn.Linear(8, 8)
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, OUTPUTS)

    def forward(self, x):
        x = self.stem(x)
        return self.head(self.norm(x + torch.relu(self.inner(x))))


class Convolutional(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1, groups=4),
            nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        )  # fmt: skip
        self.head = nn.Linear(16, OUTPUTS)

    def forward(self, x):
        return self.head(self.body(x.view(-1, 1, 4, 4)))


class Residual(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.stem = nn.Conv2d(1, width, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
                nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width),
            )
            for _ in range(2)
        )  # fmt: skip
        self.pool, self.head = nn.AdaptiveAvgPool2d(1), nn.Linear(width, OUTPUTS)

    def forward(self, x):
        x = self.stem(x.view(-1, 1, 4, 4))
        for block in self.blocks:
            x = torch.relu(x + block(x))
        return self.head(self.pool(x).flatten(1))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cells = nn.GRU(4, 6, batch_first=True)
        self.hidden, self.head = nn.Linear(6, 6), nn.Linear(6, OUTPUTS)

    def forward(self, x):
        steps, _ = self.cells(x.view(-1, 4, 4))
        return self.head(torch.tanh(self.hidden(steps[:, -1])))


def attention(query, key, value):
    weights = (query @ key.transpose(-2, -1) / math.sqrt(key.size(-1))).softmax(-1)
    return weights @ value


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(4, 4) for _ in range(3))
        self.wide, self.narrow = nn.Linear(4, 8), nn.Linear(8, 4)
        self.head = nn.Linear(FEATURES, OUTPUTS)

    def forward(self, x):
        x = x.view(-1, 4, 4)
        x = x + attention(self.query(x), self.key(x), self.value(x))
        return self.head((x + self.narrow(functional.gelu(self.wide(x)))).flatten(1))


class Branching(nn.Module):
    """Which layers it uses depends on its data, so it cannot be traced as a whole."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(FEATURES, 8), nn.Linear(FEATURES, 8)
        self.rest = nn.Sequential(nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, OUTPUTS))

    def forward(self, x):
        return self.rest(self.first(x) if float(x.sum()) > 0 else self.second(x))


KINDS = (Dense, Convolutional, Residual, Recurrent, Attention, Branching)
