"""Initializers by name: what the user can get wrong, and the user's own."""

import pytest
import torch
from torch import nn

from initsweep import initialize_
from initsweep.core.errors import ParamsError, UnknownNameError
from initsweep.core.randomness import torch_stream
from initsweep.initializers import Initializer, make_initializer
from initsweep.initializers.layers import Layer

LAYER = Layer(name="l", weight_shape=(3, 2), bias_shape=(3,), fan_in=2, fan_out=3, activation=None)


def my_init(layer, generator, factor=1.0, *, shift):
    return factor * torch.ones(layer.weight_shape) + shift


def takes_only_a_layer(layer):
    return torch.zeros(layer.weight_shape)


class MyInit(Initializer):
    summary = reference = conditions = "mine"
    level: float

    def weight(self, layer, generator):
        return torch.full(layer.weight_shape, self.level)


not_callable = 3


class NotAnInitializer:
    pass


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(UnknownNameError, match="Did you mean 'he_normal'"):
        make_initializer("he_norml", {})


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("constant", {}, "constant.value: missing"),
        ("constant", {"value": "0.1"}, r"constant.value: .* received '0.1'.*0\.1"),
        ("constant", {"value": float("nan")}, "constant.value: .*received nan"),
        ("constant", {"value": float("inf")}, "constant.value: .*received inf"),
        ("constant", {"value": True}, "constant.value: .*received True"),
        (
            "constant",
            {"valuee": 1.0, "value": 1.0},
            "constant.valuee: unknown key. Did",
        ),
        ("zeros", {"std": 1.0}, "zeros.std: unknown key.*takes no options"),
        ("random_normal", {"std": -1.0}, "random_normal.std: .*received -1"),
        ("random_normal", {"std": 0.0}, "random_normal.std: .*received 0"),
        ("random_uniform", {"low": 1.0, "high": 1.0}, "random_uniform: low must be below high"),
        (
            "random_scaled",
            {"scale": 1.0, "mode": "fan", "distribution": "normal"},
            "random_scaled.mode: .*'fan_in'.*received 'fan'",
        ),
        (
            "orthogonal",
            {},
            r"^orthogonal.gain: missing. .* For example: make_initializer\('orthogonal', \{'gain'",
        ),
        ("orthogonal", {"gain": "big"}, "orthogonal.gain: write a finite number.*'big'"),
        ("orthogonal", {"gain": True}, "orthogonal.gain: write a finite number.*True"),
        ("orthogonal", {"gain": float("inf")}, "orthogonal.gain: write a finite number.*inf"),
        ("orthogonal", {"gain": 0}, "orthogonal.gain: write a finite number.*0"),
        ("xavier_normal", {"gain": 0.0}, "xavier_normal.gain"),
        ("he_normal", {"gain": "big"}, "he_normal.gain: write a finite number.*'big'"),
        ("he_normal", {"gain": 2.0, "slope": 0.1}, "he_normal: write slope or gain, not both"),
        ("he_normal", {"mode": "fan"}, "he_normal.mode: .*'fan_avg'.*received 'fan'"),
        ("sparse", {"sparsity": 1.0}, "sparse.sparsity: .*received 1"),
        ("sinusoidal", {"scale": "lecun"}, "sinusoidal.scale: .*'glorot'.*received 'lecun'"),
        ("lsuv", {"batch_size": 0}, "lsuv.batch_size: .*received 0"),
        ("he_textbook_variant", {"distribution": "truncated_normal"}, "distribution: .*received"),
    ],
)
def test_a_wrong_option_is_named_with_its_value(name, options, message):
    with pytest.raises(ParamsError, match=message):
        make_initializer(name, options)


def test_what_the_message_shows_can_be_called():
    with pytest.raises(ParamsError) as caught:
        initialize_(nn.Linear(4, 4), "sparse", seed=0)
    shown = str(caught.value).partition("For example: ")[2]
    initialize_(nn.Linear(4, 4), eval(shown), seed=0)


def test_every_wrong_option_is_named_under_the_scheme_it_stands_in():
    with pytest.raises(ParamsError) as caught:
        make_initializer("random_normal", {"std": "a", "meen": 0.0}, scheme="random_normal_small")
    assert "initializers.random_normal_small.std: " in str(caught.value)
    assert "initializers.random_normal_small.meen: unknown key" in str(caught.value)


def test_a_whole_number_is_a_number():
    assert make_initializer("constant", {"value": 1}).value == 1.0
    assert make_initializer("orthogonal", {"gain": 2}).gain == 2.0


def test_an_initializer_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        make_initializer("constant", {"value": 1.0}).value = 2.0


def test_a_users_function_is_wrapped_with_its_options():
    mine = make_initializer(f"{__name__}:my_init", {"factor": 2.0, "shift": 1})
    assert torch.equal(mine.weight(LAYER, torch_stream("t")), torch.full((3, 2), 3.0))
    assert torch.equal(mine.bias(LAYER, torch_stream("t")), torch.zeros(3))
    assert mine.weight_std(LAYER) is None
    assert mine.weight_mean(LAYER) is None


def test_a_users_class_works_like_ours():
    mine = make_initializer(f"{__name__}:MyInit", {"level": 2.0})
    assert torch.equal(mine.weight(LAYER, torch_stream("t")), torch.full((3, 2), 2.0))


@pytest.mark.parametrize(
    ("attribute", "options", "error", "message"),
    [
        ("my_init", {"shift": 1, "fcator": 2}, ParamsError, "fcator: unknown.*mean 'factor'"),
        ("my_init", {}, ParamsError, "missing a required .*'shift'"),
        ("takes_only_a_layer", {}, ParamsError, "too many positional arguments"),
        ("not_callable", {}, ParamsError, "must be a subclass .* received 3"),
        ("NotAnInitializer", {}, ParamsError, "must be a subclass"),
        ("my_int", {}, UnknownNameError, "Did you mean 'my_init'"),
    ],
)
def test_mistakes_in_a_users_own_are_explained(attribute, options, error, message):
    with pytest.raises(error, match=message):
        make_initializer(f"{__name__}:{attribute}", options)
