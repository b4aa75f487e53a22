"""Published starts in networks that somebody else has filled."""

import json
import math

import pytest
import torch
from torch import nn

from initsweep.explanation import explain
from initsweep.initializers import initialize_, make_initializer
from tests.initializers.networks import PreActivation
from tests.initializers.transformers import DEPTH, T5, Bert, Gpt, Llama, Neox, Vit


def as_nanogpt(network, scaled=DEPTH):
    """Fill a network as `_init_weights` of nanoGPT does."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
    for name, parameter in network.named_parameters():
        if name.endswith("c_proj.weight") and scaled:
            nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * scaled))
    return network


def test_gpt2_s_start_is_told_part_by_part():
    found = explain(as_nanogpt(Gpt()))
    assert (found.start.scheme, found.start.also) == ("gpt2", ())
    ends, places, rest = found.start.parts
    assert ends.rule == "residual_output: std 0.02 / sqrt(2 * 2) = 0.01"
    assert ends.layers == tuple(f"h.{i}.{j}.c_proj" for i in range(2) for j in ("attn", "mlp"))
    assert (places.layers, "wte" in rest.layers) == (("wpe",), True)
    assert "residual_output: std 0.02 / sqrt(2 * 2) = 0.01 (h.0.attn.c_proj," in str(found)
    assert json.loads(json.dumps(found.as_record()))["start"]["scheme"] == "gpt2"


@pytest.mark.parametrize("scaled", [2 * DEPTH, DEPTH // 2])
def test_residual_outputs_of_another_scale_are_no_start_of_gpt2(scaled):
    assert explain(as_nanogpt(Gpt(), scaled)).start is None


@pytest.mark.parametrize("changed", ["h.1.mlp.c_fc.weight", "h.1.mlp.c_fc.bias", "ln_f.weight"])
def test_one_part_that_contradicts_is_enough(changed):
    network = as_nanogpt(Gpt())
    with torch.no_grad():
        network.get_parameter(changed).mul_(1.2).add_(0.001)
    assert explain(network).start is None


def test_without_scaled_outputs_it_is_bert_s():
    assert explain(as_nanogpt(Gpt(), 0)).start.scheme == "bert"


def test_other_laws_and_networks_without_blocks_have_no_published_start():
    for network in (Gpt(), initialize_(Gpt(), "he_normal", 0)):
        found = explain(network)
        assert found.start is None
        assert "Start:" not in str(found)
    assert explain(as_nanogpt(nn.Sequential(nn.Linear(64, 64), nn.Linear(64, 64)))).start is None
    assert explain(initialize_(PreActivation(), "fixup", 0)).start is None


@pytest.mark.parametrize(
    ("name", "options", "network", "told"),
    [
        ("gpt_neox", {}, Neox, "gpt_neox"),
        ("torchtitan", {}, Llama, "torchtitan"),
        ("olmo", {}, Llama, "olmo"),
        ("t5", {}, T5, "t5"),
        ("vit_timm", {"mode": "jax"}, Vit, "vit_timm (mode jax)"),
        ("vit_timm", {"mode": "moco"}, Vit, "vit_timm (mode moco)"),
        ("vit_timm", {}, Vit, "vit_timm (mode timm)"),
    ],
)
def test_our_own_starts_are_recognized(name, options, network, told):
    found = explain(initialize_(network(), make_initializer(name, options), 1))
    assert (found.start.scheme, found.start.also) == (told, ())
    assert max(map(len, str(found).splitlines())) <= 100


def test_starts_that_say_the_same_are_both_named():
    found = explain(initialize_(Bert(), "bert", 0))
    assert (found.start.scheme, found.start.also) == ("bert", ("vit_timm (mode timm)",))


def test_what_a_scheme_fills_is_not_said_to_be_left_as_built():
    assert explain(Vit()).unknown == ("cls_token", "pos_embed")
    found = explain(Vit(), "vit_timm")
    assert found.unknown == ()
    assert "left as built" not in str(found)
    assert "left as built, as it is in no layer that initializers know: cls_token" in str(
        explain(Vit(), "gpt2")
    ).replace("\n", " ")
