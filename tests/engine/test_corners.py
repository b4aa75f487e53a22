"""Networks and data at the edge of what the fast paths cover: right, or refused, never wrong."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, rnn

from initsweep.architectures import build_model
from initsweep.core.errors import KernelsError, ParamsError
from initsweep.engine.kernels.library import load_library
from initsweep.engine.lanes import Split
from initsweep.engine.train_lanes import train_lanes


class Calls(nn.Module):
    def __init__(self, function, *layers):
        super().__init__()
        self.function, self.layers = function, nn.ModuleList(layers)

    def forward(self, x):
        return self.function(self, x)


class Counts(nn.Module):
    """Has a buffer that moves on by itself."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 3)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        return self.layer(x)


def in_place(self, x):
    x.mul_(0.5)
    return self.layers[0](x)


def mode(self, x):
    x = self.layers[0](x)
    return self.layers[1](x if self.training else torch.relu(x))


def packed(self, x):
    steps = rnn.pack_padded_sequence(x.unflatten(1, (3, 2)), [3] * len(x), batch_first=True)
    return self.layers[1](self.layers[0](steps)[1][0])


MODULES = {
    "looks at its mode": lambda: Calls(mode, nn.Linear(6, 8), nn.Linear(8, 3)),
    "statistics of the rows given": lambda: nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8, track_running_stats=False), nn.Linear(8, 3)
    ),
    "works in place": lambda: Calls(in_place, nn.Linear(6, 3)),
    "norm without bias": lambda: nn.Sequential(
        nn.Linear(6, 8), nn.LayerNorm(8, bias=False), nn.ReLU(), nn.Linear(8, 3)),
    "norm without parameters": lambda: nn.Sequential(
        nn.Linear(6, 8), nn.LayerNorm(8, elementwise_affine=False), nn.Linear(8, 3)
    ),
    "parametrized": lambda: nn.Sequential(
        parametrizations.weight_norm(nn.Linear(6, 8)), nn.ReLU(), nn.Linear(8, 3)
    ),
    "keywords": lambda: Calls(lambda m, x: m.layers[0](input=x), nn.Linear(6, 3)),
    "a buffer of its own": Counts,
    "one weight twice": lambda: Calls(
        lambda m, x: m.layers[1](m.layers[0](x).tanh() @ m.layers[0].weight),
        nn.Linear(6, 8), nn.Linear(6, 3),
    ),
    "frozen": lambda: nn.Sequential(nn.Linear(6, 8).requires_grad_(False), nn.Linear(8, 3)),
    "packed steps": lambda: Calls(packed, nn.GRU(2, 5, batch_first=True), nn.Linear(5, 3)),
}  # fmt: skip


def replaced(problem, model, **changes):
    """The problem with another network, whose seeds are draws of torch's own defaults."""

    def initial_state(seed):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return {
                name: torch.randn(value.shape) / max(1, value[0].numel()) ** 0.5
                if value.dim() > 1
                else torch.rand(value.shape) + 0.5
                for name, value in model.named_parameters()
            }

    return dataclasses.replace(problem, model=model, initial_state=initial_state, **changes)


def assert_like_reference(problem, lanes, runtime, engine="auto", **settings):
    untouched = problem.train.features.clone(), problem.validation.features.clone()
    found = train_lanes(
        problem, lanes, runtime=runtime(engine=engine), keep_states=True, **settings
    )
    assert torch.equal(problem.train.features, untouched[0])
    plain = train_lanes(
        problem, lanes, runtime=runtime(engine="reference"), keep_states=True, **settings
    )
    assert torch.equal(problem.validation.features, untouched[1])
    for column in ("initial_loss", "train_loss", "validation_loss", "validation_score"):
        np.testing.assert_allclose(getattr(found, column), getattr(plain, column), rtol=2e-4)
    for state, twin in zip(found.final_states, plain.final_states, strict=True):
        for name, value in state.items():
            torch.testing.assert_close(value, twin[name], rtol=2e-3, atol=2e-4)
    return found.engine


