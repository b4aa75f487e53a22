"""The release gate of every fast path: its rounding error is no worse than torch's own.

A constant rounded to float32, such as Adam's 1 - beta2, costs three digits and shows in no loss
and no accuracy. It shows here: the same lanes are trained by the path, by the plain loop in
float32 and by the plain loop in float64, and the distances from the last one are compared.
"""

from copy import deepcopy
from functools import cache, partial

import pytest
import torch
from torch import nn

from initsweep.architectures import build_model
from initsweep.architectures.activations import ACTIVATIONS
from initsweep.core.errors import KernelsError
from initsweep.core.params import Optimizer, Runtime, Training
from initsweep.engine.lanes import Lane, Problem, Split
from initsweep.engine.train_lanes import train_lanes
from initsweep.initializers import initial_states
from initsweep.metrics import METRICS

PATHS = ("torch", "compiled")
"""What `runtime.engine` calls them. A path that is added is added here."""

SEEDS = range(20)
FACTOR = 2.0
"""How much larger the median error over seeds may be. Another order of summing alone moves it by
up to 1.5 where steps follow the sign of gradients near zero; a rounded constant by 10 and more."""

OPTIMIZERS = {
    "descent": {"name": "sgd", "momentum": 0.0},
    "momentum": {"name": "sgd", "momentum": 0.9},
    "decay": {"name": "sgd", "momentum": 0.9, "weight_decay": 0.01},
    "nesterov": {"name": "sgd", "momentum": 0.9, "nesterov": True},
    "adam": {"name": "adam", "weight_decay": 0.01},
    "adamw": {"name": "adamw", "weight_decay": 0.1},
    "rmsprop": {"name": "rmsprop", "beta2": 0.99},
}
SCHEDULES = {
    "constant": {},
    "cosine": {"schedule": "cosine"},
    "warm-up": {"warmup_fraction": 0.5},
    "clipping": {"gradient_clip": 0.2},
}
PLAIN = {"depth": 2, "width": 12, "activation": "tanh", "norm": "none", "residual": False}
IMAGES = {"channels": [3, 4], "kernel": 3, "activation": "tanh", "dense": 7, "image": None}
NETWORKS = {
    "linear": ("mlp", PLAIN),
    "batch norm": ("mlp", PLAIN | {"norm": "batch"}),
    "layer norm": ("mlp", PLAIN | {"norm": "layer"}),
    "residual": ("mlp", PLAIN | {"depth": 3, "residual": True}),
    "convolution": ("cnn", IMAGES),
    "convolution of sigmoid": ("cnn", IMAGES | {"activation": "sigmoid"}),
    **{name: ("mlp", PLAIN | {"activation": name}) for name in ACTIVATIONS},
    "default size": ("mlp", PLAIN | {"depth": 3, "width": 128, "activation": "relu"}),
}
OWN = {
    "slides": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 4, 3, stride=2, padding=2), nn.Tanh(),
        nn.Conv2d(4, 6, 2, dilation=2, groups=2, padding=1), nn.MaxPool2d(2, 1), nn.Flatten(),
        nn.Linear(24, 3),
    ),
    "means": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 4, 2), nn.GroupNorm(2, 4), nn.Tanh(),
        nn.Conv2d(4, 4, 2, padding=1, groups=4), nn.AvgPool2d(2, 1), nn.InstanceNorm2d(4),
        nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.RMSNorm(4), nn.Linear(4, 3),
    ),
}  # fmt: skip
"""Layers that no registered network has."""

LAYERS = ("linear", "batch norm", "layer norm", "residual", "convolution")
STEPS_PER_EPOCH, BATCH = 3, 33
WEIGHTS = (0.3, 1.0, 2.5)
OTHER_LOSSES = (
    "mean_squared_error",
    "mean_absolute_error",
    "huber",
    "weighted_cross_entropy",
)

