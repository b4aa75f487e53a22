"""The formulas of the named schemes, and what they do to the signal."""

import math
from dataclasses import replace

import pytest
import torch
from scipy import stats

from initsweep.core.randomness import torch_stream
from initsweep.initializers import INITIALIZERS, make_initializer
from initsweep.initializers.laws.gains import backward_gain, forward_gain
from initsweep.initializers.layers import Layer

FAN_IN, FAN_OUT = 64, 1024
LAYER = Layer(
    name="l",
    weight_shape=(FAN_OUT, FAN_IN),
    bias_shape=(FAN_OUT,),
    fan_in=FAN_IN,
    fan_out=FAN_OUT,
    activation=torch.relu,
)
# name, options, standard deviation, largest absolute value (None: unbounded)
FORMULAS = [
    ("xavier_uniform", {}, (2 / 1088) ** 0.5, (6 / 1088) ** 0.5),
    ("xavier_uniform", {"gain": 3.0}, 3 * (2 / 1088) ** 0.5, 3 * (6 / 1088) ** 0.5),
    ("xavier_normal", {}, (2 / 1088) ** 0.5, None),
    ("xavier_normal", {"gain": 0.5}, 0.5 * (2 / 1088) ** 0.5, None),
    ("he_uniform", {}, (2 / 64) ** 0.5, (6 / 64) ** 0.5),
    ("he_normal", {}, (2 / 64) ** 0.5, None),
    ("he_textbook_variant", {}, (1 / 64) ** 0.5, None),
    ("he_textbook_variant", {"distribution": "uniform"}, (2 / 192) ** 0.5, (2 / 64) ** 0.5),
    ("lecun_uniform", {}, (1 / 64) ** 0.5, (3 / 64) ** 0.5),
    ("lecun_normal", {}, (1 / 64) ** 0.5, None),
    ("lecun_normal", {"gain": 2.0}, 2 * (1 / 64) ** 0.5, None),
    ("torch_default", {}, (1 / 192) ** 0.5, (1 / 64) ** 0.5),
    ("he_normal", {"slope": 0.2}, (2 / 1.04 / 64) ** 0.5, None),
    ("he_normal", {"slope": 10.0}, 0.14071950894605836 / 8, None),
    ("he_normal", {"mode": "fan_out"}, (2 / 1024) ** 0.5, None),
    ("he_uniform", {"mode": "fan_avg"}, (2 / 544) ** 0.5, (6 / 544) ** 0.5),
    ("he_uniform", {"gain": 3}, 3 / 8, 3 * (3 / 64) ** 0.5),
    ("he_normal", {"gain": "auto"}, (2 / 64) ** 0.5, None),
    ("lecun_normal", {"mode": "fan_out"}, (1 / 1024) ** 0.5, None),
    ("lecun_normal", {"gain": "auto"}, (2 / 64) ** 0.5, None),
    ("xavier_normal", {"gain": "auto"}, (4 / 1088) ** 0.5, None),
    *[
        (name, {}, std, 2 * std / 0.879625661034239750)
        for name, std in (
            ("he_truncated_normal", (2 / 64) ** 0.5),
            ("xavier_truncated_normal", (2 / 1088) ** 0.5),
            ("lecun_truncated_normal", (1 / 64) ** 0.5),
        )
    ],
    ("random_uniform", {"low": -0.05, "high": 0.05}, 0.1 / 12**0.5, 0.05),
    ("truncated_normal", {"std": 0.05}, 0.05, 2 * 0.05 / 0.879625661034239750),
    *[
        ("random_scaled", {"scale": 0.5, "mode": mode, "distribution": family}, std, bound)
        for mode, fan in (("fan_in", 64), ("fan_out", 1024), ("fan_avg", 544))
        for std in [(0.5 / fan) ** 0.5]
        for family, bound in (
            ("normal", None),
            ("uniform", 3**0.5 * std),
            ("truncated_normal", 2 * std / 0.879625661034239750),
        )
    ],
]


@pytest.mark.parametrize(("name", "options", "std", "bound"), FORMULAS)
def test_formula(name, options, std, bound):
    initializer = make_initializer(name, options)
    weight = initializer.weight(LAYER, torch_stream("formula")).double()
    largest = float(weight.abs().max())
    assert initializer.weight_std(LAYER) == pytest.approx(std, rel=1e-12)
    assert float(weight.std()) == pytest.approx(std, rel=0.014)
    if bound is None:
        assert largest > 3.5 * std
    else:
        assert 0.999 * bound < largest <= bound * (1 + 6e-8)


TANH_FORWARD, TANH_BACKWARD = forward_gain(torch.tanh), backward_gain(torch.tanh)