@pytest.mark.parametrize("name", MODULES)
def test_unusual_modules_train_as_in_the_plain_loop(
    name, make_problem, training, optimizer, runtime, lanes_of
):
    problem = replaced(make_problem(n_validation=20), MODULES[name]())
    lanes, settings = lanes_of((0.03, 0), (0.01, 1)), {"optimizer": optimizer()}
    found = assert_like_reference(problem, lanes, runtime, training=training(), **settings)
    assert found.startswith(("compiled", "torch"))


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "softplus", "gelu"])
def test_padded_channels_count_for_nothing(
    activation, make_problem, training, optimizer, runtime, lanes_of
):
    """Sigmoid and softplus of the padding are not zero, and a second convolution reads it."""
    options = {
        "channels": [5, 7], "kernel": 3, "activation": activation, "dense": 9, "image": None,
    }  # fmt: skip
    model = build_model("cnn", options, n_features=64, n_outputs=3)
    problem = replaced(make_problem(n_features=64), model)
    engine = assert_like_reference(
        problem,
        lanes_of((0.03, 0), (0.01, 1)),
        runtime,
        training=training(epochs=6, gradient_clip=0.5),
        optimizer=optimizer(),
    )
    assert engine.startswith(("compiled", "torch"))


@pytest.mark.parametrize("memory", ["transposed", "spread"])
def test_data_in_another_order_of_memory(
    memory, make_problem, training, optimizer, runtime, lanes_of, fast_engine
):
    problem = make_problem()
    features = problem.train.features
    if memory == "transposed":
        laid_out = features.t().contiguous().t()
    else:
        laid_out = torch.stack([features, -features], dim=2)[..., 0]
    assert not laid_out.is_contiguous()
    train = Split(features=laid_out, targets=problem.train.targets)
    lanes = lanes_of((0.03, 0))
    settings = {"training": training(), "optimizer": optimizer()}
    other = dataclasses.replace(problem, train=train)
    found = train_lanes(other, lanes, runtime=runtime(engine=fast_engine), **settings)
    plain = train_lanes(problem, lanes, runtime=runtime(engine=fast_engine), **settings)
    assert found.train_loss.tobytes() == plain.train_loss.tobytes()


def test_weights_in_another_order_of_memory(
    make_problem, training, optimizer, runtime, lanes_of, fast_engine
):
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    model[0].weight = nn.Parameter(torch.empty(6, 8).t())
    problem = replaced(make_problem(), model)
    settings = {"training": training(), "optimizer": optimizer()}
    assert_like_reference(problem, lanes_of((0.03, 0)), runtime, fast_engine, **settings)


@pytest.mark.parametrize("norm", ["batch_norm", "layer_norm"])
@pytest.mark.parametrize("clip", [None, 1.0])
def test_a_lane_that_overflowed_leaves_nothing_to_the_next(
    norm, clip, make_problem, training, optimizer, runtime, lanes_of, fast_engine,
    assert_same_bytes, only,
):  # fmt: skip
    problem = make_problem(norm, width=9)
    settings = {
        "training": training(gradient_clip=clip),
        "optimizer": optimizer(name="rmsprop"),
        "runtime": runtime(engine=fast_engine),
        "keep_states": True,
    }
    alone = train_lanes(problem, lanes_of((0.01, 0)), **settings)
    for rate in (1e25, 1e36):
        both = train_lanes(problem, lanes_of((rate, 1), (rate, 2), (0.01, 0)), **settings)
        assert_same_bytes(only(both, 2), alone)


def test_batch_norm_of_one_example_is_a_mistake(
    make_problem, training, optimizer, runtime, lanes_of
):
    load_or_skip()
    with pytest.raises(ParamsError, match=r"training\.batch_size: received 1"):
        train_lanes(
            make_problem("batch_norm"),
            lanes_of((0.01, 0)),
            training=training(batch_size=1),
            optimizer=optimizer(),
            runtime=runtime(engine="auto"),
        )


@pytest.mark.parametrize("target", [3, 1_000_000, -1])
def test_a_class_without_an_output_is_not_read(
    target, make_problem, training, optimizer, runtime, lanes_of
):
    load_or_skip()
    problem = make_problem()
    targets = problem.train.targets.clone()
    targets[5] = target
    train = Split(features=problem.train.features, targets=targets)
    with pytest.raises(KernelsError, match="class"):
        train_lanes(
            dataclasses.replace(problem, train=train),
            lanes_of((0.01, 0)),
            training=training(),
            optimizer=optimizer(),
            runtime=runtime(engine="compiled"),
        )


def test_image_shaped_features_take_another_path(
    make_problem, training, optimizer, runtime, lanes_of
):
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
    problem = make_problem(n_features=16)
    problem = replaced(
        problem,
        model,
        train=_as_images(problem.train),
        validation=_as_images(problem.validation),
    )
    settings = {"training": training(), "optimizer": optimizer()}
    engine = assert_like_reference(problem, lanes_of((0.03, 0)), runtime, **settings)
    assert engine.startswith("torch")


def _as_images(split):
    return Split(features=split.features.view(-1, 1, 4, 4), targets=split.targets)


def load_or_skip():
    try:
        load_library()
    except KernelsError as error:
        pytest.skip(str(error))