CASES = [
    *[
        (layer, optimizer, list(SCHEDULES)[(row + column) % len(SCHEDULES)], "cross_entropy")
        for row, layer in enumerate(LAYERS)
        for column, optimizer in enumerate(OPTIMIZERS)
    ],  # every layer and every optimizer meets every schedule
    *[(name, o, "constant", "cross_entropy") for name in ACTIVATIONS for o in ("momentum", "adam")],
    *[("convolution of sigmoid", o, "clipping", "cross_entropy") for o in ("momentum", "adam")],
    *[(name, o, "clipping", "cross_entropy") for name in OWN for o in ("momentum", "adam")],
    *[("default size", o, "constant", "cross_entropy") for o in OPTIMIZERS],
    *[("linear", o, "constant", loss) for loss in OTHER_LOSSES for o in ("momentum", "adam")],
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("network", "optimizer", "schedule", "loss"), CASES)
def test_rounding_error_is_no_worse_than_that_of_torch(path, network, optimizer, schedule, loss):
    case = (network, optimizer, schedule, loss)
    try:
        error = errors_of(path, *case)
    except KernelsError as reason:
        pytest.skip(str(reason))
    expected = errors_of("reference", *case)
    assert 0 < error.median() <= FACTOR * expected.median()


@cache
def errors_of(path, *case):
    """Distance of the final weights from the exact ones over the way trained, shape (seeds,)."""
    return torch.stack(
        [
            torch.linalg.vector_norm(found.double() - exact)
            / torch.linalg.vector_norm(exact - start)
            for found, exact, start in zip(
                final(path, torch.float32, *case),
                exact_weights(*case),
                start_of(*case),
                strict=True,
            )
        ]
    )


@cache
def exact_weights(*case):
    return final("reference", torch.float64, *case)


@cache
def start_of(*case):
    problem = problem_of(torch.float64, case[0], case[3])
    return [joined(problem, problem.initial_state(seed)) for seed in SEEDS]


def final(path, dtype, network, optimizer, schedule, loss):
    """The weights of every seed after three epochs, as one vector each."""
    problem = problem_of(dtype, network, loss)
    settings = {"momentum": 0.0, "nesterov": False, "beta1": 0.9, "beta2": 0.999}
    settings |= {"epsilon": 1e-8, "weight_decay": 0.0, **OPTIMIZERS[optimizer]}
    plan = {"epochs": 3, "batch_size": BATCH, "schedule": "constant", "warmup_fraction": 0.0}
    plan |= {"gradient_clip": None, **SCHEDULES[schedule]}
    results = train_lanes(
        problem,
        [Lane(learning_rate=0.01, seed=seed) for seed in SEEDS],
        training=Training.model_validate(plan),
        optimizer=Optimizer.model_validate(settings),
        runtime=Runtime(
            device="cpu",
            engine=path,
            threads=1,
            lanes_per_chunk="auto",
            workers=1,
            keep_every_minutes=5.0,
        ),
        keep_states=True,
    )
    assert results.engine.startswith(path)
    return [joined(problem, state) for state in results.final_states]


def joined(problem, state):
    return torch.cat([state[name].flatten() for name, _ in problem.model.named_parameters()])


def problem_of(dtype, network, loss):
    metric = METRICS.get(loss)
    n_outputs = 3 if metric.task == "classification" else 1
    weighted = metric.needs == "class_weights"
    function = partial(metric.function, class_weights=WEIGHTS) if weighted else metric.function
    model = (
        OWN[network]()
        if network in OWN
        else build_model(*NETWORKS[network], n_features=16, n_outputs=n_outputs)
    )
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(STEPS_PER_EPOCH * BATCH + 20, 16, generator=generator)
    scores = features @ torch.randn(16, n_outputs, generator=generator)
    targets = scores.argmax(1) if n_outputs > 1 else scores[:, 0].to(dtype)
    state_of = initial_states(model, "he_normal")

    @cache
    def initial(seed):
        return {k: v.to(dtype) for k, v in state_of(seed).items()}

    return Problem(
        model=deepcopy(model).to(dtype),
        initial_state=initial,
        train=Split(features=features[:-20].to(dtype), targets=targets[:-20]),
        validation=Split(features=features[-20:].to(dtype), targets=targets[-20:]),
        loss=function,
        loss_name=loss,
        class_weights=WEIGHTS if weighted else (),
        score=function,
        constant_loss=1.1,
    )
