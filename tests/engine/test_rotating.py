"""Seeds with examples of their own, against an ordinary loop over one seed's examples."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.func import functional_call

from initsweep.core.randomness import batch_order
from initsweep.engine.lanes import Split
from initsweep.engine.train_lanes import predict_rows, train_lanes

SEEDS = (3, 0, 7)
MODELS = ("plain", "batch_norm", "layer_norm", "unplanned")


@pytest.fixture
def rotating(make_problem):
    """A problem whose seeds have 50 of 70 examples each to train on, and other 31 to validate."""

    def build(kind="plain", seeds=SEEDS, **sizes):
        whole = make_problem(kind, **sizes)
        rows = {
            seed: torch.randperm(whole.train.n, generator=torch.manual_seed(seed)) for seed in seeds
        }

        def parts(first, end):
            chosen = torch.cat([rows[seed][first:end] for seed in seeds])
            return Split(
                features=whole.train.features[chosen],
                targets=whole.train.targets[chosen],
                seeds=tuple(seeds),
            )

        return replace(whole, train=parts(0, 50), validation=parts(39, 70))

    return build


def plainly(problem, lane, epochs, size):
    """Train one lane by SGD with momentum 0.9, on slices of the examples.

    Returns the mean batch loss and the validation loss and score of every epoch.
    """
    place = problem.train.seeds.index(lane.seed)
    train, validation = problem.train, problem.validation
    x, y = (a.view(len(SEEDS), 50, *a.shape[1:])[place] for a in (train.features, train.targets))
    v, w = (
        a.view(len(SEEDS), 31, *a.shape[1:])[place]
        for a in (validation.features, validation.targets)
    )
    model = problem.model
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    weights = {n: p.clone().requires_grad_() for n, p in problem.initial_state(lane.seed).items()}
    optimizer = torch.optim.SGD(weights.values(), lr=lane.learning_rate, momentum=0.9)
    seen = []
    for epoch in range(epochs):
        model.train()
        order, losses = batch_order(lane.seed, epoch, 50), []
        for start in range(0, 50 - size + 1, size):
            batch = order[start : start + size]
            loss = problem.loss(functional_call(model, {**weights, **buffers}, x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            outputs = functional_call(model, {**weights, **buffers}, v)
            found = [problem.loss(outputs, w).item(), problem.score(outputs, w).item()]
        seen.append([np.mean(losses), *found])
    return np.array(seen).T


@pytest.mark.parametrize("engine", ["compiled", "torch", "reference"])
@pytest.mark.parametrize("kind", MODELS)
def test_every_path_trains_and_measures_a_lane_on_its_own_examples(
    rotating, training, optimizer, runtime, lanes_of, engine, kind
):
    if engine == "compiled" and kind == "unplanned":
        pytest.skip("the kernels refuse it; test_coverage shows how")
    problem = rotating(kind)
    lanes = lanes_of((0.05, 3), (0.05, 0), (0.01, 7), (0.02, 0))
    settings = {"training": training(), "optimizer": optimizer(), "runtime": runtime(engine=engine)}
    found = train_lanes(problem, lanes, **settings)
    assert found.engine.startswith(engine)
    for lane, one in enumerate(lanes):
        losses, validation, score = plainly(problem, one, 3, 16)
        assert found.train_loss[lane] == pytest.approx(losses, rel=2e-4)
        assert found.validation_loss[lane, 1:] == pytest.approx(validation, rel=2e-4)
        assert found.validation_score[lane, 1:] == pytest.approx(score)


@pytest.mark.parametrize("kind", ["plain", "sigmoid", "batch_norm"])
@pytest.mark.parametrize("batch_size", [7, 16])
def test_a_lane_s_bits_depend_on_no_other_seed(
    rotating,
    training,
    optimizer,
    runtime,
    lanes_of,
    assert_same_bytes,
    only,
    fast_engine,
    kind,
    batch_size,
):
    settings = {
        "training": training(batch_size=batch_size),
        "optimizer": optimizer(),
        "runtime": runtime(engine=fast_engine, lanes_per_chunk=32, workers=2),
        "keep_states": True,
    }
    sizes = {"n_features": 13, "width": 5}
    lanes = lanes_of((0.05, 3), (1e30, 0), (0.01, 7), (0.02, 0), (0.02, 3))
    together = train_lanes(rotating(kind, **sizes), lanes, **settings)
    for place in (0, 2, 4):
        alone = rotating(kind, seeds=(lanes[place].seed,), **sizes)
        assert_same_bytes(only(together, place), train_lanes(alone, [lanes[place]], **settings))
    assert together.diverged_at_step[1] >= 0


def test_examples_of_one_seed_are_trained_on_as_if_all_seeds_shared_them(
    rotating, training, optimizer, runtime, lanes_of, assert_same_bytes, fast_engine
):
    problem, lanes = rotating(), lanes_of((0.05, 7), (0.01, 7))
    settings = {
        "training": training(),
        "optimizer": optimizer(),
        "runtime": runtime(engine=fast_engine),
        "keep_states": True,
    }
    shared = replace(problem, train=problem.train.of(7), validation=problem.validation.of(7))
    assert shared.train.seeds == ()
    assert_same_bytes(
        train_lanes(problem, lanes, **settings), train_lanes(shared, lanes, **settings)
    )


def test_networks_answer_on_the_rows_of_their_own_seed(
    rotating, training, optimizer, runtime, fast_engine
):
    problem = rotating()
    states = [(seed, problem.initial_state(seed)) for seed in (7, 3)]
    found = predict_rows(
        problem,
        states,
        problem.validation,
        training=training(),
        optimizer=optimizer(),
        runtime=runtime(engine=fast_engine),
    )
    for (seed, state), outputs in zip(states, found, strict=True):
        rows = problem.validation.of(seed).features
        expected = functional_call(problem.model.eval(), dict(state), (rows,))
        torch.testing.assert_close(outputs, expected, rtol=1e-4, atol=1e-5)
