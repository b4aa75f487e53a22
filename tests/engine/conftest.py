"""Small problems, settings and comparisons for the engine's tests."""

import copy
import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional

from initsweep.core.errors import KernelsError
from initsweep.core.multipliers import Multipliers
from initsweep.core.params import Optimizer, Runtime, Training
from initsweep.core.randomness import torch_stream
from initsweep.engine.kernels.library import load_library
from initsweep.engine.lanes import Lane, Problem, Split
from tests.engine.networks import network

COLUMNS = ("initial_loss", "train_loss", "validation_loss", "validation_score", "diverged_at_step")


def cross_entropy(outputs, targets):
    """As the engine is given it: any leading lane dimensions."""
    flat = functional.cross_entropy(
        outputs.flatten(0, -2), targets.expand(outputs.shape[:-1]).flatten(), reduction="none"
    )
    return flat.view(outputs.shape[:-1]).mean(-1)


def accuracy(outputs, targets):
    return (outputs.argmax(-1) == targets).to(outputs.dtype).mean(-1)


def _make_problem(
    kind="plain", *, n=70, n_validation=33, dtype=torch.float32, scale=1.0, factors=(), **sizes
) -> Problem:
    """A learnable classification problem.

    `scale` multiplies the initial weights, and `factors` go to one parameter after the other.
    """
    model = network(kind, **sizes).to(dtype)
    n_features, n_outputs = model[0].in_features, model[-1].out_features
    generator = torch.Generator().manual_seed(7)
    features = torch.randn(n + n_validation, n_features, generator=generator).to(dtype)
    teacher = torch.randn(n_features, n_outputs, generator=generator).to(dtype)
    targets = (features @ teacher).argmax(-1)
    # The template's own weights must never be used.
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(torch.nan)

    def initial_state(seed):
        return {
            name: scale * _draw(name, parameter, seed).to(dtype)
            for name, parameter in model.named_parameters()
        }

    return Problem(
        model=model,
        initial_state=initial_state,
        train=Split(features=features[:n], targets=targets[:n]),
        validation=Split(features=features[n:], targets=targets[n:]),
        loss=cross_entropy,
        loss_name="cross_entropy",
        score=accuracy,
        constant_loss=1.1,
        multipliers={
            name: Multipliers(*own)
            for (name, _), own in zip(model.named_parameters(), itertools.cycle(factors))
        },
    )


def _draw(name, parameter, seed):
    noise = torch.randn(parameter.shape, generator=torch_stream("weights", seed, name))
    if parameter.dim() < 2:
        return (1.0 if name.endswith("weight") else 0.0) + 0.1 * noise
    return noise * (2 / parameter.shape[1]) ** 0.5


@pytest.fixture(scope="session")
def make_problem() -> Callable[..., Problem]:
    return _make_problem


@pytest.fixture
def training(default_content) -> Callable[..., Training]:
    def build(**changes: Any) -> Training:
        small = {"epochs": 3, "batch_size": 16}
        return Training.model_validate(default_content["training"] | small | changes)

    return build


@pytest.fixture
def optimizer(default_content) -> Callable[..., Optimizer]:
    def build(**changes: Any) -> Optimizer:
        return Optimizer.model_validate(default_content["optimizer"] | changes)

    return build


@pytest.fixture
def runtime(default_content) -> Callable[..., Runtime]:
    def build(**changes: Any) -> Runtime:
        small = {"device": "cpu", "engine": "torch", "lanes_per_chunk": 4, "workers": 1}
        return Runtime.model_validate(default_content["runtime"] | small | changes)

    return build


@pytest.fixture(params=["torch", "compiled"])
def fast_engine(request) -> str:
    """Each path that is faster than the reference, if this installation has it."""
    if request.param == "compiled":
        try:
            load_library()
        except KernelsError as error:
            pytest.skip(str(error))
    return request.param


@pytest.fixture(scope="session")
def lanes_of():
    """Lanes from pairs of learning rate and seed."""
    return lambda *pairs: [Lane(learning_rate=rate, seed=seed) for rate, seed in pairs]


@pytest.fixture(scope="session")
def assert_same_bytes():
    return _assert_same_bytes


@pytest.fixture(scope="session")
def only():
    return _only


def _assert_same_bytes(one, other):
    for column in COLUMNS:
        assert getattr(one, column).tobytes() == getattr(other, column).tobytes(), column
    assert (one.final_states is None) == (other.final_states is None)
    for state, twin in zip(one.final_states or [], other.final_states or [], strict=True):
        assert (state is None) == (twin is None)
        for name, value in (state or {}).items():
            assert torch.equal(value, twin[name]), name


def _only(results, lane):
    """The results of one lane, as if it had been trained alone."""
    columns = {name: getattr(results, name)[[lane]] for name in COLUMNS}
    alone = copy.copy(results)
    for name, column in columns.items():
        object.__setattr__(alone, name, column)
    if results.final_states is not None:
        object.__setattr__(alone, "final_states", [results.final_states[lane]])
    return alone
