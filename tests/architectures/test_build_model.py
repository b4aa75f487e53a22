"""Networks by name: what the user can get wrong, and the user's own."""

import pytest
import torch
from torch import nn

from initsweep.architectures import build_model, describe
from initsweep.core.errors import InitsweepError, ParamsError, UnknownNameError

OPTIONS = {"depth": 3, "width": 128, "activation": "relu", "norm": "none", "residual": False}
HERE = __name__


def make_net(n_features, n_outputs, width=4, *, dropout=0.0):
    return nn.Sequential(
        nn.Linear(n_features, width), nn.BatchNorm1d(width), nn.Dropout(dropout),
        nn.ReLU(), nn.Linear(width, n_outputs),
    )  # fmt: skip


def make_lazy(n_features, n_outputs):
    return nn.Sequential(nn.LazyLinear(3), nn.Tanh(), nn.Linear(3, n_outputs))


class WithRandomBuffer(nn.Module):
    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.register_buffer("features", torch.randn(n_features, 6))
        self.head = nn.Linear(6, n_outputs)

    def forward(self, inputs):
        return self.head(inputs @ self.features)


def make_nothing(n_features, n_outputs):
    return None


def make_wrong_inputs(n_features, n_outputs):
    return nn.Linear(n_features + 1, n_outputs)


def make_wrong_outputs(n_features, n_outputs):
    return nn.Linear(n_features, n_outputs + 1)


def make_without_arguments():
    return nn.Linear(2, 2)


class MakesTuples(nn.Linear):
    def forward(self, inputs):
        return (super().forward(inputs),)


not_callable = 3


def build(name, options=None):
    return build_model(name, options or {}, n_features=5, n_outputs=2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"depth": -3}, "model.depth: .*received -3"),
        ({"depth": 0}, "model.depth: .*received 0"),
        ({"depth": 2.5}, r"model.depth: .*received 2\.5"),
        ({"depth": "3"}, "model.depth: .*received '3'.*text"),
        ({"depth": True}, "model.depth: .*received True"),
        ({"width": 0}, "model.width: .*received 0"),
        ({"activation": "rleu"}, "model.activation: .*'relu'.*received 'rleu'"),
        ({"norm": None}, "model.norm: .*received None"),
        ({"residual": 1}, "model.residual: .*received 1"),
        ({"wdth": 1}, "model.wdth: unknown key. Did you mean 'width'"),
    ],
)
def test_a_wrong_option_is_named_with_its_value(change, message):
    with pytest.raises(ParamsError, match=message):
        build("mlp", OPTIONS | change)
    with pytest.raises(ParamsError, match=message):
        describe("mlp", OPTIONS | change)


def test_missing_options_are_all_named():
    with pytest.raises(ParamsError) as caught:
        build("mlp", {"depth": 2})
    for key in ("width", "activation", "norm", "residual"):
        assert f"model.{key}: missing" in str(caught.value)


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(UnknownNameError, match=r"architecture 'mpl'\. Did you mean 'mlp'"):
        build("mpl", OPTIONS)


def test_a_users_function_gets_its_options():
    network = build(f"{HERE}:make_net", {"width": 7, "dropout": 0.5})
    assert network[0].out_features == 7
    assert network[2].p == 0.5
    assert network.training
    assert int(network[1].num_batches_tracked) == 0


def test_lazy_layers_have_their_shapes_afterwards():
    assert tuple(build(f"{HERE}:make_lazy")[0].weight.shape) == (3, 5)


def test_random_buffers_are_the_same_every_time_and_the_global_generator_stays():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = build(f"{HERE}:WithRandomBuffer")
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    assert torch.equal(first.features, build(f"{HERE}:WithRandomBuffer").features)


@pytest.mark.parametrize(
    ("attribute", "options", "error", "message"),
    [
        ("make_net", {"wdth": 3}, ParamsError, "model.wdth: unknown.*received 3.*mean 'width'"),
        ("make_lazy", {"width": 3}, ParamsError, "model.width: unknown.*takes no options"),
        ("make_without_arguments", {}, ParamsError, "model: .*n_features, n_outputs"),
        ("not_callable", {}, ParamsError, "model.name: .*received 3"),
        ("make_nothing", {}, InitsweepError, "must return a torch.nn.Module, received None"),
        ("make_wrong_inputs", {}, InitsweepError, r"fails on a batch of shape \(2, 5\)"),
        ("make_wrong_outputs", {}, InitsweepError, r"tensor of shape \(2, 3\); it must .*\(2, 2\)"),
        ("MakesTuples", {}, InitsweepError, r"\(2, 5\), returned a tuple of 1; it must"),
        ("make_nte", {}, UnknownNameError, "Did you mean 'make_net'"),
    ],
)
def test_mistakes_in_a_users_own_are_explained(attribute, options, error, message):
    with pytest.raises(error, match=message):
        build(f"{HERE}:{attribute}", options)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({}, "mlp-3x128-relu"),
        ({"depth": 30, "width": 64, "activation": "leaky_relu"}, "mlp-30x64-leaky_relu"),
        ({"norm": "batch"}, "mlp-3x128-relu-batchnorm"),
        ({"norm": "layer", "residual": True}, "mlp-3x128-relu-layernorm-residual"),
    ],
)
def test_short_names(change, name):
    assert describe("mlp", OPTIONS | change) == name


def test_a_users_own_is_called_by_its_path():
    assert describe(f"{HERE}:make_net", {"width": 3}) == f"{HERE}.make_net"