@pytest.mark.parametrize(
    ("mode", "variance"),
    [
        ("fan_in", TANH_FORWARD**2 / 64),
        ("fan_out", TANH_BACKWARD**2 / 1024),
        ("fan_avg", 2 / (64 / TANH_FORWARD**2 + 1024 / TANH_BACKWARD**2)),
    ],
)
def test_automatic_gain_keeps_what_the_mode_is_for(mode, variance):
    layer = replace(LAYER, activation=torch.tanh)
    he = make_initializer("he_normal", {"gain": "auto", "mode": mode})
    assert he.weight_std(layer) == pytest.approx(variance**0.5, rel=1e-12)
    linear = replace(LAYER, activation=None)
    fans = {"fan_in": 64, "fan_out": 1024, "fan_avg": 544}
    assert he.weight_std(linear) == pytest.approx(fans[mode] ** -0.5, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("random_normal", "norm"),
        ("he_normal", "norm"),
        ("xavier_normal", "norm"),
        ("lecun_normal", "norm"),
        ("he_textbook_variant", "norm"),
        ("fixup", "norm"),
        ("zero_gamma", "norm"),
        ("he_uniform", "uniform"),
        ("xavier_uniform", "uniform"),
        ("lecun_uniform", "uniform"),
        ("torch_default", "uniform"),
        ("truncated_normal", "truncnorm"),
        ("he_truncated_normal", "truncnorm"),
        ("xavier_truncated_normal", "truncnorm"),
        ("lecun_truncated_normal", "truncnorm"),
    ],
)
def test_a_million_weights_follow_the_named_law(name, family):
    layer = replace(LAYER, weight_shape=(1024, 1024), fan_in=1024.0)
    initializer = make_initializer(name, INITIALIZERS.get(name).example)
    std = initializer.weight_std(layer)
    law = {
        "norm": stats.norm(0, std),
        "uniform": stats.uniform(-math.sqrt(3) * std, 2 * math.sqrt(3) * std),
        "truncnorm": stats.truncnorm(-2, 2, 0, std / 0.879625661034239750),
    }[family]
    values = initializer.weight(layer, torch_stream("law", name)).double().numpy().ravel()
    assert law.std() == pytest.approx(std, rel=1e-12)
    assert stats.kstest(values, law.cdf).pvalue > 1e-4
    kurtosis = float(law.stats("k")) + 3
    tolerance = 5 * math.sqrt((kurtosis - 1) / (4 * values.size))
    assert values.std() == pytest.approx(std, rel=tolerance)


def test_asymmetric_interval_and_shifted_normal():
    uniform = make_initializer("random_uniform", {"low": 0.2, "high": 0.8})
    weight = uniform.weight(LAYER, torch_stream("shift"))
    assert 0.2 <= float(weight.min()) < 0.2001
    assert 0.7999 < float(weight.max()) <= 0.8
    normal = make_initializer("random_normal", {"std": 0.1, "mean": 3.0})
    assert float(normal.weight(LAYER, torch_stream("shift")).mean()) == pytest.approx(3, abs=2e-3)


def _signal_ratios(name: str, options: dict[str, str], fan_in: int, fan_out: int):
    """E[relu(Wx)²] / E[x²], and E[(W'g)²] / E[g²], for standard normal x and g."""
    layer = Layer(
        name="l",
        weight_shape=(fan_out, fan_in),
        bias_shape=(fan_out,),
        fan_in=fan_in,
        fan_out=fan_out,
        activation=torch.relu,
    )
    weight = make_initializer(name, options).weight(layer, torch_stream("signal"))
    inputs = torch.randn(2048, fan_in, generator=torch_stream("inputs"))
    forward = torch.relu(inputs @ weight.T).square().mean() / inputs.square().mean()
    gradients = torch.randn(2048, fan_out, generator=torch_stream("gradients"))
    backward = (gradients @ weight).square().mean() / gradients.square().mean()
    return float(forward), float(backward)


@pytest.mark.parametrize(
    ("name", "options", "forward"),
    [
        ("he_normal", {}, 1.0),
        ("he_uniform", {}, 1.0),
        ("lecun_normal", {}, 0.5),
        ("lecun_uniform", {}, 0.5),
        ("he_textbook_variant", {}, 0.5),
        ("he_textbook_variant", {"distribution": "uniform"}, 1 / 3),
        ("torch_default", {}, 1 / 6),
        ("xavier_normal", {}, 512 / 2048),
        ("xavier_uniform", {}, 512 / 2048),
        ("orthogonal", {"gain": "auto"}, 512 / 1536),  # gain² / 2 · fan_in / longer side
    ],
)
def test_a_relu_layer_scales_the_signal_as_predicted(name, options, forward):
    measured, backward = _signal_ratios(name, options, 512, 1536)
    assert measured == pytest.approx(forward, rel=0.01)
    # Without the activation's factor 1/2, and with fan_out terms in each sum.
    assert backward == pytest.approx(2 * forward * 1536 / 512, rel=0.01)


def test_constant_and_zeros_are_exact():
    constant = make_initializer("constant", {"value": 0.1})
    assert torch.equal(
        constant.weight(LAYER, torch_stream("c")), torch.full((FAN_OUT, FAN_IN), 0.1)
    )
    zeros = make_initializer("zeros", {})
    assert torch.equal(zeros.weight(LAYER, torch_stream("c")), torch.zeros(FAN_OUT, FAN_IN))
    assert math.isclose(constant.weight_mean(LAYER), 0.1)
