"""What the table says about torch and about us is what torch and we do."""

import math

import pytest
import torch
from scipy import stats
from torch import nn

from initsweep.core.errors import UnknownNameError
from initsweep.initializers import INITIALIZERS, initialize_, layers_of, make_initializer
from initsweep.initializers.laws.draws import TRUNCATED_STD
from initsweep.naming.framework_names import CORRECTION, LAWS, NAMED, TRAPS
from initsweep.naming.lookup import meanings, overview, page, plain, spellings

ROWS, COLUMNS = 512, 128
LAYER = layers_of(nn.Linear(COLUMNS, ROWS))[0]
MATRICES = {"orthogonal", "dirac", "sparse", "zeros", "constant"}
IN_TORCH = [one for one in NAMED if one.framework == "torch" and one.law not in MATRICES]
STDS = {
    "n": COLUMNS,
    "m": ROWS,
    "s": 0.05,
    "std": 0.05,
    "mean": 0.0,
    "low": -0.1,
    "high": 0.1,
    "scale": 0.5,
}


def drawn(call):
    torch.manual_seed(0)
    weight = torch.empty(ROWS, COLUMNS)
    exec(call, {"nn": nn, "math": math, "w": weight, **STDS})
    return weight.double().flatten().numpy()


def bound_of(law):
    """Return the bound of a law in standard deviations."""
    if "truncated" in law:
        return 2 / TRUNCATED_STD
    return math.sqrt(3) if "uniform" in law or law == "torch_default" else math.inf


def test_the_constant_of_the_correction():
    assert CORRECTION == "0.87962566103423978"
    exact = stats.truncnorm.std(-2, 2)
    assert pytest.approx(exact, abs=1e-15) == TRUNCATED_STD == float(CORRECTION)
    assert pytest.approx(0.986578392558, abs=1e-12) == stats.truncnorm.std(-3, 3)


@pytest.mark.parametrize("one", IN_TORCH, ids=lambda one: one.call[:60])
def test_torch_draws_from_the_law(one):
    values = drawn(one.call)
    if one.law == "truncated, not corrected":
        expected, reach = 0.05 * TRUNCATED_STD, 0.1
    elif one.law == "truncated at fixed bounds":
        expected, reach = 0.05, math.inf
    else:
        options = {**INITIALIZERS.get(one.law).example}
        options |= {key: value for key, value in STDS.items() if key in options}
        initializer = make_initializer(one.law, options)
        expected = initializer.weight_std(LAYER)
        reach = expected * bound_of(one.law)
    assert values.std() == pytest.approx(expected, rel=0.015)
    assert abs(values).max() <= reach * (1 + 1e-6)
    if math.isfinite(reach):
        assert abs(values).max() > 0.99 * reach
    else:
        assert abs(values).max() > 3.5 * expected


def test_every_law_of_ours_and_every_row_is_one_that_is_known():
    assert {one.law for one in NAMED} <= set(LAWS)
    assert {law for laws, _ in TRAPS for law in laws} <= set(LAWS)
    ours = set(LAWS) & set(INITIALIZERS.names())
    assert set(LAWS) - ours == {"truncated, not corrected", "truncated at fixed bounds"}


@pytest.mark.parametrize("law", LAWS)
def test_a_framework_writes_a_law_in_one_way(law):
    frameworks = [one.framework for one in spellings(law)]
    assert len(frameworks) == len(set(frameworks))
    assert "torch" in frameworks or law == "he_textbook_variant"


def test_he_normal_means_three_laws():
    found = meanings("he_normal")
    assert found == {
        "he_normal": ["initsweep", "torch", "textbook"],
        "he_truncated_normal": ["keras", "jax", "haiku"],
        "he_textbook_variant": ["textbook"],
    }


@pytest.mark.parametrize(
    ("name", "laws"),
    [
        ("kaiming_normal_", {"he_normal", "he_truncated_normal"}),
        ("nn.init.kaiming_uniform_(w)", {"he_uniform", "torch_default"}),
        ("GlorotUniform", {"xavier_uniform"}),
        ("TruncatedNormal",
         {"truncated_normal", "truncated, not corrected", "truncated at fixed bounds"}),
        ("trunc_normal_tf_", {"truncated, not corrected"}),
        ("he_truncated_normal", {"he_truncated_normal"}),
        ("keras.initializers.HeNormal", {"he_truncated_normal"}),
        ("tf.keras.initializers.HeNormal(seed=0.5)", {"he_truncated_normal"}),
        ("jax.nn.initializers.kaiming_normal", {"he_truncated_normal"}),
        ("torch.nn.init.kaiming_normal_", {"he_normal"}),
        ("timm.layers.trunc_normal_", {"truncated at fixed bounds"}),
        ("hk.initializers.TruncatedNormal", {"truncated, not corrected"}),
        ("VarianceScaling", {"random_scaled"}),
        ("variance_scaling_", {"random_scaled"}),
    ],
)  # fmt: skip
def test_names_of_any_framework(name, laws):
    assert set(meanings(name)) == laws


def test_a_framework_without_the_name_says_where_it_is():
    with pytest.raises(UnknownNameError, match=r"in keras, but in torch, jax: leave out 'keras\.i"):
        meanings("keras.initializers.kaiming_normal")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("kaiming_normal_", "'kaiming_normal_' is called 'he_normal' here."),
        ("GlorotUniform", "'GlorotUniform' is called 'xavier_uniform' here."),
        ("keras.initializers.HeNormal", "is called 'he_truncated_normal' here."),
        ("kaiming_normal", "'he_normal' (so in torch) or 'he_truncated_normal' (so in jax) here."),
        ("kaiming_uniform_", "'he_uniform' (so in torch) or 'torch_default' (so in torch) here."),
        ("trunc_normal_tf_", "normal of std s cut at ±2s: std 0.8796 s, which has no name here."),
    ],
)
def test_a_foreign_name_is_told_what_it_is_called_here(name, said):
    with pytest.raises(UnknownNameError) as raised:
        initialize_(nn.Linear(3, 2), name, 0)
    assert said in str(raised.value)
    assert "Did you mean" not in str(raised.value)


def test_a_misspelt_name_is_still_guessed():
    with pytest.raises(UnknownNameError, match="Did you mean 'he_normal'"):
        initialize_(nn.Linear(3, 2), "he_nrmal", 0)


def test_names_are_stripped():
    assert plain("keras.initializers.HeNormal()") == plain("he_normal_") == "he_normal"


def test_an_unknown_name_is_suggested():
    with pytest.raises(UnknownNameError, match="Did you mean 'he_normal'"):
        meanings("he_nrmal")


@pytest.mark.parametrize("text", [overview(), page("truncated_normal"), page("he")])
def test_pages_fit_a_terminal(text):
    assert max(map(len, text.splitlines())) <= 100


def test_the_page_of_he_warns_of_all_that_matters():
    text = page("he_normal")
    for part in ("cut nothing", "states He twice", "gain multiplies the std", "HeNormal()"):
        assert part in text
