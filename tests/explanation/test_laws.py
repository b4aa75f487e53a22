import math
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import init

from initsweep.core.randomness import torch_stream
from initsweep.explanation import explain, identify
from initsweep.initializers import INITIALIZERS, initialize_, layers_of, make_initializer


def law_of(module, fill):
    torch.manual_seed(0)
    with torch.no_grad():
        fill(module.weight)
    (layer,) = layers_of(module)
    return identify(module.weight, layer)


LINEAR = nn.Linear(64, 256)
CASES = {
    "he_normal": init.kaiming_normal_,
    "he_uniform": init.kaiming_uniform_,
    "he_normal fan_out": lambda w: init.kaiming_normal_(w, mode="fan_out"),
    "xavier_normal": init.xavier_normal_,
    "xavier_uniform": init.xavier_uniform_,
    "xavier_uniform, gain 5/3": lambda w: init.xavier_uniform_(w, gain=5 / 3),
    "lecun_normal": lambda w: init.normal_(w, std=1 / 8),
    "torch default U(±1/√fan_in)": lambda w: init.kaiming_uniform_(w, a=math.sqrt(5)),
    # Absolute bounds of 2 cut nothing off at this scale.
    "normal, std 0.0201": lambda w: init.trunc_normal_(w, std=0.02),
    "truncated normal ±0.04": lambda w: init.trunc_normal_(w, std=0.02, a=-0.04, b=0.04),
    "zeros": init.zeros_,
    "constant 0.3": lambda w: init.constant_(w, 0.3),
    "orthogonal, gain 1.41": lambda w: init.orthogonal_(w, math.sqrt(2)),
    "identity times 1": init.eye_,
    "uniform 0 to 0.1": lambda w: init.uniform_(w, 0, 0.1),
    "normal 0.499 ± 0.1": lambda w: init.normal_(w, 0.5, 0.1),
    "not finite": lambda w: init.constant_(w, math.nan),
}


@pytest.mark.parametrize("text", CASES)
def test_what_torch_draws_is_recognized(text):
    law = law_of(LINEAR, CASES[text])
    assert law.text == text or (text == "lecun_normal" and text in (law.text, *law.also))
    assert law.sure


def test_sparse_and_trained_weights():
    assert law_of(LINEAR, lambda w: init.sparse_(w, 0.9)).text.startswith("sparse, 9")

    def two_scales(weight):
        init.normal_(weight, std=0.01)
        weight[:128] *= 10

    assert law_of(LINEAR, two_scales).text.startswith("no known law")


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (nn.Conv2d(8, 32, 3), "torch default U(±1/√fan_in)"),
        (nn.ConvTranspose2d(16, 8, 3, stride=2), "torch default U(±1/√fan_in)"),
        (nn.Bilinear(16, 20, 8), "torch default U(±1/√fan_in)"),
        (nn.Embedding(300, 16, padding_idx=-1), "torch default N(0, 1)"),
    ],
)
def test_torch_s_own_defaults(module, text):
    torch.manual_seed(0)
    module.reset_parameters()
    assert explain(module).rows[0].law.text == text


def test_attention_and_recurrent_layers():
    torch.manual_seed(0)
    attention = explain(nn.MultiheadAttention(32, 4))
    assert [row.law.text for row in attention][:3] == ["torch default Xavier, packed"] * 3
    assert attention["out_proj"].law.text == "torch default U(±1/√fan_in)"
    lstm = explain(nn.LSTM(32, 24))
    assert len(lstm) == 8
    assert {row.law.text for row in lstm} == {"torch default U(±1/√hidden)"}
    assert {row.after.name for row in lstm} == {"gate"}


def test_torch_s_fans_are_told_from_the_layer_s():
    fill = partial(init.kaiming_normal_, mode="fan_out")
    law = law_of(nn.Conv2d(64, 64, 3, groups=4), fill)
    assert law.text == "he_normal fan_out, torch's fans"


def test_too_few_values_are_admitted():
    for seed in range(20):
        torch.manual_seed(seed)
        (row,) = explain(nn.Linear(4, 2))
        assert row.law.text == "too small to tell (n = 8)"
        assert not row.law.sure
    assert explain(nn.Linear(1, 1)).rows[0].law.text == "too small to tell (n = 1)"
    wrong = set()
    for seed in range(200):
        torch.manual_seed(seed)
        wrong.add(explain(nn.Linear(12, 12)).rows[0].law.text)
    assert wrong <= {"torch default U(±1/√fan_in)", "too small to tell (n = 144)"}


def test_half_precision_is_recognized():
    for kind in (torch.bfloat16, torch.float16):
        model = initialize_(nn.Linear(512, 512, dtype=kind), "he_uniform", 0)
        assert explain(model).rows[0].law.text == "he_uniform"
        model = initialize_(model, "he_normal", 0)
        assert explain(model).rows[0].law.text == "he_normal"


FAMILIES = [
    f"{stem}_{family}"
    for stem in ("he", "xavier", "lecun")
    for family in ("normal", "uniform", "truncated_normal")
]


@pytest.mark.parametrize("name", FAMILIES)
def test_our_own_schemes_are_recognized_seed_after_seed(name):
    initializer = make_initializer(name, INITIALIZERS.get(name).example)
    (layer,) = layers_of(nn.Linear(100, 300))
    found = [
        identify(initializer.weight(layer, torch_stream("law", seed)), layer).text
        for seed in range(50)
    ]
    assert found.count(name) >= 49
