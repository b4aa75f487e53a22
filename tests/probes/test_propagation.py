"""Predictions against wide networks, where theory is exact."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from initsweep.architectures import build_model
from initsweep.initializers import initial_state, make_initializer
from initsweep.probes.capture import capture
from initsweep.probes.propagation import propagate

BASE = {"depth": 8, "width": 384, "activation": "tanh", "norm": "none", "residual": False}
CASES = {
    "residual": ("mlp", BASE | {"residual": True}, "xavier_normal", 0.15),
    "residual relu": ("mlp", BASE | {"residual": True, "activation": "relu"}, "lecun_normal", 0.3),
    "layer norm": ("mlp", BASE | {"norm": "layer"}, "xavier_normal", 0.1),
    "batch norm": ("mlp", BASE | {"norm": "batch"}, "xavier_normal", 0.15),
    "batch norm, residual": ("mlp", BASE | {"norm": "batch", "residual": True}, "he_normal", 0.15),
    "convolutions": (
        "cnn",
        {"channels": [64, 64], "kernel": 3, "activation": "tanh", "dense": 128, "image": None},
        "xavier_normal",
        0.3,
    ),
}


def predicted(model, state, features, targets):
    shot = capture(
        model, state, features, targets, functional.cross_entropy,
        getattr(model, "activation_after", {}),
    )  # fmt: skip
    return shot, propagate(model, state, features, shot)


@pytest.mark.parametrize(("name", "options", "scheme", "tolerance"), CASES.values(), ids=CASES)
def test_predictions_are_what_wide_networks_show(name, options, scheme, tolerance):
    generator = torch.Generator().manual_seed(3)
    features = torch.randn(64, 64, generator=generator)
    targets = torch.randint(10, (64,), generator=generator)
    model = build_model(name, options, n_features=64, n_outputs=10)
    state = initial_state(model, make_initializer(scheme, {}), 0)
    shot, found = predicted(model, state, features, targets)
    for layer, prediction in list(zip(shot.layers, found, strict=True))[:-1]:
        forward, backward = layer.pre_activations.std(), layer.gradients.square().mean().sqrt()
        assert prediction.forward_std == pytest.approx(float(forward), rel=tolerance), layer.name
        assert prediction.backward_std == pytest.approx(float(backward), rel=tolerance), layer.name


class Block(nn.Module):
    def __init__(self, width=64) -> None:
        super().__init__()
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 4, batch_first=True)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        y = self.before(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + self.down(functional.gelu(self.up(self.after(x))))


def test_an_attention_interrupts_theory_but_does_not_end_it():
    torch.manual_seed(0)
    model = nn.Sequential(Block(), Block(), nn.Flatten(), nn.Linear(512, 10))
    state = {name: value.detach() for name, value in model.named_parameters()}
    shot, found = predicted(model, state, torch.randn(64, 8, 64), torch.randint(10, (64,)))
    known = {x.name: (x, p) for x, p in zip(shot.layers, found, strict=True) if p is not None}
    assert {"0.up", "1.up"} <= set(known)
    assert not any("attention" in name for name in known)
    for layer, prediction in known.values():
        forward, backward = layer.pre_activations.std(), layer.gradients.square().mean().sqrt()
        assert prediction.forward_std == pytest.approx(float(forward), rel=0.15), layer.name
        assert prediction.backward_std == pytest.approx(float(backward), rel=0.15), layer.name


class Odd(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(6, 64), nn.Linear(64, 64), nn.Linear(64, 3)

    def forward(self, x):
        return self.c(functional.gelu(self.b(torch.sort(torch.tanh(self.a(x)))[0])))


def test_an_operation_without_a_rule_starts_the_prediction_again():
    torch.manual_seed(0)
    net = Odd()
    for p in net.parameters():
        nn.init.normal_(p, std=0.1)
    features, targets = torch.randn(32, 6), torch.randint(3, (32,))
    shot, found = predicted(net, dict(net.named_parameters()), features, targets)
    assert found[0] is None  # what flows back through the sort is not known
    assert found[1].forward_std == pytest.approx(
        float(shot.layers[1].pre_activations.std()), rel=0.3
    )


def test_networks_that_cannot_be_traced_have_no_prediction():
    class Choosing(nn.Linear):
        def forward(self, x):
            return super().forward(x if x.sum() > 0 else -x)

    net = nn.Sequential(Choosing(4, 4), nn.ReLU(), nn.Linear(4, 2))

    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x):
            return self.net(x if bool(x.sum() > 0) else -x)

    features, targets = torch.randn(8, 4), torch.randint(2, (8,))
    outer = Outer()
    _, found = predicted(outer, dict(outer.named_parameters()), features, targets)
    assert found is None


def test_a_table_that_is_added_to_every_example_is_measured_not_predicted():
    class Positions(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.table = nn.Linear(6, 6), nn.Embedding(4, 6)
            self.last = nn.Linear(6, 6)
            self.register_buffer("order", torch.arange(4))

        def forward(self, x):
            return self.last(self.first(x.reshape(-1, 4, 6)) + self.table(self.order))

    from initsweep import diagnose

    found = diagnose(Positions(), torch.randn(32, 24, generator=torch.Generator().manual_seed(0)))
    assert [row.name for row in found.layers] == ["first", "last"]
    assert all(row.forward_std > 0 for row in found.layers)
