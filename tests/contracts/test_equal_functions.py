"""Networks that are the same function get the same verdict, values and explanation."""

import operator
from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everybody calls it

from initsweep import assert_healthy, diagnose, explain, initial_state
from initsweep.core.errors import InitsweepError, UnhealthyError
from initsweep.engine.plan_reading import read_plan
from initsweep.initializers import activations_after, activations_before

WIDTH, SIDE, DEPTH = 8, 4, 4
IMAGES = torch.randn(16, WIDTH, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
ROWS = torch.randn(16, WIDTH, generator=torch.Generator().manual_seed(1))
SCHEMES = ("he_normal", "xavier_uniform", "torch_default", "lsuv", "fixup")


class Chain(nn.Module):
    """Layers, each with a norm and an activation behind it, and a head."""

    def __init__(self, norm: Callable, activation: Callable, images: bool, depth: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        layer = (lambda: nn.Conv2d(WIDTH, WIDTH, 3, padding=1)) if images else (
            lambda: nn.Linear(WIDTH, WIDTH)
        )  # fmt: skip
        self.layers = nn.ModuleList(layer() for _ in range(depth))
        self.head = nn.Linear(WIDTH * SIDE * SIDE if images else WIDTH, 3)
        self.between = nn.ModuleList(nn.ModuleList(map(_module, (norm, activation)))
                                     for _ in range(depth))  # fmt: skip

    def forward(self, signal: Tensor) -> Tensor:
        for layer, (norm, activation) in zip(self.layers, self.between, strict=True):
            signal = activation(norm(layer(signal)))
        return self.head(signal.flatten(1))


class Function(nn.Module):
    """Calls a function in the midst of others, so that no hook of a module sees it."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function, self.inner = function, nn.ModuleList([nn.Identity()])

    def forward(self, signal: Tensor) -> Tensor:
        return self.function(signal)


def _module(made: Callable) -> nn.Module:
    return made() if isinstance(made, type) or getattr(made, "builds", False) else Function(made)


def builds(make: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    make.builds = True
    return make


class Scaled(nn.Module):
    """An own norm over some axes, with scale and shift."""

    def __init__(self, axes: tuple[int, ...]) -> None:
        super().__init__()
        self.axes, self.shape = axes, (1, -1, 1, 1) if 3 in axes else (1, -1)
        self.weight = nn.Parameter(torch.ones(WIDTH))
        self.bias = nn.Parameter(torch.zeros(WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(self.axes, keepdim=True)
        variance = ((x - mean) ** 2).mean(self.axes, keepdim=True)
        normal = (x - mean) * torch.rsqrt(variance + 1e-5)
        return normal * self.weight.view(self.shape) + self.bias.view(self.shape)


class OwnRMS(nn.Module):
    """The norm of many language models, as they write it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5))


