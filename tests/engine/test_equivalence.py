"""Every path trains like the plain loop, up to rounding."""

import itertools

import numpy as np
import pytest
import torch

from initsweep.engine.train_lanes import train_lanes
from tests.engine.networks import UNPLANNED

OPTIMIZERS = {
    "sgd": {"name": "sgd", "momentum": 0.0},
    "momentum": {"name": "sgd", "momentum": 0.9, "weight_decay": 0.01},
    "nesterov": {"name": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    "adam": {"name": "adam", "weight_decay": 0.01},
    "adamw": {"name": "adamw", "weight_decay": 0.1},
    "rmsprop": {"name": "rmsprop", "beta2": 0.99, "weight_decay": 0.01},
}
NEWER = {
    "sgdw": {"name": "sgdw", "momentum": 0.9, "weight_decay": 0.1, "nesterov": True},
    "lion": {"name": "lion", "beta2": 0.99, "weight_decay": 0.1},
    "muon": {"name": "muon", "momentum": 0.95, "nesterov": True, "weight_decay": 0.1},
    "schedule_free_sgd": {"name": "schedule_free_sgd", "weight_decay": 0.1},
    "schedule_free_adamw": {"name": "schedule_free_adamw", "weight_decay": 0.1},
}
"""Those that the kernels lack."""
SCHEDULES = {
    "constant": {"schedule": "constant"},
    "cosine": {"schedule": "cosine", "warmup_fraction": 0.25},
    "linear": {"schedule": "linear"},
    "wsd": {"schedule": "wsd", "decay_fraction": 0.5},
}
CLIPS = {"unclipped": None, "clipped": 0.5}
MODELS = ("plain", "batch_norm", "layer_norm", "residual", "images", "unplanned")
SETTINGS = (
    *itertools.product(MODELS, OPTIMIZERS, ("constant", "cosine"), CLIPS),
    *(("plain", "momentum", schedule, "unclipped") for schedule in ("linear", "wsd")),
    *(("plain", name, "linear", "clipped") for name in NEWER),
    *((model, "muon", "linear", "clipped") for model in ("images", "unplanned")),
    *((model, "adamw", "cosine", "clipped") for model in UNPLANNED if model not in MODELS),
)


@pytest.mark.parametrize(("model", "optimizer_name", "schedule", "clip"), SETTINGS)
def test_fast_paths_train_like_the_plain_loop(
    make_problem,
    training,
    optimizer,
    runtime,
    model,
    optimizer_name,
    schedule,
    clip,
    lanes_of,
    fast_engine,
):
    if fast_engine == "compiled" and (model in UNPLANNED or optimizer_name in NEWER):
        pytest.skip("the kernels refuse it; test_coverage shows how")
    problem = make_problem(model)
    settings = {
        "training": training(epochs=2, **SCHEDULES[schedule], gradient_clip=CLIPS[clip]),
        "optimizer": optimizer(**(OPTIMIZERS | NEWER)[optimizer_name]),
        "keep_states": True,
    }
    lanes = lanes_of((0.01, 0), (0.003, 0), (0.01, 1))
    found = train_lanes(problem, lanes, runtime=runtime(engine=fast_engine), **settings)
    plain = train_lanes(problem, lanes, runtime=runtime(engine="reference"), **settings)
    assert found.engine.startswith(fast_engine)
    assert UNPLANNED.get(model, fast_engine) in found.engine
    assert plain.engine.startswith("reference on ")
    for column in ("initial_loss", "train_loss", "validation_loss"):
        np.testing.assert_allclose(
            getattr(found, column), getattr(plain, column), rtol=2e-4, err_msg=column
        )
    for state, twin in zip(found.final_states, plain.final_states, strict=True):
        assert list(state) == list(twin)
        for name, value in state.items():
            torch.testing.assert_close(value, twin[name], rtol=1e-3, atol=2e-4)
    # Not for want of training: every lane moved, and they differ.
    assert np.all(np.abs(found.validation_loss[:, -1] / found.initial_loss - 1) > 0.001)
    assert len(set(found.train_loss[:, -1])) == 3
