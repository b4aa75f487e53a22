"""Tables of rules: what matches, what fills, which rates, and what the user can get wrong."""

import math

import pytest
import torch
from torch import nn

from initsweep.core.errors import InitsweepError, InitsweepWarning, ParamsError
from initsweep.initializers import (
    Initializer,
    initial_state,
    make_initializer,
    multipliers_of,
)
from initsweep.initializers.laws.formula import evaluate
from tests.initializers.transformers import DEPTH, WIDTH, Gpt, Vit

pytestmark = pytest.mark.filterwarnings("ignore:These parameters are in no layer")


def by_part(*rules, **options):
    return make_initializer("by_part", {"rules": [*rules], **options}, scheme="mine")


REST = {"match": "*", "scheme": "he_normal"}


class Parts(nn.Module):
    """One of each: a table of positions, a token, a factor, norms, an own layer's weight."""

    def __init__(self):
        super().__init__()
        self.stem, self.branch, self.head = nn.Linear(8, 16), nn.Linear(16, 16), nn.Linear(16, 3)
        self.norm, self.slope = nn.LayerNorm(16), nn.PReLU()
        self.places = nn.Parameter(torch.full((1, 5, 16), 3.0))
        self.token = nn.Parameter(torch.full((1, 1, 16), 3.0))
        self.factor = nn.Parameter(torch.full((16,), 3.0))

    def forward(self, x):
        x = torch.cat([self.token.expand(len(x), -1, -1), self.stem(x)], 1) + self.places
        x = x + self.factor * self.branch(self.slope(self.norm(x)))
        return self.head(x.mean(1))


def test_the_first_rule_that_matches_decides():
    state = initial_state(
        Parts(),
        by_part(
            {"match": "st?m*", "scheme": "constant", "value": 1.0},
            {"match": ["*.weight", "head"], "scheme": "constant", "value": 2.0},
            {"match": "head*", "scheme": "constant", "value": 4.0},
            {"scheme": "zeros"},
            {"match": "places", "scheme": "zeros"},
        ),
        0,
    )
    found = {name: value.unique().tolist() for name, value in state.items()}
    assert found == {
        "places": [0], "token": [3], "factor": [3], "stem.weight": [1], "stem.bias": [0],
        "branch.weight": [2], "branch.bias": [0], "head.weight": [2], "head.bias": [0],
        "norm.weight": [1], "norm.bias": [0], "slope.weight": [0.25],
    }  # fmt: skip


def test_what_is_in_no_layer_is_filled_only_if_it_is_named():
    rules = [
        {"role": "position", "std": 0.5},
        {"match": "tok*", "std": 9.0},
        {"role": "gate", "scheme": "constant", "value": "1 / n_layers"},
        {"kind": "norm", "role": "bias", "scheme": "constant", "value": 0.1},
        {"kind": "norm", "scheme": "constant", "value": 0.0},
        {"match": "slope.weight", "scheme": "constant", "value": 0.5},
    ]
    with pytest.warns(InitsweepWarning, match=r"rules\[1\] .match: .'tok\*'.* matches nothing"):
        state = initial_state(Parts(), by_part(*rules, REST), 0)
    assert float(state["places"].std()) == pytest.approx(0.5, rel=0.3)
    constants = {"token": 3, "factor": 1, "norm.bias": 0.1, "norm.weight": 0, "slope.weight": 0.5}
    for name, value in constants.items():
        assert state[name].unique().tolist() == [pytest.approx(value)], name


def test_draws_are_those_of_the_scheme_alone():
    he, mine = (initial_state(Gpt(), one, 7) for one in ("he_normal", by_part(REST)))
    assert all(torch.equal(he[name], mine[name]) for name in he)
    twice = initial_state(Gpt(), by_part({**REST, "times": 2}), 7)
    assert all(torch.equal(2 * he[n], twice[n]) for n in he if n.endswith("c_fc.weight"))


