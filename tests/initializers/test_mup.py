"""muP: the standard start at the base width, and the published laws from there on."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from initsweep.architectures import build_model
from initsweep.core.errors import InitsweepError, ParamsError
from initsweep.initializers import initial_state, layers_of, make_initializer, multipliers_of

BASE = 16


class Plain(nn.Module):
    """A convolution of its own per channel, norms, and layers of other sizes than the width."""

    def __init__(self, width):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(1, width, 3, padding=1), nn.BatchNorm2d(width)
        self.each = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.head = nn.Linear(width, 10)

    def forward(self, inputs):
        signal = functional.relu(self.norm(self.stem(inputs)))
        signal = functional.relu(self.each(signal)).mean((2, 3))
        signal = functional.relu(self.narrow(functional.relu(self.wide(signal))))
        return self.head(signal)


def mup_of_the_package(width, m):
    """What the package mup makes of `Plain`: ninf 0, 1 or 2 and which axis, by parameter.

    Its readout has a forward factor 1/m, and stores the standard weight of the base width; as
    y = (W / m) x, W / m is what is compared, with rates as in `MuAdam` and `MuSGD` times the
    factor once and twice.
    """
    matrices = {"wide.weight": 2, "narrow.weight": 2}
    std, adam, sgd = {}, {}, {}
    shapes = {name: one.shape for name, one in Plain(width).named_parameters()}
    for name in shapes:
        if name == "head.weight":
            adam[name], sgd[name] = 1 / m, m / m**2
            std[name] = math.sqrt(2 / BASE) / m
        elif name == "head.bias":
            adam[name] = sgd[name] = 1
        else:
            adam[name] = 1 / m if name in matrices else 1
            sgd[name] = 1 if name in matrices else m
            fan_in = math.prod(shapes[name][1:])
            if fan_in > 1:
                std[name] = math.sqrt(2 / fan_in)
    return std, adam, sgd


@pytest.mark.parametrize("m", [1, 4, 1.5, 0.5])
def test_stds_and_rates_are_those_of_the_package(m):
    width = int(BASE * m)
    mup = make_initializer("mup", {"base_width": BASE})
    std, adam, sgd = mup_of_the_package(width, m)
    layers = {f"{layer.name}.weight": layer for layer in layers_of(Plain(width))}
    assert {name: mup.weight_std(one) for name, one in layers.items()} == pytest.approx(std)
    for kind, expected in (("adam", adam), ("sgd", sgd)):
        found = multipliers_of(Plain(width), mup, kind)
        assert {name: one.rate for name, one in found.items()} == pytest.approx(expected)
        assert all(one.rate * one.decay == pytest.approx(1) for one in found.values())
    state = initial_state(Plain(width), mup, 0)
    drawn = state["narrow.weight"]
    error = 4 / math.sqrt(2 * drawn.numel())
    assert float(drawn.std()) == pytest.approx(std["narrow.weight"], rel=error)


@pytest.mark.parametrize("scheme", ["he_normal", "torch_default", "xavier_uniform"])
def test_at_the_base_width_it_is_the_scheme_bit_by_bit(scheme):
    mup = make_initializer("mup", {"base_width": BASE, "scheme": scheme})
    state, base = (initial_state(Plain(BASE), one, 3) for one in (mup, scheme))
    assert all(torch.equal(state[name], base[name]) for name in base)


def test_schemes_that_do_not_follow_the_size_get_the_law_of_mup_all_the_same():
    """As `mup.init`: the std at the base, then 1, 1/sqrt(m) and 1/m."""
    for scheme, at_base in (("torch_default", 1 / math.sqrt(3 * BASE)), ("xavier_normal", None)):
        mup = make_initializer("mup", {"base_width": BASE, "scheme": scheme})
        small, large = (
            {one.name: one for one in layers_of(Plain(width))} for width in (BASE, 4 * BASE)
        )
        ratios = {name: mup.weight_std(large[name]) / mup.weight_std(small[name]) for name in small}
        assert ratios == pytest.approx(
            {"stem": 1, "each": 1, "wide": 1 / 2, "narrow": 1 / 2, "head": 1 / 4}
        )
        assert at_base is None or mup.weight_std(small["head"]) == pytest.approx(at_base)
        assert mup.bias_std(large["wide"]) == pytest.approx(mup.bias_std(small["wide"]))


def test_muon_gets_what_its_own_size_of_updates_lacks():
    found = multipliers_of(Plain(64), make_initializer("mup", {"base_width": BASE}), "muon")
    grown = 64 / BASE
    assert found["wide.weight"].rate == pytest.approx(grown**-0.5)
    assert found["head.weight"].rate == pytest.approx(grown**-0.5 * (max(10, BASE) / 64) ** 0.5)
    assert found["wide.bias"].rate == 1


def test_a_function_stays_what_it_is_when_a_factor_is_absorbed():
    """One step of y = a W x under Adam's sign or SGD, against std, rate and decay absorbed."""
    a, rate, decay = 0.25, 0.1, 0.01
    weight, inputs = torch.randn(3, 5).double(), torch.randn(5).double()
    for kind, power in (("sign", 1), ("sgd", 2)):
        gradient = torch.outer(torch.ones(3).double(), inputs)  # of the sum of outputs
        step = (lambda g: g.sign()) if kind == "sign" else (lambda g: g)
        outer = weight - rate * (step(a * gradient) + decay * weight)
        absorbed = a * weight
        factor, kept = a**power, decay / a**power
        inner = absorbed - rate * factor * (step(gradient) + kept * absorbed)
        torch.testing.assert_close(a * outer, inner)


