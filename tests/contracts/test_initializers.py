"""What every registered initializer promises; a new one is tested here by itself."""

import math

import pytest
import torch
from scipy import stats
from torch import nn

from initsweep.architectures import build_model
from initsweep.architectures.mlp import MlpArchitecture
from initsweep.errors import InitsweepError
from initsweep.initializers import INITIALIZERS, make_initializer
from initsweep.initializers.apply import initial_state, layers_of
from initsweep.randomness import torch_stream

ENTRIES = dict(INITIALIZERS)
WIDE = layers_of(nn.Sequential(nn.Linear(64, 1024), nn.ReLU()))[0]
LAYERS = [
    WIDE,
    *layers_of(nn.Linear(1, 1)),
    *layers_of(nn.Linear(5, 3, bias=False)),
    *layers_of(nn.Conv2d(4, 6, 3, stride=2, groups=2)),
    *layers_of(nn.ConvTranspose1d(4, 6, 3)),
    *layers_of(nn.ConvTranspose2d(6, 4, (2, 3), groups=2)),
    *layers_of(nn.Conv3d(4, 4, 3, groups=4)),
    *layers_of(nn.Embedding(7, 5)),
    *layers_of(nn.Bilinear(3, 4, 5)),
    *layers_of(nn.MultiheadAttention(6, 2)),
    *layers_of(nn.GRU(3, 4)),
]
BATCH = torch.randn(64, 6, generator=torch_stream("contract batch"))


class Residual(nn.Module):
    """Two residual branches that end in a norm, with a projection around the first one."""

    def __init__(self):
        super().__init__()
        self.around = nn.Linear(6, 8)
        self.first = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 8), nn.LayerNorm(8))
        self.second = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8), nn.LayerNorm(8))
        self.head = nn.Linear(8, 3)

    def forward(self, inputs):
        signal = torch.relu(self.around(inputs) + self.first(inputs))
        return self.head(torch.relu(signal + self.second(signal)))


def networks():
    plain = build_model("mlp", MlpArchitecture.example, n_features=6, n_outputs=3)
    return {"plain": plain, "residual": Residual()}


def why_not(initializer, network) -> str:
    try:
        initial_state(network, initializer, 0, inputs=BATCH)
    except InitsweepError as error:
        return str(error)
    return ""


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


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: str(layer.weight_shape))
def test_weight_and_bias_are_proper_tensors(initializer, layer):
    if reason := initializer.refuses(layer):
        assert reason.endswith(".")
        return
    weight = initializer.weight(layer, torch_stream("contract"))
    bias = initializer.bias(layer, torch_stream("contract"))
    assert tuple(weight.shape) == layer.weight_shape
    assert tuple(bias.shape) == (layer.bias_shape or (0,))
    for tensor in (weight, bias):
        assert tensor.dtype == torch.float32
        assert tensor.device.type == "cpu"
        assert bool(tensor.isfinite().all())
        assert not tensor.requires_grad


def test_the_generator_is_the_only_source_of_randomness(initializer):
    torch.manual_seed(0)
    first = initializer.weight(WIDE, torch_stream("a"))
    torch.manual_seed(1)
    state = torch.get_rng_state()
    again = initializer.weight(WIDE, torch_stream("a"))
    assert torch.equal(first, again)
    assert torch.equal(state, torch.get_rng_state())
    other = initializer.weight(WIDE, torch_stream("b"))
    assert torch.equal(first, other) == initializer.deterministic


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


@pytest.mark.parametrize("network", ["plain", "residual"])
def test_it_fills_a_whole_network(initializer, network):
    network = networks()[network]
    if why_not(initializer, network):
        assert "no residual branch" in why_not(initializer, network)
        return
    before = {name: one.clone() for name, one in network.state_dict().items()}
    state = initial_state(network, initializer, 0, inputs=BATCH)
    assert list(state) == [name for name, _ in network.named_parameters()]
    again = initial_state(network, initializer, 0, inputs=BATCH)
    assert all(torch.equal(state[name], again[name]) for name in state)
    other = initial_state(network, initializer, 1, inputs=BATCH)
    changed = any(not torch.equal(state[name], other[name]) for name in state)
    assert changed == (not initializer.deterministic)
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert network.training


def test_it_fills_at_least_one_of_the_two(initializer):
    assert not all(why_not(initializer, network) for network in networks().values())


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
