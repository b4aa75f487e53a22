"""The torch path on a GPU, where there is one."""

import numpy as np
import pytest
import torch

from initsweep.engine.train_lanes import train_lanes

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.mark.parametrize("model", ["plain", "batch_norm", "layer_norm", "residual", "unplanned"])
@pytest.mark.parametrize("name", ["sgd", "adam", "adamw", "rmsprop"])
def test_it_trains_as_on_the_cpu(make_problem, training, optimizer, runtime, lanes_of, model, name):
    problem = make_problem(model)
    settings = {
        "training": training(schedule="cosine", gradient_clip=1.0),
        "optimizer": optimizer(name=name),
        "keep_states": True,
    }
    lanes = lanes_of((0.01, 0), (1e20, 1), (0.003, 0), (0.01, 2))
    on_gpu, on_cpu = (
        train_lanes(problem, lanes, runtime=runtime(device=device), **settings)
        for device in ("cuda", "cpu")
    )
    assert on_gpu.engine.startswith("torch")
    assert on_gpu.diverged_at_step.tolist() == on_cpu.diverged_at_step.tolist()
    for column in ("initial_loss", "train_loss", "validation_loss"):
        np.testing.assert_allclose(getattr(on_gpu, column), getattr(on_cpu, column), rtol=2e-3)
    for state, twin in zip(on_gpu.final_states, on_cpu.final_states, strict=True):
        assert (state is None) == (twin is None)
        for key, value in (state or {}).items():
            torch.testing.assert_close(value, twin[key], rtol=1e-2, atol=1e-3)


def test_a_lane_does_not_depend_on_its_company(
    make_problem, training, optimizer, runtime, lanes_of, assert_same_bytes, only
):
    settings = {"training": training(), "optimizer": optimizer(), "keep_states": True}
    settings["runtime"] = runtime(device="cuda", lanes_per_chunk=4)
    lanes = lanes_of((0.02, 1), (1e20, 2), (0.01, 3))
    alone = train_lanes(make_problem(), lanes[-1:], **settings)
    together = train_lanes(make_problem(), lanes, **settings)
    assert_same_bytes(only(together, 2), alone)
