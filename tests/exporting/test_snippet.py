"""An exported snippet draws from the same laws as we do."""

import contextlib
import math
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from initsweep.core.errors import InitsweepError
from initsweep.exporting.calls import call_for, why_not
from initsweep.exporting.snippet import snippet
from initsweep.initializers import (
    INITIALIZERS,
    Multipliers,
    initialize_,
    layer_kind,
    layers_of,
    make_initializer,
    parameter_groups,
)
from initsweep.initializers.base import FunctionInitializer
from initsweep.initializers.schemes.constant import Zeros
from initsweep.initializers.schemes.he import HeNormal
from initsweep.initializers.slots import slots_of
from tests.initializers.networks import Mixed
from tests.loops.training_functions import SlowReadout

ENTRIES = {name: make_initializer(name, entry.example) for name, entry in INITIALIZERS}
PLAIN = [name for name, one in ENTRIES.items() if not why_not(one)]
BY_PART = {name for name, entry in INITIALIZERS if entry.by_place}
NOT_PLAIN = {*BY_PART, "lsuv", "fixup", "zero_gamma"}


class Zoo(nn.Module):
    """A layer of every kind, none of them tiny."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(300, 64, padding_idx=2)
        self.attention = nn.MultiheadAttention(64, 4, add_bias_kv=True)
        self.separate = nn.MultiheadAttention(64, 4, kdim=48, vdim=32)
        self.recurrent = nn.LSTM(64, 48, proj_size=24)
        self.convolution = nn.Conv2d(32, 48, 3, groups=2)
        self.turned = nn.ConvTranspose2d(48, 32, 4, stride=2, groups=2)
        self.norm, self.slope = nn.BatchNorm2d(32), nn.PReLU(init=0.1)
        self.bilinear = nn.Bilinear(16, 20, 24)
        self.plain = nn.Sequential(nn.Linear(64, 96), nn.GELU(), nn.Linear(96, 8))


class Tables(nn.Module):
    """What schemes refuse that need an identity map or a matrix."""

    def __init__(self):
        super().__init__()
        self.plain = nn.Sequential(nn.Linear(64, 96), nn.Tanh(), nn.Linear(96, 8))
        self.attention = nn.MultiheadAttention(64, 4)


def exported(model, name, initializer=None, function="initialize"):
    source = snippet(model, initializer or ENTRIES[name], title="a network", scheme=name)
    assert "initsweep." not in source.replace("by initsweep.", "")
    assert "import initsweep" not in source
    assert max(map(len, source.splitlines())) <= 100
    namespace = {}
    exec(compile(source, "init.py", "exec"), namespace)
    return namespace[function]


def largest_gap(one, other):
    """Return sqrt(n / 2) times the two-sample Kolmogorov-Smirnov distance."""
    one, other = np.sort(one), np.sort(other)
    everything = np.concatenate([one, other])
    below = [np.searchsorted(side, everything, side="right") / len(side) for side in (one, other)]
    return math.sqrt(len(one) / 2) * np.abs(below[0] - below[1]).max()


def test_all_but_a_few_can_be_exported():
    assert set(ENTRIES) - set(PLAIN) == NOT_PLAIN


@pytest.mark.parametrize("name", PLAIN)
def test_a_million_weights_have_the_same_law(name):
    model = nn.Sequential(nn.Linear(1000, 1024), nn.ReLU())
    with torch.device("meta"):
        template = nn.Sequential(nn.Linear(1000, 1024), nn.ReLU())
    theirs = exported(template, name)(model, 5)[0].weight.detach().flatten().double().numpy()
    ours = initialize_(model, ENTRIES[name], 3)[0].weight.detach().flatten().double().numpy()
    if ENTRIES[name].deterministic:
        np.testing.assert_array_equal(ours, theirs)
        return
    assert largest_gap(ours, theirs) < 2.2  # by chance once in 10,000 times
    std = ENTRIES[name].weight_std(layers_of(model)[0])
    kurtosis = ((ours / ours.std()) ** 4).mean()
    assert theirs.std() == pytest.approx(std, rel=5 * math.sqrt((kurtosis - 1) / (4 * ours.size)))
    assert (theirs == 0).mean() == pytest.approx((ours == 0).mean(), abs=1e-5)
    if call_of(name).function in {"nn.init.uniform_", "truncated_normal_"}:
        # A million draws come this close to the bounds of the law.
        assert theirs.max() == pytest.approx(ours.max(), rel=1e-3)
        assert theirs.min() == pytest.approx(ours.min(), rel=1e-3)


def call_of(name):
    (slot, _) = slots_of(nn.Linear(1000, 1024), {})
    return call_for(ENTRIES[name], slot.parts[0])


@pytest.mark.parametrize("name", PLAIN)
def test_every_parameter_of_every_kind_of_layer(name):
    zoo = Zoo() if not why_it_refuses(name, Zoo()) else Tables()
    if why_it_refuses(name, zoo):
        pytest.fail(why_it_refuses(name, zoo))
    with pytest.warns() if ENTRIES[name].reads else contextlib.nullcontext():
        ours = initialize_(zoo, ENTRIES[name], 1).state_dict()
    ours = {key: value.clone() for key, value in ours.items()}
    theirs = exported(zoo, name)(zoo, 2).state_dict()
    for key, one in ours.items():
        other = theirs[key].double()
        if one.numel() < 2 or float(one.double().std()) < 1e-12 or ENTRIES[name].deterministic:
            torch.testing.assert_close(theirs[key], one)
            continue
        one = one.double()
        kurtosis = float(((one - one.mean()) / one.std()).pow(4).mean())
        error = math.sqrt((kurtosis - 1) / (4 * one.numel()))
        assert float(other.std() / one.std()) == pytest.approx(1, abs=9 * error)
        # Zeros of structure are at the same places, or as many of them.
        if name == "sparse":
            # The padding row replaces as many of them as chance would have it.
            assert int((one == 0).sum()) == pytest.approx(int((other == 0).sum()), abs=64)
        else:
            assert torch.equal(one == 0, other == 0)


def why_it_refuses(name, network):
    return next(filter(None, map(ENTRIES[name].refuses, layers_of(network))), "")


def test_structures_are_kept():
    zoo = Zoo()
    exported(zoo, "orthogonal", make_initializer("orthogonal", {"gain": 1.0}))(zoo)
    query = zoo.attention.in_proj_weight[:64]
    torch.testing.assert_close(query @ query.T, torch.eye(64), atol=1e-5, rtol=0)
    gate = zoo.recurrent.weight_ih_l0[48:96]
    torch.testing.assert_close(gate @ gate.T, torch.eye(48), atol=1e-5, rtol=0)
    assert zoo.table.weight[2].tolist() == [0] * 64


def test_the_device_and_the_type_of_numbers_do_not_matter():
    initialize = exported(nn.Linear(8, 4), "he_normal")
    half = initialize(nn.Linear(8, 4, dtype=torch.bfloat16))
    full = initialize(nn.Linear(8, 4))
    assert torch.equal(half.weight, full.weight.to(torch.bfloat16))


def test_the_same_seed_gives_the_same_and_global_state_is_left():
    initialize = exported(Mixed(), "he_uniform")
    state = torch.get_rng_state()
    one, other, third = (initialize(Mixed(), seed).head.weight for seed in (1, 1, 2))
    assert torch.equal(one, other)
    assert not torch.equal(one, third)
    torch.manual_seed(0)
    torch.set_rng_state(state)


def test_another_network_is_refused_by_the_snippet():
    initialize = exported(nn.Linear(8, 4, bias=False), "he_normal")
    with pytest.raises(ValueError, match=r"another network\. .* 1 unexpected: \['bias'\]\. Give"):
        initialize(nn.Linear(8, 4))


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (
            lambda: nn.Sequential(OrderedDict(first=nn.Linear(8, 6), last=nn.Linear(6, 4))),
            ["4 missing: ['0.bias', '0.weight', '1.bias', '1.weight']",
             "4 unexpected: ['first.bias', 'first.weight', 'last.bias', 'last.weight']"],
        ),
        (
            lambda: nn.Sequential(nn.Linear(8, 6), nn.Linear(6, 5)),
            ["2 of another shape: ['1.weight (5, 6) instead of (4, 6)', '1.bias (5,) instead"],
        ),
    ],
    ids=["other names", "other sizes"],
)  # fmt: skip
def test_layers_of_other_names_or_sizes_are_told_before_anything_is_changed(other, told):
    initialize = exported(nn.Sequential(nn.Linear(8, 6), nn.Linear(6, 4)), "he_normal")
    network = other()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(ValueError, match="written for another network") as error:
        initialize(network)
    assert all(part in str(error.value) for part in told)
    assert "initsweep export SCHEME --model" in str(error.value)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("lsuv", "measures signals"),
        ("fixup", "network as a whole"),
        ("zero_gamma", "network as a whole"),
    ],
)
def test_what_cannot_be_exported_says_why(name, reason):
    with pytest.raises(InitsweepError, match=f"{reason}.* Keep the values instead"):
        snippet(nn.Linear(3, 4), ENTRIES[name], title="a network", scheme=name)


def test_a_function_of_one_s_own_and_refused_layers():
    own = FunctionInitializer(function=max, options={})
    with pytest.raises(InitsweepError, match="function of your own"):
        snippet(nn.Linear(3, 4), own, title="a network", scheme="own")
    with pytest.raises(InitsweepError, match="cannot fill 'weight': a lookup table has no"):
        snippet(nn.Embedding(3, 4), ENTRIES["identity"], title="a network", scheme="identity")


def test_unknown_activations_are_named_in_the_snippet():
    source = snippet(Zoo(), ENTRIES["orthogonal"], title="a zoo", scheme="orthogonal")
    assert "is 1 where reading the network did not tell: " in source


def test_options_are_written_down():
    scheme = make_initializer("lecun_normal", {"gain": 2.0})
    source = snippet(nn.Linear(3, 4), scheme, title="a network", scheme="wide")
    assert "Options: gain=2.0." in source


@layer_kind(like=nn.Linear, transposed=True)
class Turned(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(9, 70))


@layer_kind(like=nn.Linear, weights=("one", "turned"), transposed=True)
class Stacked(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Parameter(torch.zeros(9, 70))
        self.turned = nn.Parameter(torch.zeros(3, 70, 9))


class NoShortForm(Zeros):
    """A subclass may do anything."""


def test_a_subclass_of_one_s_own_has_no_short_form():
    with pytest.raises(InitsweepError, match="no short form"):
        snippet(nn.Linear(3, 4), NoShortForm(), title="a network", scheme="own")


def test_a_network_that_is_frozen_as_a_whole_is_left_alone():
    network = nn.Linear(3, 2).requires_grad_(requires_grad=False)
    before = network.weight.clone()
    assert torch.equal(exported(network, "he_normal")(network).weight, before)


def test_what_is_kept_is_left_alone():
    class Part(nn.Module):
        def __init__(self):
            super().__init__()
            self.token = nn.Parameter(torch.full((1, 3), 0.25))
            self.body = nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.Linear(6, 6))
            self.norm, self.head = nn.BatchNorm1d(6), nn.Linear(6, 2)
            self.body.requires_grad_(False)

        def forward(self, inputs):
            return self.head(self.norm(self.body(inputs + self.token)))

    network = Part()
    network(5 + torch.randn(20, 3))
    before = {name: one.clone() for name, one in network.state_dict().items()}
    source = snippet(network, ENTRIES["he_normal"], title="a part", scheme="he_normal")
    assert "# Left as built, frozen:" in source
    assert "# Left as built, in no layer that initializers know:" in source
    after = exported(network, "he_normal")(network, 1).state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"norm.running_mean", "norm.running_var", "norm.num_batches_tracked",
                       "head.weight", "head.bias"}  # fmt: skip


@pytest.mark.parametrize("name", ["sinusoidal", "zero_hadamard"])
@pytest.mark.parametrize(
    "layer",
    [nn.Linear(9, 70), nn.Linear(70, 9), nn.Conv1d(8, 32, 4, groups=2), nn.Linear(1, 1),
     nn.ConvTranspose2d(6, 12, 3, groups=3), nn.GRU(5, 12), nn.Conv2d(1, 1, 1), Turned(),
     Stacked()],
    ids=str,
)  # fmt: skip
def test_what_is_not_random_has_the_same_bits(name, layer):
    ours = {key: one.clone() for key, one in initialize_(layer, name, 0).state_dict().items()}
    theirs = exported(layer, name)(layer).state_dict()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


class _Slowed(HeNormal):
    """Under Adam a quarter of the rate and thrice the decay for the last layer."""

    def multipliers(self, network, kind):
        names = [slot.name for slot in network.slots if slot.name.startswith("2.")]
        return dict.fromkeys(names, Multipliers(0.25, 3.0)) if kind == "adam" else {}


def test_factors_on_rates_come_as_groups_of_parameters():
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    given = {"learning_rate": 0.1, "weight_decay": 0.2}
    for optimizer in ("sgd", "adam", "muon"):
        theirs = exported(model, "slowed", _Slowed(), "parameter_groups")(model, optimizer, **given)
        ours = parameter_groups(model, _Slowed(), optimizer=optimizer, **given)
        assert theirs == [{k: v for k, v in group.items() if k != "names"} for group in ours]
    with pytest.raises(InitsweepError, match=r"factors on rates come from `initsweep\.param"):
        exported(model, "slow", SlowReadout())
    assert "FACTORS" not in snippet(model, HeNormal(), title="a network", scheme="he_normal")
