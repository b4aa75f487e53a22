import json
import math

import pytest
import torch
from torch import nn

import initsweep
from initsweep.architectures import build_model
from initsweep.architectures.mlp import MlpArchitecture
from initsweep.core.errors import InitsweepError
from initsweep.explanation import explain
from initsweep.initializers import initialize_, make_initializer
from tests.initializers.networks import Mixed


@pytest.fixture
def model():
    options = {**MlpArchitecture.example, "width": 256}
    return build_model("mlp", options, n_features=64, n_outputs=10)


def test_it_is_offered_by_the_package():
    assert initsweep.explain is explain


def test_the_numbers_of_he_under_relu(model):
    row = explain(initialize_(model, "he_normal", 0))["hidden.1.linear"]
    assert row.std == pytest.approx(math.sqrt(2 / 256), rel=0.01)
    assert row.gain == pytest.approx(math.sqrt(2), rel=0.01)
    assert (row.after.name, row.reads.name) == ("relu", "relu")
    assert row.ratio_after == pytest.approx(1, rel=0.02)
    assert row.ratio_reads == pytest.approx(1, rel=0.02)


def test_torch_s_default_has_a_sixth_of_the_variance_that_relu_needs(model):
    row = explain(initialize_(model, "torch_default", 0))["hidden.1.linear"]
    assert row.ratio_after == pytest.approx(1 / 6, rel=0.02)


def test_beside_a_scheme_the_stated_numbers_stand(model):
    found = explain(initialize_(model, "torch_default", 0), "he_normal")
    assert [row.layer for row in found.under_scheme] == [row.layer for row in found]
    assert found.under_scheme[1].std == math.sqrt(2 / 256)
    assert {row.law.text for row in found.under_scheme} == {"he_normal"}
    assert {row.bias.text for row in found.under_scheme} == {"zeros"}


def test_a_scheme_that_measures_signals_is_measured(model):
    inputs = torch.randn(100, 64)
    found = explain(model, make_initializer("lsuv", {}), inputs=inputs)
    assert found.scheme == "lsuv"
    assert found.under_scheme[1].law.text.startswith("orthogonal, gain")


@pytest.mark.parametrize("scheme", [None, "xavier_uniform", "orthogonal"])
def test_the_table_fits_a_terminal(scheme):
    initializer = make_initializer(scheme, {"gain": "auto"} if scheme == "orthogonal" else {}) \
        if scheme else None  # fmt: skip
    for network in (Mixed(), nn.LSTM(32, 16), nn.MultiheadAttention(8, 2), nn.ReLU()):
        text = str(explain(network, initializer))
        assert max(map(len, text.splitlines())) <= 100
        assert text.splitlines()[0].split() == [
            "layer", "law", "std", "gain", "fan", "in/out", "then", "reads"
        ]  # fmt: skip


def test_a_row_reads_alone_and_as_json():
    row = explain(Mixed())["swish"]
    assert str(row).split()[0] == "swish"
    assert row.after.name == "silu"
    assert json.loads(json.dumps(row.as_record()))["after"]["name"] == "silu"


def test_nothing_is_changed(model):
    initialize_(model, "he_normal", 0)
    before = {name: one.clone() for name, one in model.state_dict().items()}
    state = torch.get_rng_state()
    explain(model, "he_uniform")
    assert all(torch.equal(before[name], one) for name, one in model.state_dict().items())
    assert torch.equal(state, torch.get_rng_state())


def test_a_network_without_values_is_told_what_to_do():
    with pytest.raises(InitsweepError, match="on the meta device and has no values"):
        explain(nn.Linear(3, 4, device="meta"))
    with pytest.raises(InitsweepError, match="has no shape yet"):
        explain(nn.LazyLinear(3))


def test_parameters_of_no_layer_are_left_out_and_named():
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.token, self.linear = nn.Parameter(torch.zeros(1, 3)), nn.Linear(3, 40)

    found = explain(Tokens())
    assert ([row.layer for row in found], found.unknown) == (["linear"], ("token",))
    assert "Left out, as it is in no layer that initializers know: token." in str(found)
    found = explain(Tokens(), "he_normal")
    assert ([row.layer for row in found.under_scheme], found.unknown) == (["linear"], ("token",))
    assert (
        "Left out, and left as built, as it is in no layer that initializers know: token."
        in str(found)
    )


def test_frozen_layers_keep_their_law_under_a_scheme(model):
    initialize_(model, "torch_default", 0).get_submodule("hidden.1.linear").weight.requires_grad_(
        False
    )
    found = explain(model, "he_normal")
    laws = {row.layer: row.law.text for row in found.under_scheme}
    assert laws["hidden.1.linear"].startswith("torch default")
    assert laws["hidden.0.linear"] == "he_normal"
    assert found.frozen == ("hidden.1.linear.weight",)
    assert found.as_record()["frozen"] == ["hidden.1.linear.weight"]
    assert "Frozen, so left as built: hidden.1.linear.weight." in str(found)


def test_what_builds_a_network_will_do():
    def build():
        return nn.Sequential(nn.Linear(200, 300), nn.ReLU())

    state = torch.get_rng_state()
    found = explain(build, "he_normal", seed=1)
    assert torch.equal(state, torch.get_rng_state())
    assert found.rows == explain(build, seed=1).rows
    assert found.rows != explain(build, seed=2).rows
    assert [row.layer for row in explain(Mixed)] == [row.layer for row in explain(Mixed())]
    with pytest.raises(
        InitsweepError, match=r"'Linear' fails without arguments .TypeError.*lambda"
    ):
        explain(nn.Linear)
    with pytest.raises(InitsweepError, match=r"must return a torch.nn.Module, received 3"):
        explain(lambda: 3)
    with pytest.raises(InitsweepError, match="a network or what builds one, received 'mlp'"):
        explain("mlp")


def test_long_paths_are_told_apart():
    layer = nn.TransformerEncoderLayer(8, 2, 16)
    lines = str(explain(nn.Sequential(nn.ModuleDict({"encoder": layer})))).splitlines()
    assert "0.encoder.self_attn.q_proj" in lines
