"""Scales are asked of what every signal passes, not of branches."""

import pytest
import torch
from torch import Tensor, nn

from initsweep import diagnose
from initsweep.probes.reading import read

FEATURES = torch.randn(32, 8, generator=torch.Generator().manual_seed(0))
TARGETS = torch.arange(32) % 3
IDS = torch.randint(9, (32, 5), generator=torch.Generator().manual_seed(0))


class Residual(nn.Module):
    def __init__(self, branch_scale: float = 1.0, depth: int = 3) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(8, 16), nn.Linear(16, 3)
        self.blocks = nn.ModuleList(nn.Linear(16, 16) for _ in range(depth))
        self.branch_scale = branch_scale

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = x + self.branch_scale * block(x)
        return self.head(x)


class Concatenating(nn.Module):
    """The input itself goes to the head, beside all layers (a dense connection)."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.head = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.cat([x, self.two(torch.relu(self.one(x)))], dim=1))


class Reading(nn.Module):
    """Looks words up, adds positions, mixes."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(9, 8), nn.Embedding(5, 8)
        self.first, self.second, self.head = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, ids: Tensor) -> Tensor:
        places = self.places(torch.arange(ids.shape[1]).expand_as(ids))
        x = torch.relu(self.first(self.words(ids) + places))
        # Positions looked up again are no data: they lead past nothing.
        return self.head(torch.relu(self.second(x + places)).mean(dim=1))


class InPlace(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.head = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x *= 2.0
        x = torch.relu_(self.one(x))
        y = self.two(x)
        y += x
        return self.head(y)


def places(model: nn.Module, batch: Tensor = FEATURES) -> list[str]:
    torch.manual_seed(0)
    values = dict(model.named_parameters())
    found = read(model, values, batch, TARGETS, nn.functional.cross_entropy)
    assert found is not None
    return [point.name for point in found.trunk]


@pytest.mark.parametrize(
    ("model", "batch", "names"),
    [
        (nn.Sequential(nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 4), nn.Linear(4, 3)), FEATURES,
         ["0", "2"]),
        (Residual(depth=2), FEATURES,
         ["stem", "the sum after blocks.0", "the sum after blocks.1"]),
        (Concatenating(), FEATURES, []),
        (Reading(), IDS, ["first", "the sum after first", "second"]),
        (InPlace(), FEATURES, ["one", "the sum after two"]),
    ],
    ids=["chain", "residual", "dense", "lookup", "in place"],
)  # fmt: skip
def test_the_trunk_is_what_every_path_goes_through(model, batch, names):
    assert places(model, batch) == names


def test_the_batch_is_left_as_it_was():
    before = FEATURES.clone()
    places(InPlace())
    assert bool((before == FEATURES).all())
    assert not FEATURES.requires_grad


@pytest.mark.parametrize("scale", [1e-6, 0.1])
def test_a_small_branch_is_no_fault(scale):
    torch.manual_seed(0)
    assert diagnose(Residual(scale), FEATURES, TARGETS).schemes[0].verdict == "healthy"


def test_a_stream_that_grows_is_one_and_the_sum_is_named():
    torch.manual_seed(0)
    model = Residual(branch_scale=1e4, depth=2)
    row = diagnose(model, FEATURES, TARGETS).schemes[0]
    assert row.verdict == "exploding"
    assert "the sum after blocks.0" in row.reason
    assert row.first_bad_layer == "blocks.0"


@pytest.mark.parametrize("fused", [True, False])
def test_attention_is_judged_by_whether_it_has_decided(fused):
    class Attending(nn.Module):
        def __init__(self, scale: float) -> None:
            super().__init__()
            self.query, self.key, self.head = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 3)
            self.scale = scale

        def forward(self, x: Tensor) -> Tensor:
            q, k = self.scale * self.query(x), self.key(x)
            if fused:
                mixed = nn.functional.scaled_dot_product_attention(q, k, x)
            else:
                mixed = (q @ k.mT / 8**0.5).softmax(dim=-1) @ x
            return self.head(mixed.mean(dim=1))

    batch = torch.randn(32, 6, 8, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    calm, decided = (
        read(model, dict(model.named_parameters()), batch, TARGETS, nn.functional.cross_entropy)
        for model in (Attending(1.0), Attending(1e4))
    )
    assert calm is not None
    assert decided is not None
    assert calm.attentions[0][1] < 0.1 < 0.9 < decided.attentions[0][1]
