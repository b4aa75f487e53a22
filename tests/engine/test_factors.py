"""Factors on the rates and decays of single parameters: every path does what torch's groups do."""

import itertools

import numpy as np
import pytest
import torch

from initsweep.core.multipliers import Multipliers
from initsweep.engine.reference import torch_optimizer
from initsweep.engine.train_lanes import train_lanes
from tests.engine.networks import FACTORS, UNPLANNED
from tests.engine.test_equivalence import NEWER, OPTIMIZERS

CASES = [
    *itertools.product(["plain"], OPTIMIZERS, [None, 0.5]),
    *itertools.product(["plain"], NEWER, [None]),
    ("images", "muon", None),
    *itertools.product(["batch_norm", "images", "unplanned", "branching"], ["adamw"], [0.5]),
]


@pytest.mark.parametrize(("model", "optimizer_name", "clip"), CASES)
def test_fast_paths_train_like_the_plain_loop(
    make_problem, training, optimizer, runtime, lanes_of, fast_engine, model, optimizer_name, clip
):
    if fast_engine == "compiled" and (model in UNPLANNED or optimizer_name in NEWER):
        pytest.skip("the kernels refuse it; test_coverage shows how")
    problem = make_problem(model, factors=FACTORS)
    lanes = lanes_of((0.01, 0), (1e5, 0), (0.003, 1))  # the second diverges, and others move up
    settings = {
        "training": training(epochs=2, schedule="cosine", warmup_fraction=0.25, gradient_clip=clip),
        "optimizer": optimizer(**(OPTIMIZERS | NEWER)[optimizer_name]),
        "keep_states": True,
    }
    found = train_lanes(problem, lanes, runtime=runtime(engine=fast_engine), **settings)
    plain = train_lanes(problem, lanes, runtime=runtime(engine="reference"), **settings)
    np.testing.assert_allclose(found.validation_loss, plain.validation_loss, rtol=2e-4)
    for lane in (0, 2):
        state, initial = found.final_states[lane], problem.initial_state(lanes[lane].seed)
        for name, own in problem.multipliers.items():
            torch.testing.assert_close(
                state[name], plain.final_states[lane][name], rtol=1e-3, atol=2e-4
            )
            assert torch.equal(state[name], initial[name]) == (own.rate == 0), name


@pytest.mark.parametrize("engine", ["reference", "torch", "compiled"])
@pytest.mark.parametrize("name", ["nesterov", "adam", "adamw", "rmsprop"])
def test_factors_of_all_are_another_rate_and_another_decay(
    make_problem, training, optimizer, runtime, lanes_of, assert_same_bytes, engine, name
):
    """Powers of two, which change no bit: this holds the reference to more than itself."""
    how = OPTIMIZERS[name]
    by_factors, by_settings = (
        train_lanes(
            make_problem(factors=factors),
            lanes_of((rate, 0)),
            training=training(epochs=2, schedule="cosine"),
            optimizer=optimizer(**how | {"weight_decay": decay * how["weight_decay"]}),
            runtime=runtime(engine=engine),
            keep_states=True,
        )
        for factors, rate, decay in (([(4, 0.5)], 0.003, 1), ([(1, 1)], 4 * 0.003, 0.5))
    )
    assert_same_bytes(by_factors, by_settings)


@pytest.mark.parametrize(
    ("name", "rate", "decay"),
    [("nesterov", 2, -2), ("adam", 1, -2), ("rmsprop", 1, -2), ("adamw", 1, -1)],
)
def test_factors_stand_for_one_in_the_forward_pass(optimizer, name, rate, decay):
    """A weight s w trains as one that starts s times as large: the table of ADR 38."""
    generator = torch.Generator().manual_seed(0)
    scale, inputs = 0.2, torch.randn(16, 4, generator=generator, dtype=torch.float64)
    found = []
    for factor in (scale, 1.0):
        settings = optimizer(**{**OPTIMIZERS[name], "epsilon": 1e-9 * factor})
        layer = torch.nn.Linear(4, 3, bias=False, dtype=torch.float64)
        layer.weight.data = torch.linspace(-1, 1, 12, dtype=torch.float64).view(3, 4)
        layer.weight.data *= scale / factor
        powers = (1.0, 1.0) if factor == scale else (scale**rate, scale**decay)
        updater = torch_optimizer(layer, 0.01, settings, {"weight": Multipliers(*powers)})
        for _ in range(20):
            updater.zero_grad()
            (factor * layer(inputs) - inputs[:, :3]).square().mean().backward()
            updater.step()
        found.append(factor * layer.weight.detach())
    torch.testing.assert_close(*found, rtol=1e-6, atol=1e-9)