class Annotated(nn.Module):
    """A layer norm as tutorials write it: the scale comes before the division."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Parameter(torch.ones(WIDTH)), nn.Parameter(torch.zeros(WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        mean, spread = x.mean(-1, keepdim=True), x.std(-1, keepdim=True, correction=0)
        return self.a * (x - mean) / (spread + 1e-6) + self.b


class OwnGroups(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(x.shape[0], 2, -1)
        variance, mean = torch.var_mean(rows, -1, keepdim=True, correction=0)
        return ((rows - mean) / (variance + 1e-5).sqrt()).view(x.shape)


class ChannelsLast(nn.Module):
    """A norm over channels as networks for images use it: they are brought last, and back."""

    def __init__(self, turned: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.turned, self.norm = turned, nn.LayerNorm(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.turned(x)).movedim(-1, 1)


class Swish(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(x)


def _written(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    return (x - x.mean(axes, keepdim=True)) / (
        x.var(axes, keepdim=True, correction=0) + 1e-5
    ).sqrt()


IMAGE_NORMS = {
    "instance": [
        builds(lambda: nn.InstanceNorm2d(WIDTH, affine=True)),
        builds(lambda: nn.InstanceNorm2d(WIDTH)),
        builds(lambda: nn.GroupNorm(WIDTH, WIDTH)), F.instance_norm,
        lambda x: F.group_norm(x, WIDTH),
        builds(lambda: nn.InstanceNorm2d(WIDTH, track_running_stats=True)),
        builds(lambda: Scaled((2, 3))), lambda x: _written(x, (2, 3)),
    ],
    "group": [builds(lambda: nn.GroupNorm(2, WIDTH)), lambda x: F.group_norm(x, 2), OwnGroups],
    "sample": [
        builds(lambda: nn.GroupNorm(1, WIDTH)), builds(lambda: nn.LayerNorm([WIDTH, SIDE, SIDE])),
        lambda x: F.layer_norm(x, x.shape[1:]), lambda x: _written(x, (1, 2, 3)),
    ],
    "batch": [
        builds(lambda: nn.BatchNorm2d(WIDTH)), builds(lambda: nn.SyncBatchNorm(WIDTH).eval()),
        lambda x: F.batch_norm(x, None, None, training=True), builds(lambda: Scaled((0, 2, 3))),
        lambda x: _written(x, (0, 2, 3)),
    ],
    "channels": [
        lambda x: _written(x, (1,)), builds(lambda: ChannelsLast(lambda x: x.permute(0, 2, 3, 1))),
        builds(lambda: ChannelsLast(lambda x: x.movedim(1, -1).contiguous())),
        lambda x: F.layer_norm(x.permute(0, 2, 3, 1), (WIDTH,)).permute(0, 3, 1, 2),
        lambda x: F.layer_norm(2 * x.transpose(1, -1), (WIDTH,), eps=4e-5).swapdims(-1, 1),
    ],
    "local": [builds(lambda: nn.LocalResponseNorm(3)), lambda x: F.local_response_norm(x, 3)],
}  # fmt: skip
ROW_NORMS = {
    "layer": [
        builds(lambda: nn.LayerNorm(WIDTH)), builds(lambda: nn.GroupNorm(1, WIDTH)),
        lambda x: F.layer_norm(x, (WIDTH,)), builds(lambda: Scaled((1,))),
        lambda x: F.layer_norm(x.view(x.shape), (WIDTH,)),
        lambda x: F.layer_norm(x.t().t().clone(), (WIDTH,)),
        lambda x: F.layer_norm(x.unsqueeze(1), (WIDTH,)).squeeze(1),
        lambda x: F.layer_norm(torch.unsqueeze(input=x, dim=1), (WIDTH,)).squeeze(1),
    ],
    "root mean square": [
        builds(lambda: nn.RMSNorm(WIDTH, eps=1e-5)), lambda x: F.rms_norm(x, (WIDTH,), eps=1e-5),
        OwnRMS,
    ],
    "batch": [builds(lambda: nn.BatchNorm1d(WIDTH)), builds(lambda: nn.SyncBatchNorm(WIDTH)),
              builds(lambda: Scaled((0,))), lambda x: _written(x, (0,))],
}  # fmt: skip
ACTIVATIONS = {
    "relu": [
        nn.ReLU, builds(lambda: nn.ReLU(inplace=True)), F.relu, F.relu_, torch.relu,
        lambda x: x.relu(), lambda x: x.relu_(), lambda x: x.clamp(min=0),
        lambda x: x.clamp_min_(0), lambda x: x * (x > 0),
        lambda x: torch.maximum(x, torch.zeros_like(x)), lambda x: x.max(torch.tensor(0.0)),
        lambda x: torch.where(x > 0, x, 0.0), lambda x: x.masked_fill(x < 0, 0.0),
        builds(lambda: nn.Threshold(0.0, 0.0)), builds(lambda: nn.LeakyReLU(0.0)),
        lambda x: (x + x.abs()) / 2,
    ],
    "silu": [nn.SiLU, F.silu, Swish, Swish().forward, lambda x: x / (1 + torch.exp(-x))],
    "gelu": [nn.GELU, F.gelu, lambda x: x * (1 + torch.erf(x / 2**0.5)) / 2],
    "tanh": [nn.Tanh, F.tanh, torch.tanh, lambda x: x.tanh_(),
             lambda x: 2 * torch.sigmoid(2 * x) - 1],
    "sigmoid": [nn.Sigmoid, F.sigmoid, lambda x: x.sigmoid(), torch.special.expit,
                lambda x: 1 / (1 + torch.exp(-x))],
    "softplus": [nn.Softplus, F.softplus, lambda x: torch.log(1 + torch.exp(x))],
    "elu": [nn.ELU, F.elu, F.elu_, lambda x: torch.where(x > 0, x, torch.expm1(x))],
    "leaky_relu": [nn.LeakyReLU, F.leaky_relu, lambda x: torch.maximum(x, 0.01 * x)],
    "relu6": [nn.ReLU6, F.relu6, lambda x: x.clamp(0, 6)],
    "mish": [nn.Mish, F.mish, lambda x: x * torch.tanh(F.softplus(x))],
    "hardswish": [nn.Hardswish, F.hardswish, lambda x: x * F.relu6(x + 3) / 6],
    "softsign": [nn.Softsign, F.softsign, lambda x: x / (1 + x.abs())],
    "tanhshrink": [nn.Tanhshrink, F.tanhshrink, lambda x: x - torch.tanh(x)],
    "square": [torch.square, lambda x: x**2, lambda x: x * x],
    "abs": [torch.abs, operator.abs],
    "selu": [nn.SELU, F.selu, torch.selu], "hardsigmoid": [nn.Hardsigmoid, F.hardsigmoid],
    "logsigmoid": [nn.LogSigmoid, F.logsigmoid, lambda x: -F.softplus(-x)],
}  # fmt: skip


def _pairs(groups: dict[str, list[Callable]]) -> list:
    return [
        pytest.param(first, other, id=f"{name} {index}")
        for name, (first, *others) in groups.items()
        for index, other in enumerate(others, 1)
    ]


def _agree(one: nn.Module, other: nn.Module, batch: Tensor) -> None:
    """Hold against each other what is said of two networks that are one function."""
    outputs = [network.train()(batch.clone()) for network in (one, other)]
    assert torch.allclose(*outputs, atol=1e-4)
    targets = torch.arange(len(batch)) % 3
    found, expected = diagnose(other, batch, targets), diagnose(one, batch, targets)
    assert [_said(row) for row in found.findings] == [_said(row) for row in expected.findings]
    assert [row.verdict for row in found.schemes] == [row.verdict for row in expected.schemes]
    assert [row.unseen for row in found.schemes] == [row.unseen for row in expected.schemes]
    for row, like in zip(found.layers, expected.layers, strict=True):
        for name in ("forward_std", "backward_std", "saturated", "dead", "effective_rank"):
            assert getattr(row, name) == pytest.approx(getattr(like, name), rel=1e-2), name
    assert _read(other) == _read(one)
    for scheme in SCHEMES:
        _same_states(_filled(one, scheme, batch), _filled(other, scheme, batch))


def _said(finding) -> tuple:
    return finding.cause, finding.verdict, finding.alarm


def _read(network: nn.Module) -> list:
    """Return what initializers and `explain` read around each layer."""
    assert not activations_after(network).unclear
    before = activations_before(network).unclear
    rows = explain(network, "he_normal").rows
    return [before, [(row.layer, row.after.name, round(row.after.gain or 0, 4)) for row in rows]]


def _filled(network: nn.Module, scheme: str, batch: Tensor) -> dict[str, Tensor] | str:
    try:
        with pytest.warns(Warning, match="keep") if _own(network) else nullcontext():
            state = initial_state(network, scheme, 0, inputs=batch)
    except InitsweepError as error:
        return str(error)
    return {name: one for name, one in state.items() if not name.startswith("between")}


def _own(network: nn.Module) -> bool:
    return any(isinstance(one, Scaled | OwnRMS) for one in network.modules())


def _same_states(one: dict[str, Tensor] | str, other: dict[str, Tensor] | str) -> None:
    if isinstance(one, str):
        assert one == other
        return
    for name, value in one.items():
        assert torch.allclose(value, other[name], rtol=1e-4, atol=1e-6), name


@pytest.mark.parametrize(("first", "other"), _pairs(IMAGE_NORMS))
def test_norms_of_images(first, other):
    one, two = (Chain(norm, nn.ReLU, True, DEPTH) for norm in (first, other))
    for network in (one, two):
        _shrink(network)
    _agree(one, two, IMAGES)


@pytest.mark.parametrize(("first", "other"), _pairs(ROW_NORMS))
def test_norms_of_rows(first, other):
    one, two = (Chain(norm, nn.Tanh, False, DEPTH) for norm in (first, other))
    _agree(one, two, ROWS)


@pytest.mark.parametrize(("first", "other"), _pairs(ACTIVATIONS))
def test_activations(first, other):
    one, two = (Chain(nn.Identity, act, False, DEPTH) for act in (first, other))
    _agree(one, two, ROWS)


def _shrink(network: Chain) -> None:
    with torch.no_grad():
        for layer in network.layers:
            layer.weight.mul_(0.05)


@pytest.mark.parametrize("kind", ["instance", "channels"])
def test_a_deep_network_of_small_weights_fails_or_passes_whatever_its_norm_is_called(kind):
    said = set()
    for norm in IMAGE_NORMS[kind]:
        network = Chain(norm, nn.ReLU, True, 12)
        _shrink(network)
        try:
            said.add(assert_healthy(network, IMAGES, strict=True).schemes[0].verdict)
        except UnhealthyError as error:
            said.add(str(error).partition(". ")[0])
    assert len(said) == 1


@pytest.mark.parametrize(
    ("first", "other"),
    _pairs(
        {
            "relu": ACTIVATIONS["relu"][:1] + ACTIVATIONS["relu"][2:3] + ACTIVATIONS["relu"][4:6],
            "tanh": ACTIVATIONS["tanh"][1:3],
        }
    ),
)
def test_the_engine_plans_all_forms_alike(first, other):
    # Not those whose derivative at 0 is another, as that of `clamp` is.
    one, two = (read_plan(Chain(nn.Identity, act, False, 2), (WIDTH,)) for act in (first, other))
    assert one == two


class OwnProduct(nn.Module):
    """A weight layer that writes its product out."""

    def __init__(self, product: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.product = product
        self.weight = nn.Parameter(torch.empty(WIDTH, WIDTH))
        self.bias = nn.Parameter(torch.zeros(WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        return self.product(x, self.weight) + self.bias


PRODUCTS = {
    "linear": F.linear, "@": lambda x, w: x @ w.T, "matmul": lambda x, w: torch.matmul(x, w.t()),
    "mm": lambda x, w: x.mm(w.mT), "einsum": lambda x, w: torch.einsum("bi,oi->bo", x, w),
}  # fmt: skip


@pytest.mark.parametrize("product", PRODUCTS.values(), ids=PRODUCTS)
def test_products_with_a_weight(product):
    """The small ones in the middle are where the signal ends, whoever multiplies."""
    plain = Chain(nn.Identity, nn.ReLU, False, 8)
    other = Chain(nn.Identity, nn.ReLU, False, 8)
    for place in (3, 4, 5):
        plain.layers[place].weight.data *= 0.01
        own = OwnProduct(product)
        own.load_state_dict(plain.layers[place].state_dict())
        other.layers[place] = own
    one, two = (_judged(network) for network in (plain, other))
    assert one == two
    assert one[0] == "vanishing"


def _judged(network: nn.Module) -> tuple:
    found = diagnose(network, ROWS, ROWS.argmax(1) % 3)
    return found.schemes[0].verdict, [round(row.forward_std, 9) for row in found.layers]


def test_a_norm_whose_scale_comes_before_its_division():
    one, two = (
        Chain(norm, nn.ReLU, False, 8) for norm in (builds(lambda: nn.LayerNorm(WIDTH)), Annotated)
    )
    for network in (one, two):
        _shrink(network)
    found = [diagnose(network, ROWS, ROWS.argmax(1) % 3) for network in (one, two)]
    assert len({finding.schemes[0].verdict for finding in found}) == 1
    stds = [[row.forward_std for row in finding.layers] for finding in found]
    assert stds[1] == pytest.approx(stds[0], rel=0.02)
    assert not any("not looked at" in note for finding in found for note in finding.notes)
