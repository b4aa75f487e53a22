"""A diverged lane is found at the right step, and harms nobody."""

import copy
import itertools

import numpy as np
import pytest
import torch

from initsweep.engine.optimizers import StackedSgd
from initsweep.engine.stack_sizes import StackSizes
from initsweep.engine.train_lanes import train_lanes


class TestDivergence:
    @pytest.mark.parametrize("engine", ["torch", "reference"])
    def test_the_first_bad_step_is_found(
        self, make_problem, training, optimizer, runtime, engine, lanes_of
    ):
        """Plain descent on 0.5 * c * w**2 with rate r multiplies w by 1 - r c each step."""
        problem = make_problem()
        quadratic = _quadratic(problem, curvature=2.0)
        settings = {
            "training": training(epochs=4),
            "optimizer": optimizer(momentum=0.0),
            "runtime": runtime(engine=engine),
            "keep_states": True,
        }
        # 70 examples, batches of 16: 4 steps an epoch. Loss grows by (1 - 2r)**2 per step and
        # passes 1000 times the first when (2r - 1)**(2t) > 1000.
        rates = {2.5: 3, 1.8: 4, 1.5: 5, 0.9: -1, 1e25: 1, 1.28: 8}
        lanes = lanes_of(*[(rate, 0) for rate in rates])
        results = train_lanes(quadratic, lanes, **settings)
        assert results.diverged_at_step.tolist() == list(rates.values())
        for lane, step in enumerate(rates.values()):
            assert (results.final_states[lane] is None) == (step >= 0)
            # Step 4 is seen at the end of the first epoch, step 5 in the second.
            epochs = 4 if step < 0 else (step - 1) // 4
            assert np.isfinite(results.train_loss[lane, :epochs]).all()
            assert np.isnan(results.train_loss[lane, epochs:]).all()
            for column in (results.validation_loss, results.validation_score):
                assert np.isfinite(column[lane, : epochs + 1]).all()
                assert np.isnan(column[lane, epochs + 1 :]).all()

    @pytest.mark.parametrize("engine", ["torch", "compiled", "reference"])
    def test_a_network_that_starts_non_finite(
        self, make_problem, training, optimizer, runtime, engine, lanes_of
    ):
        results = train_lanes(
            make_problem(scale=1e30),
            lanes_of((0.01, 0)),
            training=training(),
            optimizer=optimizer(),
            runtime=runtime(engine=engine),
            keep_states=True,
        )
        assert results.diverged_at_step.tolist() == [0]
        assert np.isnan(results.initial_loss).all()
        assert np.isnan(results.validation_loss).all()
        assert np.isnan(results.validation_score).all()
        assert results.final_states == [None]

    def test_all_paths_agree_on_real_networks(
        self, make_problem, training, optimizer, runtime, lanes_of, fast_engine
    ):
        problem = make_problem("plain", width=16)
        lanes = lanes_of(*itertools.product((0.1, 3.0, 30.0, 300.0, 1e10), range(3)))
        settings = {"training": training(epochs=4), "optimizer": optimizer()}
        found = train_lanes(problem, lanes, runtime=runtime(engine=fast_engine), **settings)
        plain = train_lanes(problem, lanes, runtime=runtime(engine="reference"), **settings)
        assert found.diverged_at_step.tolist() == plain.diverged_at_step.tolist()
        assert set(plain.diverged_at_step) == {-1, 1, 2}
        for column in ("train_loss", "validation_loss"):
            assert np.array_equal(
                np.isnan(getattr(found, column)), np.isnan(getattr(plain, column))
            )

    def test_a_dead_chunk_stops_early(self, make_problem, training, optimizer, runtime, lanes_of):
        calls = []
        problem = make_problem()
        loss = problem.loss
        object.__setattr__(problem, "loss", lambda o, t: calls.append(0) or loss(o, t))
        settings = {"training": training(epochs=9), "optimizer": optimizer(momentum=0.0)}
        lanes = lanes_of((1e20, 0), (1e20, 1), (1e20, 2))
        results = train_lanes(problem, lanes, runtime=runtime(), **settings)
        assert (results.diverged_at_step == 1).all()
        used = len(calls)
        calls.clear()
        train_lanes(problem, lanes_of((0.01, 0)), runtime=runtime(), **settings)
        assert used < len(calls) / 3

    @pytest.mark.parametrize(
        ("kind", "any_size", "after"),
        [
            ("plain", True, [0.01, 0.01]),
            ("unplanned", True, [0.01]),
            ("unplanned", False, [0.01, 0.01, 0.01]),
        ],
    )
    def test_a_diverged_lane_leaves(
        self, make_problem, training, optimizer, runtime, lanes_of, monkeypatch, kind, any_size,
        after,
    ):  # fmt: skip
        """Stacks become as small as they may be, and are filled up to that with the last lane."""
        monkeypatch.setattr(StackSizes, "_keeps_bits", lambda *_: any_size)
        seen = []
        step = StackedSgd.step
        monkeypatch.setattr(
            StackedSgd,
            "step",
            lambda self, g, rates: seen.append(rates.tolist()) or step(self, g, rates),
        )
        train_lanes(
            make_problem(kind, n=130, n_validation=96, n_features=64, width=64, n_outputs=16),
            lanes_of((1e20, 0), (1e20, 1), (0.01, 0)),
            training=training(epochs=2, batch_size=64),
            optimizer=optimizer(),
            runtime=runtime(lanes_per_chunk=3),
        )
        assert seen == [[1e20, 1e20, 0.01]] * 2 + [after] * 2


def _quadratic(problem, curvature):
    """The loss of one weight, 0.5 * curvature * w**2, on every example; all weights start at 1."""
    model = torch.nn.Linear(1, 1, bias=False)
    n, m = len(problem.train.targets), len(problem.validation.targets)
    changed = copy.copy(problem)
    for name, value in {
        "model": model,
        "initial_state": lambda seed: {"weight": torch.ones(1, 1)},
        "train": _ones(problem.train, n),
        "validation": _ones(problem.validation, m),
        "loss": lambda outputs, targets: 0.5 * curvature * outputs.square().mean((-1, -2)),
        "score": lambda outputs, targets: outputs.mean((-1, -2)).abs().clamp(max=1e30),
        "constant_loss": 0.5,
    }.items():
        object.__setattr__(changed, name, value)
    return changed


def _ones(split, n):
    changed = copy.copy(split)
    object.__setattr__(changed, "features", torch.ones(n, 1))
    return changed