def test_formulas_know_the_layer_and_its_place():
    table = by_part(
        {"role": "residual_output", "std": "0.02 / sqrt(2 * n_layers) / (layer + 1)"},
        {"role": ["query"], "std": "1 / fan_in"},
        {"match": "*.c_fc", "scheme": "random_uniform", "low": "-1/width", "high": "1/width"},
        {"role": "bias", "std": "0.1 / sqrt(fan_in)"},
        {"std": 1},
    )
    state = initial_state(Gpt(), table, 0)
    for index in range(DEPTH):
        std = 0.02 / math.sqrt(2 * DEPTH) / (index + 1)
        assert float(state[f"h.{index}.mlp.c_proj.weight"].std()) == pytest.approx(std, rel=0.05)
    query, key, _ = state["h.0.attn.c_attn.weight"].chunk(3)
    assert float(query.std()) == pytest.approx(1 / WIDTH, rel=0.05)
    assert float(key.std()) == pytest.approx(1, rel=0.05)
    assert float(state["h.0.mlp.c_fc.weight"].abs().max()) == pytest.approx(1 / WIDTH, rel=0.01)
    assert float(state["h.0.mlp.c_proj.bias"].std()) < 0.01  # of the first rule: zeros
    assert float(state["h.0.attn.c_attn.bias"].std()) == pytest.approx(0.1 / 8, rel=0.3)


def test_rates_and_decays_are_those_of_the_first_rule_that_matches():
    table = by_part(
        {"role": "bias", "rate": 2},
        {"role": "residual_output", "rate": {"adam": "1 / n_layers", "sgd": 3}, "decay": 5},
        {"kind": "norm", "decay": 0},
        {**REST, "rate": {"muon": 0.5}},
    )
    adam, sgd, muon = (multipliers_of(Gpt(), table, kind) for kind in ("adam", "sgd", "muon"))
    assert adam["h.1.mlp.c_proj.weight"] == (1 / DEPTH, 5)
    assert (sgd["h.1.mlp.c_proj.weight"], muon["h.1.mlp.c_proj.weight"]) == ((3, 5), (1, 5))
    assert adam["h.1.mlp.c_proj.bias"] == adam["h.1.mlp.c_fc.bias"] == (2, 1)
    assert (adam["ln_f.weight"], adam["wpe.weight"], muon["wpe.weight"]) == (
        (1, 0),
        (1, 1),
        (0.5, 1),
    )


def test_parts_of_one_parameter_have_one_rate():
    table = by_part({"role": "query", "scheme": "zeros", "rate": 0.5}, REST)
    with pytest.raises(
        InitsweepError, match=r"parts of 'h.0.attn.c_attn.weight' have.*one parameter"
    ):
        multipliers_of(Gpt(), table, "adam")


def test_a_base_gives_the_growth_of_every_layer():
    table = by_part({**REST, "rate": "1 / m_in / m_depth"}, base_width=WIDTH / 2, base_depth=1)
    found = multipliers_of(Vit(), table, "adam")
    assert found["patch_embed.weight"].rate == 1
    assert found["blocks.0.qkv.weight"].rate == 1 / 2 / DEPTH
    assert found["head.weight"].rate == 1 / 2


def test_own_initializers_are_rules_too_and_frozen_parameters_stay():
    network = Parts()
    network.stem.weight.requires_grad_(False).fill_(7)
    table = by_part({"match": "stem", "scheme": f"{__name__}:sevens", "value": 5}, REST)
    state = initial_state(network, table, 0)
    assert state["stem.weight"].unique().tolist() == [7]
    state = initial_state(network, table, 0, frozen=True)
    assert state["stem.weight"].unique().tolist() == [5]


def test_own_functions_in_rules_may_draw_as_they_like():
    table = by_part({"scheme": f"{__name__}:careless"})
    first = initial_state(Gpt(), table, 0)
    torch.rand(3)
    assert all(
        torch.equal(one, first[name]) for name, one in initial_state(Gpt(), table, 0).items()
    )


def careless(layer, generator):
    return torch.randn(layer.weight_shape)


def sevens(layer, generator, value):
    return torch.full(layer.weight_shape, float(value))


