import pytest
import torch
from torch import nn

from initsweep.graph.effects import effect_of_call, forms_of
from initsweep.graph.formulas import SHAPES, normalizes
from initsweep.graph.vocabulary import EFFECTS


@pytest.mark.parametrize(
    "function",
    [
        nn.LayerNorm(8), nn.GroupNorm(2, 8), nn.InstanceNorm2d(8),
        lambda x: x / x.norm(dim=-1, keepdim=True),
    ],
)  # fmt: skip
def test_what_forgets_the_scale_of_its_input_normalizes(function):
    assert normalizes(function.double() if isinstance(function, nn.Module) else function, SHAPES)


@pytest.mark.parametrize(
    "function",
    [
        nn.Identity(), nn.LocalResponseNorm(3), nn.Softmax(-1), nn.Dropout(0.0), torch.sign,
        lambda x: x - x.mean(), lambda x: x * x.mean(-1, keepdim=True).sigmoid(),
        lambda x: (x > x.mean()).double(), lambda x: x.mean(-1), lambda x: 0 / x,
    ],
)  # fmt: skip
def test_what_keeps_it_or_makes_little_of_it_does_not(function):
    assert not normalizes(function, SHAPES)


def test_all_forms_of_a_name_are_one_thing():
    for name in EFFECTS:
        assert {effect_of_call(one) for one in (name, f"{name}_", *forms_of(name))} == {
            EFFECTS[name]
        }
    assert effect_of_call(torch.max, tensors=1) == "statistic"
    assert effect_of_call(torch.isin) == "unknown"
