"""Networks of strangers on every path, with more workers than one."""

import os
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from initsweep.engine.lanes import Lane, Problem, Split
from initsweep.engine.train_lanes import train_lanes
from initsweep.initializers import initial_states
from tests.engine.conftest import accuracy, cross_entropy
from tests.own_networks import FEATURES, KINDS, OUTPUTS, Dense

LANES = [Lane(learning_rate=0.05, seed=seed) for seed in range(8)]
CALL, GETATTR = nn.Module.__call__, nn.Module.__getattr__


def problem_of(kind, asked=None):
    generator = torch.Generator().manual_seed(5)
    features = torch.randn(72, FEATURES, generator=generator)
    targets = torch.randint(OUTPUTS, (72,), generator=generator)
    model = kind()
    state_of = initial_states(model, "he_normal")

    def state(seed):
        if asked is not None:
            with asked.open("a") as file:  # whichever process it is
                file.write(f"{seed} {os.getpid()} {threading.get_ident()}\n")
        return state_of(seed)

    return Problem(
        model=model,
        initial_state=state,
        train=Split(features=features[:48], targets=targets[:48]),
        validation=Split(features=features[48:], targets=targets[48:]),
        loss=cross_entropy,
        loss_name="cross_entropy",
        score=accuracy,
        constant_loss=1.1,
    )


@pytest.fixture
def trained(training, optimizer, runtime):
    def train(problem, engine, workers, threads=1):
        settings = {"engine": engine, "workers": workers, "threads": threads, "lanes_per_chunk": 1}
        return train_lanes(
            problem, LANES, training=training(epochs=2), optimizer=optimizer(),
            runtime=runtime(**settings), keep_states=True,
        )  # fmt: skip

    return train


@pytest.mark.usefixtures("restless_threads")
@pytest.mark.parametrize(
    ("engine", "threads"), [("torch", 1), ("torch", 2), ("reference", 1), ("auto", 1)]
)
@pytest.mark.parametrize("kind", KINDS)
def test_any_number_of_workers_trains_them_to_the_same_bytes(
    kind, engine, threads, trained, assert_same_bytes
):
    alone = trained(problem_of(kind), engine, 1, threads)
    assert_same_bytes(trained(problem_of(kind), engine, 3, threads), alone)
    assert (nn.Module.__call__, nn.Module.__getattr__) == (CALL, GETATTR)


@pytest.mark.parametrize("threads", [1, 2])
def test_weights_are_drawn_once_per_seed_and_before_any_worker_trains(trained, threads, tmp_path):
    asked = tmp_path / "asked"
    trained(problem_of(KINDS[0], asked), "torch", 4, threads)
    here = f"{os.getpid()} {threading.get_ident()}"
    assert asked.read_text().splitlines() == [f"{lane.seed} {here}" for lane in LANES]


class Checkpointed(nn.Module):
    """As people write it who do not say which kind of checkpoint they mean."""

    def __init__(self):
        super().__init__()
        self.stem, self.inner = nn.Linear(FEATURES, 8), nn.Linear(8, 8)
        self.head = nn.Linear(8, OUTPUTS)

    def forward(self, x):
        x = torch.relu(self.stem(x))
        return self.head(checkpoint(lambda z: torch.relu(self.inner(z)), x, use_reentrant=True))


@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")
def test_a_checkpointed_network_is_trained_as_without(trained):
    network = Checkpointed()
    plain = nn.Sequential(network.stem, nn.ReLU(), network.inner, nn.ReLU(), network.head)
    names = dict(zip(dict(network.named_parameters()), dict(plain.named_parameters()), strict=True))
    problem = problem_of(lambda: network)

    def state(seed):
        return {names[name]: value for name, value in problem.initial_state(seed).items()}

    expected = trained(replace(problem, model=plain, initial_state=state), "reference", 1)
    for engine in ("auto", "reference"):
        found = trained(problem, engine, 2)
        np.testing.assert_allclose(found.train_loss, expected.train_loss, rtol=1e-5)


class Locked(Dense):
    """As networks do that may be called from several threads."""

    def __init__(self):
        super().__init__()
        self.lock, self.called = threading.Lock(), lambda x: self.inner(x)

    def forward(self, x):
        with self.lock:
            x = self.stem(x)
            return self.head(self.norm(x + torch.relu(self.called(x))))


@pytest.mark.parametrize("engine", ["torch", "reference", "auto"])
def test_a_network_that_holds_a_lock_and_a_closure_is_trained_as_without(
    engine, trained, assert_same_bytes
):
    torch.manual_seed(0)
    locked, free = problem_of(Locked), problem_of(Dense)
    free.model.load_state_dict(locked.model.state_dict())
    assert_same_bytes(trained(locked, engine, 2), trained(free, engine, 2))
