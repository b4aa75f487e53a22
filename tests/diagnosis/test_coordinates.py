"""The coordinate check against what is known of parametrizations, and against a plain loop."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn
from torch.nn.functional import cross_entropy

from benchmarks.coordinate_calibration import ChainMup
from initsweep import Initializer, coordinate_check, initial_state
from initsweep.core.errors import InitsweepError
from initsweep.diagnosis.coordinate_places import places, watched
from initsweep.diagnosis.coordinate_slopes import slope, trend_of
from initsweep.initializers import Multipliers

WIDTHS = [32, 64, 128, 256]
DRAWS = torch.Generator().manual_seed(0)
ROWS = torch.randn(64, 12, generator=DRAWS)
CLASSES = (ROWS @ torch.randn(12, 4, generator=DRAWS)).argmax(1)
TASK = {"inputs": ROWS, "targets": CLASSES}


def chain(width, depth=2):
    hidden = [
        part
        for into in [12] + [width] * (depth - 1)
        for part in (nn.Linear(into, width), nn.Tanh())
    ]
    return nn.Sequential(*hidden, nn.Linear(width, 4))


class Residual(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.into, self.head = nn.Linear(12, 32), nn.Linear(32, 4)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 32)) for _ in range(depth)
        )

    def forward(self, x):
        x = self.into(x)
        for block in self.blocks:
            x = x + block(x)
        return {"logits": self.head(x)}


def exponents(found, quantity="updates"):
    return [row.exponent for row in found.layers if row.quantity == quantity]


@pytest.mark.parametrize(
    ("optimizer", "rate", "expected"),
    # Steps of Adam are as large for every weight, and a unit sums over the width; the gradient of
    # SGD is that of a head of 1/sqrt(width), and the head's is the hidden signal.
    [("adam", 1e-3, [0, 1, 1.25]), ("sgd", 1e-2, [-0.5, 0.5, 1])],
)
def test_standard_parametrization_grows_as_it_is_known_to(optimizer, rate, expected):
    found = coordinate_check(
        chain, WIDTHS, "lecun_normal", **TASK, learning_rate=rate, optimizer=optimizer
    )
    assert exponents(found) == pytest.approx(expected, abs=0.25)
    assert exponents(found, "activations")[:2] == pytest.approx([0, 0], abs=0.1)
    assert found.verdict == "growing"
    assert "grow in 4 (" in found.reason
    assert "So a rate that suits width 32 is too large" in found.reason


@pytest.mark.parametrize(("optimizer", "rate", "head"), [("adam", 1e-3, 1.0), ("sgd", 0.1, 0.0)])
def test_mup_is_flat(optimizer, rate, head):
    found = coordinate_check(
        chain, WIDTHS, ChainMup(gain=1.3, head=head, base=32), **TASK, learning_rate=rate,
        optimizer=optimizer,
    )  # fmt: skip
    assert (found.verdict, found.diverged) == ("flat", [])
    # Behind a head of 0 nothing changes in the first step.
    assert [row.step for row in found.layers if row.quantity == "updates"] == (
        [1, 1, 1] if head else [2, 2, 1]
    )
    assert found.reason.startswith("what a step changes stays the same from width 32 to 256")


def test_numbers_are_those_of_a_plain_loop():
    found = coordinate_check(
        chain, [8, 16, 32], "he_normal", **TASK, learning_rate=0.01, steps=2, seeds=2
    )
    network = chain(16)
    network.load_state_dict(initial_state(network, "he_normal", seed=1))
    optimizer, start = torch.optim.Adam(network.parameters(), 0.01), None
    for step in range(3):
        hidden = network[1](network[0](ROWS))
        given = {"0": network[0](ROWS), "2": network[2](hidden), "4": network(ROWS)}
        start = start or {name: one.detach() for name, one in given.items()}
        for layer, one in given.items():
            (point,) = [
                point
                for point in found.points
                if (point.layer, point.size, point.seed, point.step) == (layer, 16, 1, step)
            ]
            assert point.activation == pytest.approx(float(one.detach().abs().mean()), rel=1e-4)
            change = float((one.detach() - start[layer]).abs().mean())
            assert point.update == pytest.approx(change, rel=1e-4)
        optimizer.zero_grad()
        cross_entropy(given["4"], CLASSES).backward()
        optimizer.step()


def test_neither_networks_nor_generators_are_touched():
    kept = {width: chain(width) for width in WIDTHS[:3]}
    before = {width: [one.clone() for one in net.parameters()] for width, net in kept.items()}
    torch.manual_seed(3)
    state = torch.get_rng_state()
    coordinate_check(kept.get, WIDTHS[:3], "zeros", **TASK, learning_rate=0.1, seeds=1)
    assert torch.equal(torch.get_rng_state(), state)
    for width, net in kept.items():
        assert all(map(torch.equal, net.parameters(), before[width]))
        assert not any(module._forward_hooks for module in net.modules())


def test_depths_are_compared_by_place():
    found = coordinate_check(
        Residual, [2, 4, 8], "he_normal", **TASK, learning_rate=1e-3, seeds=3, vary="depth"
    )
    rows = {row.layer: row.trend for row in found.layers if row.quantity == "updates"}
    # Branches may fade; the stream, which they are added to, is what every signal passes.
    stream = [f"(stream).{place}" for place in ("middle", "last")]
    assert list(rows) == ["into", *stream, "head"]
    assert rows["into"] == "flat"
    assert rows["(stream).last"] == rows["head"] == "growing"
    assert "suits depth 2 is too large at 8" in found.reason


def test_places_are_the_middle_and_the_last_of_a_kind():
    def two_kinds(depth):
        return nn.Sequential(nn.Embedding(3, 8), *chain(8, depth))

    networks = {depth: two_kinds(depth) for depth in (2, 4)}
    used = {depth: [*watched(net), "(output)"] for depth, net in networks.items()}
    found = places(networks, used, "depth")
    assert found == {
        "0": {2: "0", 4: "0"},
        "middle": {2: "3", 4: "5"},
        "last": {2: "5", 4: "9"},
        "(output)": {2: "(output)", 4: "(output)"},
    }
    assert list(found)[-2:] == ["last", "(output)"]  # in the order of use


class Silent(Initializer):
    """He, and a first layer that does not learn."""

    def weight(self, layer, generator):
        return torch.randn(layer.weight_shape, generator=generator) * math.sqrt(2 / layer.fan_in)

    def multipliers(self, network, kind):
        return {name: Multipliers(rate=0.0) for name in ("0.weight", "0.bias")}


def test_factors_of_a_scheme_are_applied_and_what_is_still_is_said():
    found = coordinate_check(chain, WIDTHS[:3], Silent(), **TASK, learning_rate=1e-3, seeds=2)
    still = [(row.layer, row.quantity) for row in found.layers if row.trend == "still"]
    assert still == [("0", "updates")]
    assert "nothing changes in 0" in found.reason


def test_too_small_a_rate_is_told():
    found = coordinate_check(chain, WIDTHS[:3], "he_normal", **TASK, learning_rate=1e-12, seeds=1)
    assert found.verdict == "cannot tell"
    assert found.reason.endswith("Use a larger rate.")


@pytest.mark.parametrize(
    ("sizes", "rate", "verdict", "end"),
    [
        ([8, 16, 32], 1e30, "cannot tell", "Use a smaller rate."),
        ([4, 64, 1024], 0.3, "growing", "too large at 1024."),
    ],
)
def test_runs_that_diverge_are_results(sizes, rate, verdict, end):
    def linear(width):
        return nn.Sequential(nn.Linear(12, width), nn.Linear(width, width), nn.Linear(width, 1))

    found = coordinate_check(
        linear, sizes, "lecun_normal", inputs=ROWS, targets=ROWS[:, 0], learning_rate=rate,
        optimizer="sgd", steps=40, seeds=1,
    )  # fmt: skip
    assert found.diverged
    assert (found.verdict, found.reason[-len(end) :]) == (verdict, end)
    assert "runs diverge, the first at width" in found.reason


class Routed(nn.Module):
    """Sends another number of rows through a layer in every step."""

    def __init__(self, width):
        super().__init__()
        self.into, self.expert = nn.Linear(12, width), nn.Linear(width, 4)

    def forward(self, x):
        x = self.into(x)
        score = self.expert(x)
        return torch.where(score[:, :1] > 0, score, 0 * score) + self.part(x, score).sum()

    def part(self, x, score):
        return self.expert(x[score[:, 0] > score[:, 0].median()][: int(1e4 * score.std()) % 20])


def test_layers_whose_outputs_change_in_size_are_left_out_and_named():
    found = coordinate_check(Routed, [8, 16, 32], "he_normal", **TASK, learning_rate=0.1, seeds=2)
    assert {row.layer for row in found.layers} == {"into", "(output)"}
    assert "not compared, as their outputs change in size: expert" in found.notes


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sizes": [8, 16]}, r"sizes: received \[8, 16\]. Give 3 or more"),
        ({"sizes": [8, 16, "wide"]}, r"sizes: received .* Give 3 or more"),
        ({"seeds": 0}, "seeds: received 0. Give a whole number from 1"),
        ({"steps": 1.5}, "steps: received 1.5"),
        ({"vary": "widht"}, "vary: received 'widht'. Use 'width' or 'depth'"),
        ({"vary": "depth"}, "equally many layers at every size.*vary=\"width"),
        ({"optimizer": "adm"}, "optimizer: received 'adm'. Did you mean 'adam'"),
        ({"learning_rate": 0}, "learning_rate: received 0"),
        ({"learning_rate": None}, "learning_rate: missing. Give a number above 0"),
        ({"optimizer": lambda _: None, "learning_rate": None}, "the function returned None"),
        ({"optimizer": lambda net: torch.optim.SGD(net.parameters())}, "sets the rates"),
        ({"build": lambda _: chain(8)}, "size 8 and 16 have the same parameters"),
        ({"build": lambda size: chain(8, size)}, r"'18' is there at 16 and not at 8.*vary=\"depth"),
        ({"build": Residual, "scheme": "fixup", "inputs": ROWS[:, :5]}, "fails on a batch of sh"),
        ({"scheme": "fixup"}, "no residual branch"),
        ({"scheme": lambda layer, _: torch.full(layer.weight_shape, 2e38)}, "width 8 are not fin"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_one_line(given, message):
    usual = {"build": chain, "sizes": [8, 16, 32], "scheme": "he_normal", "learning_rate": 0.1}
    with pytest.raises(InitsweepError, match=message) as caught:
        coordinate_check(**(TASK | usual | {"seeds": 1} | given))
    assert "\n" not in str(caught.value)


def test_the_slope_is_that_of_least_squares_and_its_interval_covers():
    draws = np.random.default_rng(0)
    x = np.repeat([5.0, 6.0, 7.0, 8.0], 5)
    found, half = slope(x, y := 0.3 * x + draws.normal(size=20))
    fitted = stats.linregress(x, y)
    assert found == pytest.approx(fitted.slope)
    assert half == pytest.approx(fitted.stderr * stats.t.ppf(0.95, 18))
    tried = [slope(x, 0.3 * x + draws.normal(size=20)) for _ in range(400)]
    assert np.mean([abs(one - 0.3) < half for one, half in tried]) == pytest.approx(0.9, abs=0.04)


@pytest.mark.parametrize(
    ("exponent", "half", "trend"),
    [
        (0.2, 0.25, "flat"), (0.2, 0.35, "cannot tell"), (-0.2, 0.35, "cannot tell"),
        (0.4, 0.3, "growing"), (0.4, 0.5, "cannot tell"), (1.5, 0.9, "growing"),
        (-0.4, 0.3, "shrinking"), (-0.4, 0.5, "cannot tell"),
    ],
)  # fmt: skip
def test_a_trend_is_the_nearest_half_if_the_interval_refuses_the_next(exponent, half, trend):
    assert trend_of(exponent, exponent - half, exponent + half) == trend
