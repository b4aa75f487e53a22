"""What every registered architecture promises; a new one is tested here by itself."""

import pytest
import torch
from torch.func import functional_call, grad, stack_module_state, vmap

from initsweep.architectures import ARCHITECTURES, build_model, describe
from initsweep.checks.network_under_test import Subject
from initsweep.checks.networks import network_promises
from initsweep.core.errors import KernelsError
from initsweep.core.params import load_params
from initsweep.core.randomness import torch_stream
from initsweep.engine.choice import choose_path
from initsweep.engine.kernels.library import load_library
from initsweep.initializers import activations_after
from initsweep.initializers.apply import initialize_, layers_of
from tests.conftest import ROOT

ENTRIES = dict(ARCHITECTURES)
BATCH = torch.randn(8, 64, generator=torch_stream("batch"))


def subject(name):
    def build():
        return build_model(name, ENTRIES[name].example, n_features=64, n_outputs=10)

    params = load_params(ROOT / "params.yaml")
    return Subject(
        build=build,
        n_features=64,
        n_outputs=10,
        training=params.training,
        optimizer=params.optimizer,
        runtime=params.runtime,
    )


PROMISES = [title for title, _ in network_promises(subject("mlp"))]


@pytest.fixture(params=ENTRIES)
def name(request):
    return request.param


@pytest.fixture
def network(name):
    return build_model(name, ENTRIES[name].example, n_features=64, n_outputs=10)


def test_it_documents_itself(name):
    assert ENTRIES[name].summary.strip().endswith(".")
    assert ENTRIES[name].reference.strip().endswith(".")


def test_it_states_which_path_trains_it(name):
    try:
        load_library()
    except KernelsError as error:
        pytest.skip(str(error))
    path = choose_path(subject(name).job("auto"))
    assert path.kind.split(" ")[0] == ENTRIES[name].trained_by


def test_its_short_name_is_short_and_safe_in_paths(name):
    short = describe(name, ENTRIES[name].example)
    assert short.startswith(name)
    assert short.replace("-", "").replace("_", "").isalnum()
    assert len(short) < 60


@pytest.mark.parametrize("promise", PROMISES)
def test_it_keeps_its_promises(name, promise):
    dict(network_promises(subject(name)))[promise]()


def test_every_layer_is_known_and_the_head_is_linear(network):
    layers = layers_of(network)
    activations = activations_after(network)
    assert set(activations) < {layer.name for layer in layers}
    assert layers[-1].activation is None
    assert layers[-1].weight_shape[0] == 10


def test_building_leaves_the_global_generator_alone(name):
    before = torch.get_rng_state()
    build_model(name, ENTRIES[name].example, n_features=64, n_outputs=2)
    assert torch.equal(before, torch.get_rng_state())


def test_it_can_be_stacked(name, network):
    lanes = [
        initialize_(
            build_model(name, ENTRIES[name].example, n_features=64, n_outputs=10), "he_normal", seed
        )
        for seed in range(2)
    ]
    parameters, buffers = stack_module_state(lanes)
    parameters = {key: value.detach() for key, value in parameters.items()}

    def loss(parameters, buffers):
        return functional_call(network, (parameters, buffers), (BATCH,)).square().mean()

    gradients = vmap(grad(loss))(parameters, buffers)
    for index, lane in enumerate(lanes):
        lane(BATCH).square().mean().backward()
        for key, parameter in lane.named_parameters():
            torch.testing.assert_close(gradients[key][index], parameter.grad, rtol=1e-3, atol=1e-5)
