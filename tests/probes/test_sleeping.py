"""Which weights training never reaches: branches behind a zero wake, dead layers do not."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from initsweep import assert_healthy, diagnose
from initsweep.core.errors import UnhealthyError

FEATURES = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
TARGETS = torch.arange(64) % 3


class Branch(nn.Module):
    """A stem, something beside the stream, a head."""

    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.stem, self.branch, self.head = nn.Linear(8, 16), branch, nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.stem(x))
        return self.head(x + self.branch(x))


class Scaled(nn.Module):
    """A layer times a number that is trained: a gate, a layer scale."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.layer, self.scale = nn.Linear(16, 16), nn.Parameter(torch.full((16,), scale))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * torch.tanh(self.layer(x))


class Modulated(nn.Module):
    """Shift, scale and gate from a layer that starts at zero (adaLN-zero)."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.layer = nn.LayerNorm(16, elementwise_affine=False), nn.Linear(16, 16)
        self.modulation = _zero(nn.Linear(16, 48))

    def forward(self, x: Tensor) -> Tensor:
        shift, scale, gate = self.modulation(x).chunk(3, dim=-1)
        return gate * self.layer(self.norm(x) * (1 + scale) + shift)


def _zero(layer: nn.Module) -> nn.Module:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


def _off(layer: nn.Linear) -> nn.Linear:
    nn.init.constant_(layer.bias, -50.0)
    return layer


def _zero_gamma() -> nn.Module:
    norm = nn.BatchNorm1d(16)
    nn.init.zeros_(norm.weight)
    return nn.Sequential(nn.Linear(16, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 16), norm)


def _mlp(depth: int, dead: int | None = None) -> nn.Sequential:
    layers: list[nn.Module] = []
    for index in range(depth):
        layer = nn.Linear(16 if index else 8, 16)
        layers += [_off(layer) if index == dead else layer, nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(16, 3))


def _zero_head() -> nn.Module:
    model = _mlp(2)
    _zero(model[-1])
    return model


WAKING = {
    "zero gamma": lambda: Branch(_zero_gamma()),
    "low rank": lambda: Branch(nn.Sequential(nn.Linear(16, 2), _zero(nn.Linear(2, 16)))),
    "zero gate": lambda: Branch(Scaled(0.0)),
    "tiny layer scale": lambda: Branch(Scaled(1e-6)),
    "adaLN-zero": lambda: Branch(Modulated()),
    "zero last layer of a branch": lambda: Branch(
        nn.Sequential(nn.Linear(16, 16), nn.ReLU(), _zero(nn.Linear(16, 16)))
    ),
    "zero head": _zero_head,
    "softmax regression of zeros": lambda: _zero(nn.Linear(8, 3)),
}


@pytest.mark.parametrize("kind", WAKING)
def test_what_a_step_wakes_is_no_alarm(kind):
    torch.manual_seed(0)
    assert_healthy(WAKING[kind](), FEATURES, TARGETS)


class Unused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.spare = _mlp(1), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.used(x)


class Detached(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.head = nn.Linear(8, 16), nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(x).detach())


class Listed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks, self.head = [nn.Linear(8, 8) for _ in range(2)], nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = torch.tanh(block(x))
        return self.head(x)


class Weights(nn.Module):
    def __init__(self, held: Callable[[nn.Parameter], object]) -> None:
        super().__init__()
        self.own, self.head = held(nn.Parameter(torch.randn(8, 8))), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        own = self.own if isinstance(self.own, Tensor) else self.own[0]
        return self.head(torch.tanh(x @ own))


ASLEEP = {
    "first of two dead": (lambda: _mlp(2, dead=0), "dead", "module 0"),
    "last of two dead": (lambda: _mlp(2, dead=1), "dead", "module 2"),
    "third of four dead": (lambda: _mlp(4, dead=2), "dead", "module 4"),
    "dead branch": (
        lambda: Branch(nn.Sequential(_off(nn.Linear(16, 16)), nn.ReLU(), nn.Linear(16, 16))),
        "dead",
        "branch.0",
    ),
    "two zeros in a row": (
        lambda: Branch(
            nn.Sequential(_zero(nn.Linear(16, 16)), nn.ReLU(), _zero(nn.Linear(16, 16)))
        ),
        "symmetric",
        "branch.0",
    ),
    "unused": (Unused, "detached", "spare.weight"),
    "detached": (Detached, "detached", "encoder.weight"),
    "plain list": (Listed, "detached", "blocks (a list)"),
    "parameters in a list": (lambda: Weights(lambda w: [w]), "detached", "own (a list)"),
    "a tensor": (
        lambda: Weights(lambda w: w.detach().clone().requires_grad_()),
        "detached",
        "own (a Tensor)",
    ),
}


@pytest.mark.parametrize("kind", ASLEEP)
def test_what_no_training_reaches_is_an_alarm_that_names_it(kind):
    build, verdict, name = ASLEEP[kind]
    torch.manual_seed(0)
    row = diagnose(build(), FEATURES, TARGETS).schemes[0]
    assert row.verdict == verdict
    assert name in row.reason


@pytest.mark.parametrize(
    "held", [lambda w: [w.requires_grad_(False)], lambda w: w.detach(), lambda w: w,
             lambda w: nn.ParameterList([w])],
    ids=["frozen", "random features", "a parameter", "a list of torch's"],
)  # fmt: skip
def test_tensors_that_are_not_to_be_trained_or_that_torch_finds_are_no_alarm(held):
    assert diagnose(Weights(held), FEATURES, TARGETS).schemes[0].verdict != "detached"


def test_frozen_weights_do_not_sleep():
    model = Unused()
    model.spare.requires_grad_(False)
    assert diagnose(model, FEATURES, TARGETS).healthy


@pytest.mark.parametrize("shape", [(8,), (1, 1, 8)], ids=["bias", "token"])
def test_a_lone_vector_that_nothing_uses_is_no_alarm(shape):
    model = _mlp(1)
    model.register_parameter("spare", nn.Parameter(torch.zeros(shape)))
    assert diagnose(model, FEATURES, TARGETS).healthy


def test_a_sleeper_can_be_allowed():
    with pytest.raises(UnhealthyError, match=r"spare\.weight"):
        assert_healthy(Unused(), FEATURES, TARGETS)
    assert_healthy(Unused(), FEATURES, TARGETS, allow="detached")


def test_looking_for_sleepers_changes_nothing():
    model = _mlp(2, dead=1)
    before = {name: one.clone() for name, one in model.state_dict().items()}
    diagnose(model, FEATURES, TARGETS)
    assert all(bool((before[name] == one).all()) for name, one in model.state_dict().items())
    assert all(one.grad is None for one in model.parameters())
