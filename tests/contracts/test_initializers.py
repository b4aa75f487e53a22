"""What every registered initializer promises; a new one is tested here by itself."""

import math

import pytest
import torch
from scipy import stats
from torch import nn

from initsweep.checks.initializers import fills_networks, initializer_promises
from initsweep.checks.samples import sample_inputs, sample_layers, sample_networks
from initsweep.core.errors import InitsweepError, unheard
from initsweep.core.randomness import torch_stream
from initsweep.initializers import INITIALIZERS, make_initializer
from initsweep.initializers.apply import initial_state, layers_of

ENTRIES = dict(INITIALIZERS)
WIDE = sample_layers()["linear"][0]
BATCH = sample_inputs()
PROMISES = [title for title, _ in initializer_promises(make_initializer("zeros", {}))]


@pytest.fixture(params=ENTRIES)
def name(request):
    return request.param


@pytest.fixture
def initializer(name):
    return make_initializer(name, ENTRIES[name].example)


def test_it_documents_itself(name):
    for text in (ENTRIES[name].summary, ENTRIES[name].reference, ENTRIES[name].conditions):
        assert text.strip().endswith("."), text
    assert ENTRIES[name].__doc__
    assert "\n" not in ENTRIES[name].summary


@pytest.mark.parametrize("promise", PROMISES)
def test_it_keeps_its_promises(initializer, promise):
    with unheard():  # of rules for branches, which the plain network does not have
        dict(initializer_promises(initializer))[promise]()


def test_refusals_of_layers_are_sentences(initializer):
    for layers in sample_layers().values():
        for layer in layers:
            assert (initializer.refuses(layer) or ".").endswith(".")


def test_mean_and_std_are_the_stated_ones(initializer):
    mean, std = initializer.weight_mean(WIDE), initializer.weight_std(WIDE)
    if mean is None or std is None:
        pytest.skip("states no law")
    values = initializer.weight(WIDE, torch_stream("law")).double().numpy()
    if std == 0:
        assert values.min() == values.max() == pytest.approx(mean, rel=1e-7)
        return
    kurtosis = stats.kurtosis(values, axis=None, fisher=False)
    tolerance = 5 * math.sqrt((kurtosis - 1) / (4 * values.size))
    assert values.std() == pytest.approx(std, rel=tolerance)
    assert values.mean() == pytest.approx(mean, abs=5 * std / math.sqrt(values.size))


def test_bias_std_is_the_stated_one(name, initializer):
    stated = initializer.bias_std(WIDE)
    if stated is None:
        pytest.skip("states no law")
    bias = initializer.bias(WIDE, torch_stream("law")).double()
    assert (ENTRIES[name].biases == "0") == (stated == 0)
    assert float(bias.square().mean().sqrt()) == pytest.approx(stated, rel=5 / math.sqrt(2 * 1024))


def test_a_network_that_it_refuses_has_no_branches(initializer):
    with unheard():
        remark = fills_networks(initializer)
    assert not remark or "no residual branch" in remark


def test_other_seeds_give_other_networks(initializer):
    network = sample_networks()["residual"]
    state, other = (initial_state(network, initializer, seed, inputs=BATCH) for seed in (0, 1))
    changed = any(not torch.equal(state[name], other[name]) for name in state)
    assert changed == (not initializer.deterministic)


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if entry.needs_inputs])
def test_a_scheme_that_needs_inputs_says_so(name):
    with pytest.raises(InitsweepError, match="inputs=batch"):
        initial_state(nn.Linear(3, 4), make_initializer(name, ENTRIES[name].example), 0)


def refusals():
    for name, entry in ENTRIES.items():
        for network in (nn.Embedding(7, 5), nn.Bilinear(3, 4, 5), nn.Conv2d(4, 6, 3)):
            initializer = make_initializer(name, entry.example)
            if reason := initializer.refuses(layers_of(network)[0]):
                kind = type(network).__name__
                yield pytest.param(initializer, network, reason, id=f"{name}-{kind}")


@pytest.mark.parametrize(("initializer", "network", "reason"), list(refusals()))
def test_a_refusal_names_the_parameter(initializer, network, reason):
    with pytest.raises(InitsweepError, match=f"cannot fill 'weight': {reason}"):
        initial_state(network, initializer, 0, inputs=BATCH)


def test_equal_options_give_equal_initializers(name, initializer):
    assert make_initializer(name, ENTRIES[name].example) == initializer
    assert hash(make_initializer(name, ENTRIES[name].example)) == hash(initializer)
