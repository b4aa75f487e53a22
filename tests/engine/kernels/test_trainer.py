"""What a trainer promises besides the layers' numbers."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from initsweep.engine.kernels.library import registers_peak

N = 48


def network():
    return nn.Sequential(
        nn.Linear(6, 13),
        nn.BatchNorm1d(13),
        nn.ReLU(),
        nn.Linear(13, 7),
        nn.GELU(),
        nn.Linear(7, 5),
    )


def data(seed=0):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(N, 6, generator=generator)
    return features, torch.randint(0, 5, (N,), generator=generator), torch.arange(N)


def state_of(model):
    state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return {name: value.detach().clone() for name, value in state.items()}


def test_tensors_go_in_and_come_out_unchanged(build, optimizer):
    model = network()
    trainer = build(model, (6,), optimizer())
    state = state_of(model)
    state["1.running_mean"] += 0.5
    trainer.start(state)
    returned = trainer.state(state, batches=3)
    assert list(returned) == list(state)
    assert int(returned.pop("1.num_batches_tracked")) == 3
    for name, value in returned.items():
        assert torch.equal(value, state[name]), name


@pytest.mark.parametrize("clip", [None, 0.3])
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        *itertools.product(
            ["sgd"],
            [
                {"momentum": 0.0},
                {},
                {"nesterov": True},
                {"weight_decay": 0.1},
                {"nesterov": True, "weight_decay": 0.1},
            ],
        ),
        *itertools.product(["adam", "adamw", "rmsprop"], [{}, {"weight_decay": 0.1}]),
    ],
)
def test_optimizers(build, errors, optimizer, name, settings, clip):
    chosen = optimizer(name=name, **settings)
    model = nn.Sequential(nn.Linear(6, 20), nn.Tanh(), nn.Linear(20, 5))
    trainer = build(model, (6,), chosen, clip=clip)
    rate = 0.05 if name == "sgd" else 0.002
    ours, torchs = errors(
        trainer, model, chosen, batch=16, steps=12, rate=rate, shape=(6,), clip=clip
    )
    assert ours < max(2e-6, 2 * torchs)


def test_training_stops_before_the_update_of_a_bad_loss(build, optimizer):
    model = network()
    features, targets, order = data()
    trainer = build(model, (6,), optimizer())
    losses = trainer.train(features, targets, order, np.full(3, 0.1), -1.0)
    assert len(losses) == 1
    after = trainer.state(state_of(model), batches=0)
    assert torch.equal(after["0.weight"], model[0].weight)
    features[0] = torch.nan
    assert np.isnan(trainer.train(features, targets, order, np.full(3, 0.1), np.inf)).tolist() == [
        True
    ]


def test_what_overflowed_leaves_no_trace(build, optimizer):
    model = network()
    features, targets, order = data()
    rates = np.full(3, 0.05)
    fresh = build(model, (6,), optimizer())
    state = state_of(model)
    expected = fresh.train(features, targets, order, rates, np.inf)
    used = build(model, (6,), optimizer())
    used.train(features, targets, order, np.full(3, 1e30), np.inf)
    used.train(features, targets, order, np.full(3, 1e30), np.inf)
    used.start(state)
    assert used.train(features, targets, order, rates, np.inf).tobytes() == expected.tobytes()
    for name, value in fresh.state(state, batches=3).items():
        assert torch.equal(used.state(state, batches=3)[name], value), name


def test_predictions_do_not_depend_on_their_number(build, optimizer):
    model = network()
    trainer = build(model, (6,), optimizer(), batch=16)
    features, _, _ = data()
    whole = torch.empty(N, 5)
    trainer.predict(features, whole)
    for n in (1, 15, 16, 17):
        some = torch.empty(n, 5)
        trainer.predict(features[:n], some)
        assert torch.equal(some, whole[:n])


def test_the_peak_counts_operations():
    assert registers_peak(10) * 2 == registers_peak(20) > 0