class Whole(Initializer):
    def weight(self, layer, generator):
        return torch.zeros(layer.weight_shape)

    def complete(self, network, state):
        return state


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"std": "0.02 / sqrt(2 * n_layer)"}, r"rules\[0\].std: .*'n_layer'.*mean 'n_layers'"),
        ({"std": "__import__('os').x"}, r"rules\[0\].std: .* is no formula. Write numbers"),
        ({"std": "9" * 300}, r"rules\[0\].std: .* is no formula.*at most 200"),
        ({"std": 0.1, "rate": "1 / m"}, r"rules\[0\].rate.sgd: .*'m'"),
        ({"std": 0.1, "rate": {"adm": 1}}, r"rules\[0\].rate.adm: .*'adam'.*received 'adm'"),
        ({"std": 0.1, "decay": [1]}, r"rules\[0\].decay.sgd: write a finite number or a f.*\[1\]"),
        ({"std": 0.1, "rate": float("nan")}, r"rules\[0\].rate.sgd: write a finite .* nan"),
        ({"std": 0.1, "rate": -2}, r"rules\[0\].rate.sgd: received -2. A factor is 0 or more"),
        ({"std": 0.1, "decay": {"adam": -1}}, r"rules\[0\].decay.adam: received -1"),
        ({"mach": "*"}, r"rules\[0\].mach: unknown key. Did you mean 'match'\? Known: match, kind"),
        ({"mach": "*", "std": 1}, r"rules\[0\].mach: .*'match'\?.*random_normal takes std, mean"),
        ({"mach": "*", "scheme": "zeros"}, r"rules\[0\].mach: .*zeros takes no options"),
        ({"match": "*", "stdd": 1, "std": 1}, r"rules\[0\].stdd: unknown key.*mean 'std'"),
        ({"std": -1}, r"rules\[0\].std: .*greater than 0, received -1"),
        ({"scheme": "he_norml"}, r"rules\[0\].scheme: Unknown .*Did you mean 'he_normal'"),
        ({"scheme": "lsuv"}, r"rules\[0\].scheme: received 'lsuv', which looks at the network"),
        ({"scheme": "gpt2"}, r"rules\[0\].scheme: received 'gpt2', which looks at the network"),
        ({"scheme": f"{__name__}:Whole"}, r"rules\[0\].scheme: .*which looks at the network"),
        ({"role": "inputs"}, r"rules\[0\].role.0: .*'input'.*received 'inputs'"),
        ({"kind": "conv"}, r"rules\[0\].kind: .*'convolution'.*received 'conv'"),
        ("zeros", r"rules\[0\]: received 'zeros'. Write a mapping"),
    ],
)
def test_mistakes_are_named_with_the_rule(rule, message):
    with pytest.raises(ParamsError, match=r"initializers\.mine\." + message):
        by_part(rule)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (({"match": "stem", "std": 1},), "No rule says how to fill 'branch'"),
        (({"std": "1 / layer"},), r"rules\[0\] .* for 'stem': .*'layer', which is not known here"),
        (({"std": "1 / (n_layers - 1)"},), r"rules\[0\] .*cannot be computed: .*zero"),
        (({"std": "0 * fan_in"},), r"rules\[0\] .* for 'stem': .*greater than 0, received 0"),
        (({**REST, "times": "9 ** 999"},), r"rules\[0\] .*cannot be computed"),
    ],
)
def test_formulas_without_a_value_in_this_network_are_told(rules, message):
    with pytest.raises(InitsweepError, match=message):
        initial_state(Parts(), by_part(*rules), 0)


def test_a_formula_of_a_negative_factor_is_told_with_its_rule():
    table = by_part({**REST, "rate": "-fan_in"})
    with pytest.raises(InitsweepError, match=r"rules\[0\] .* for 'stem': '-fan_in' comes to -"):
        multipliers_of(Parts(), table, "sgd")


def test_rules_are_a_list():
    with pytest.raises(ParamsError, match=r"initializers\.mine\.rules: received 'zeros'.*a list"):
        make_initializer("by_part", {"rules": "zeros"}, scheme="mine")
    with pytest.raises(
        ParamsError, match=r"initializers\.mine\.rules: tuple should have at least 1"
    ):
        by_part()


def test_arithmetic():
    values = {"a": 2.0, "n": 3.0}
    for text, found in (
        ("-a ** 2 + n", -1), ("min(a, n) * max(1, 2.5)", 5), ("log(8, a)", 3), ("sqrt(9) / n", 1)
    ):  # fmt: skip
        assert evaluate(text, values) == pytest.approx(found)
    for text in (
        "a if n else 1",
        "[a]",
        "a.b",
        "a and n",
        "'a'",
        "True",
        "sqrt(x=1)",
        "f(1)",
        "a %",
    ):
        with pytest.raises(ValueError, match="is no formula"):
            evaluate(text, values)
    for text in ("sqrt(-1)", "min(1)", "a / 0", "10.0 ** 400"):
        with pytest.raises(ValueError, match="cannot be computed"):
            evaluate(text, values)
