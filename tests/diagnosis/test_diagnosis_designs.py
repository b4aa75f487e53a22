"""Designs that look like faults and are none, and faults that hide behind a good start."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from initsweep import diagnose

FEATURES = torch.randn(200, 16, generator=torch.Generator().manual_seed(0))
TARGETS = (FEATURES[:, 0] > 0).long()
TOKENS = torch.randint(0, 50, (200, 4), generator=torch.Generator().manual_seed(0)).float()
EDGES = torch.randint(200, (2, 800), generator=torch.Generator().manual_seed(0))
NEAR = torch.eye(200) + (torch.rand(200, 200, generator=torch.Generator().manual_seed(0)) < 0.03)


class FrozenBackbone(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(16, 32).requires_grad_(False), nn.Linear(32, 2)

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            x = self.body(x)
        return self.head(x)


class Looking(nn.Module):
    """Reads tokens that are given as floats."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.head = nn.Embedding(50, 8), nn.Linear(32, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.words(x.long()).flatten(1))


class Graph(nn.Module):
    """Nodes read their neighbours: from a list of edges, or from a matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(16, 32), nn.Linear(32, 2)

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        z = torch.relu(self.body(x))
        if edges.is_floating_point():
            return self.head(edges @ z)
        return self.head(z + torch.zeros_like(z).index_add(0, edges[1], z[edges[0]]))


class Siamese(nn.Module):
    """The last bias of what both halves go through cancels."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 16))
        self.head = nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head((self.body(x[:, :8]) - self.body(x[:, 8:])) ** 2)


class Contrastive(nn.Module):
    """Compares every example with every other."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(8, 16), nn.Linear(8, 16)

    def forward(self, x: Tensor) -> Tensor:
        return self.one(x[:, :8]) @ self.two(x[:, 8:]).T


class Experts(nn.Module):
    """Most of its experts get no example of a small batch."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.head = nn.Linear(16, 24), nn.Linear(16, 2)
        self.experts = nn.ModuleList(nn.Linear(16, 16) for _ in range(24))

    def forward(self, x: Tensor) -> Tensor:
        share, chosen = self.gate(x).softmax(1).max(1)
        out = torch.zeros_like(x)
        for index, expert in enumerate(self.experts):
            if (chosen == index).any():
                mask = (chosen == index)[:, None]
                out = out + mask * expert(x) * share[:, None]
        return self.head(x + out)


class Demanding(nn.Module):
    """Wants its input to have a gradient, as speech models do for checkpoints."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(16, 32), nn.Linear(32, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, None]
        x.requires_grad = True
        return self.head(torch.relu(self.body(x))).squeeze(1)


def mlp(outputs: int = 2) -> nn.Module:
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, outputs))


IGNORED = torch.where(torch.arange(200) % 10 == 0, 255, TARGETS)
DESIGNS = {
    "frozen backbone": (FrozenBackbone, FEATURES, TARGETS, None),
    "tokens as floats": (Looking, TOKENS, TARGETS, None),
    "edges": (Graph, (FEATURES, EDGES), TARGETS, None),
    "matrix of edges": (Graph, (FEATURES, NEAR), TARGETS, None),
    "siamese": (Siamese, FEATURES, TARGETS, None),
    "contrastive": (Contrastive, FEATURES[:64], torch.arange(64), None),
    "experts": (Experts, FEATURES[:32], TARGETS[:32], None),
    "inputs with a gradient": (Demanding, FEATURES, TARGETS, None),
    "ignored targets": (
        lambda: mlp(4), FEATURES, IGNORED, nn.CrossEntropyLoss(ignore_index=255)
    ),
}  # fmt: skip


@pytest.mark.parametrize("rate", [None, 0.1])
@pytest.mark.parametrize("name", DESIGNS)
def test_a_design_of_its_own_is_no_fault(name, rate):
    build, batch, targets, loss = DESIGNS[name]
    torch.manual_seed(0)
    found = diagnose(build(), batch, targets, loss, rate=rate)
    assert not [one for one in found.findings if one.alarm]


def constant() -> nn.Module:
    model = mlp()
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.05)
    return model


def learnt() -> nn.Module:
    torch.manual_seed(0)
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(20):
        loss = functional.cross_entropy(model(FEATURES), TARGETS)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


FAULTS = {
    "copies": (constant, FEATURES, TARGETS, {"optimizer": "adam"}, "symmetric"),
    "a rate that forgets": (learnt, FEATURES, TARGETS, {"rate": 300.0}, "rate too large"),
    "targets around 1": (
        lambda: mlp(1), FEATURES, (FEATURES[:, :1] + 100) / 100, {"rate": 0.1}, "unscaled targets"
    ),
    "inputs around 5": (mlp, 0.05 * FEATURES + 5, TARGETS, {"rate": 0.1}, "unscaled inputs"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_behind_what_looks_usual(name):
    build, batch, targets, settings, verdict = FAULTS[name]
    torch.manual_seed(0)
    found = diagnose(build(), batch, targets, **settings)
    assert [one.verdict for one in found.findings if one.alarm] == [verdict]


def test_the_remedy_fills_networks_with_weights_that_no_initializer_knows():
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.own, self.body = nn.Parameter(torch.randn(16, 32) / 4), nn.Linear(32, 32)
            self.head = nn.Linear(32, 2)
            nn.init.constant_(self.body.weight, 0.1)
            nn.init.constant_(self.head.weight, 0.1)
            nn.init.zeros_(self.body.bias)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(torch.relu(self.body(torch.relu(x @ self.own))))

    torch.manual_seed(0)
    found = diagnose(Own(), FEATURES, TARGETS)
    assert found.remedy == 'initialize_(model, "he_normal", 0, unknown="keep")'