def test_a_head_tied_to_a_table_is_refused():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.inner = nn.Embedding(11, 8), nn.Linear(8, 8)
            self.head = nn.Linear(8, 11, bias=False)
            self.head.weight = self.table.weight

        def forward(self, tokens):
            return self.head(torch.relu(self.inner(self.table(tokens))))

    mup = make_initializer("mup", {"base_width": 4})
    with pytest.raises(InitsweepError, match=r"table\.weight.*Give the head a weight of its own"):
        initial_state(Tied(), mup, 0)
    with pytest.raises(InitsweepError, match=r"table\.weight.*Give the head a weight of its own"):
        multipliers_of(Tied(), mup, "adam")


def test_wrong_options_are_named():
    with pytest.raises(ParamsError, match=r"initializers\.wide\.base_width: .*received -1"):
        make_initializer("mup", {"base_width": -1}, scheme="wide")
    with pytest.raises(ParamsError, match=r"initializers\.wide\.scheme: received 'fixup'"):
        make_initializer("mup", {"base_width": 4, "scheme": "fixup"}, scheme="wide")


def test_the_layers_of_a_vision_transformer_are_told_apart():
    options = {"patch": 2, "width": 32, "depth": 1, "heads": 2, "hidden": 64}
    from initsweep.architectures.vit import VitArchitecture

    network = build_model("vit", {**VitArchitecture.example, **options}, n_features=64, n_outputs=4)
    found = multipliers_of(network, make_initializer("mup", {"base_width": 8}), "adam")
    slow = {name for name, one in found.items() if one.rate == 0.25}
    assert {one.rate for one in found.values()} == {0.25, 1.0}
    assert slow == {
        *(f"blocks.0.attention.{one}.weight" for one in ("query", "key", "value", "out")),
        "blocks.0.hidden.weight", "blocks.0.out.weight", "head.weight",
    }  # fmt: skip


def test_a_zero_head_starts_at_zero_and_keeps_its_factors():
    plain, zero = (
        make_initializer("mup", {"base_width": BASE, "zero_head": zero}) for zero in (False, True)
    )
    assert not initial_state(Plain(64), zero, 0)["head.weight"].any()
    assert initial_state(Plain(64), zero, 0)["wide.weight"].any()
    for kind in ("sgd", "adam", "muon"):
        assert multipliers_of(Plain(64), zero, kind) == multipliers_of(Plain(64), plain, kind)
