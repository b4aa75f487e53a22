"""What `train_lanes` promises besides the numbers."""

import itertools
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

from initsweep.core.errors import ParamsError, StackingError
from initsweep.engine.lanes import Lane
from initsweep.engine.reference import train_one
from initsweep.engine.train_lanes import train_lanes


def test_batches_follow_the_named_stream_and_drop_the_rest(
    make_problem, training, optimizer, runtime, lanes_of
):
    """The last batch of an epoch is never a smaller one, in either path."""
    problem = make_problem(n=70)
    sizes = set()
    loss = problem.loss
    object.__setattr__(
        problem, "loss", lambda o, t: sizes.add((t.shape[-1], o.requires_grad)) or loss(o, t)
    )
    for engine in ("torch", "reference"):
        sizes.clear()
        train_lanes(
            problem,
            lanes_of((0.01, 0)),
            training=training(batch_size=64),
            optimizer=optimizer(),
            runtime=runtime(engine=engine),
        )
        assert {size for size, trained in sizes if trained} <= {64, 8}  # 8: the stacking check
        assert (64, True) in sizes


def test_one_lane_of_the_reference_is_train_one(
    make_problem, training, optimizer, runtime, assert_same_bytes, only
):
    problem, lane = make_problem(), Lane(learning_rate=0.01, seed=5)
    settings = {"training": training(), "optimizer": optimizer()}
    one = train_one(problem, lane, keep_state=True, **settings)
    many = train_lanes(
        problem,
        [Lane(learning_rate=0.1, seed=5), lane],
        runtime=runtime(engine="reference"),
        keep_states=True,
        **settings,
    )
    assert_same_bytes(only(many, 1), one)


def test_initial_weights_are_computed_once_per_seed(
    make_problem, training, optimizer, runtime, lanes_of
):
    problem, asked = make_problem(), []
    inner = problem.initial_state
    object.__setattr__(problem, "initial_state", lambda seed: asked.append(seed) or inner(seed))
    lanes = lanes_of(*itertools.product((0.1, 0.01, 0.001), range(3)))
    train_lanes(
        problem, lanes, training=training(), optimizer=optimizer(), runtime=runtime(workers=2)
    )
    assert sorted(asked) == [0, 1, 2]


def test_too_large_a_batch_is_refused(make_problem, training, optimizer, runtime, lanes_of):
    with pytest.raises(ParamsError, match=r"training\.batch_size: received 71.*only 70"):
        train_lanes(
            make_problem(n=70),
            lanes_of((0.1, 0)),
            training=training(batch_size=71),
            optimizer=optimizer(),
            runtime=runtime(),
        )


def test_what_cannot_be_stacked_is_trained_one_by_one_and_told_why(
    make_problem, training, optimizer, runtime, lanes_of
):
    results = train_lanes(
        make_problem("branching"),
        lanes_of((0.01, 0), (0.02, 1)),
        training=training(),
        optimizer=optimizer(),
        runtime=runtime(engine="auto"),
    )
    assert results.engine.startswith("torch (one lane at a time) on ")
    assert results.engine.endswith("Sequential cannot be stacked: it calls `.item()`")


@pytest.mark.parametrize("kind", ["remembering"])
class TestNetworksThatCannotBeStacked:
    def test_auto_falls_back_and_says_why(
        self, make_problem, training, optimizer, runtime, kind, lanes_of, assert_same_bytes
    ):
        problem, lanes = make_problem(kind), lanes_of((0.01, 0), (0.02, 1))
        settings = {"training": training(), "optimizer": optimizer(), "keep_states": True}
        results = train_lanes(problem, lanes, runtime=runtime(engine="auto", workers=2), **settings)
        plain = train_lanes(problem, lanes, runtime=runtime(engine="reference"), **settings)
        assert results.engine.startswith("reference on ")
        assert "Sequential cannot be stacked: " in results.engine
        assert len(results.engine.splitlines()) == 1
        assert_same_bytes(results, plain)

    def test_torch_is_refused(self, make_problem, training, optimizer, runtime, kind, lanes_of):
        with pytest.raises(StackingError, match=r"Sequential cannot be stacked.*engine: auto"):
            train_lanes(
                make_problem(kind),
                lanes_of((0.01, 0)),
                training=training(),
                optimizer=optimizer(),
                runtime=runtime(),
            )


def test_no_lanes_give_empty_results(make_problem, training, optimizer, runtime):
    results = train_lanes(
        make_problem(), [], training=training(), optimizer=optimizer(), runtime=runtime()
    )
    assert results.validation_loss.shape == (0, 4)


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_is_told_from_the_calling_thread(
    make_problem, training, optimizer, runtime, workers, lanes_of
):
    problem, told = make_problem(), []
    lanes = lanes_of(*itertools.product((1e20, 0.01, 0.001), range(3)))
    results = train_lanes(
        problem,
        lanes,
        training=training(),
        optimizer=optimizer(),
        runtime=runtime(workers=workers),
        on_progress=lambda n, losses: told.append((n, losses, threading.current_thread())),
    )
    assert sum(n for n, _, _ in told) == 9
    assert max(n for n, _, _ in told) <= 4
    assert {thread for _, _, thread in told} == {threading.main_thread()}
    capped = np.sort(np.concatenate([losses for _, losses, _ in told]))
    expected = np.fmin(results.validation_loss[:, -1], problem.constant_loss)
    assert np.array_equal(capped, np.sort(expected))
    assert (capped[-3:] == problem.constant_loss).all()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interruption_stops_all_workers(
    make_problem, training, optimizer, runtime, workers, tmp_path, lanes_of, assert_same_bytes
):
    def interrupt(n, losses):
        raise KeyboardInterrupt

    before = threading.active_count()
    lanes = lanes_of(*itertools.product((0.01, 0.001), range(12)))
    settings = {
        "training": training(epochs=5),
        "optimizer": optimizer(),
        "runtime": runtime(workers=workers),
    }
    problem = make_problem()
    with pytest.raises(KeyboardInterrupt):
        train_lanes(problem, lanes, on_progress=interrupt, checkpoint=tmp_path, **settings)
    assert threading.active_count() == before
    assert len(list(tmp_path.iterdir())) == 1  # of 6
    resumed = train_lanes(problem, lanes, checkpoint=tmp_path, **settings)
    assert_same_bytes(resumed, train_lanes(problem, lanes, **settings))


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_a_worker_is_raised(
    make_problem, training, optimizer, runtime, workers, lanes_of
):
    problem = make_problem()

    def broken(seed):
        raise OSError(f"no weights for seed {seed}")

    object.__setattr__(problem, "initial_state", broken)
    with pytest.raises(OSError, match="no weights for seed"):
        train_lanes(
            problem,
            lanes_of(*[(0.01, seed) for seed in range(9)]),
            training=training(),
            optimizer=optimizer(),
            runtime=runtime(workers=workers),
        )


def test_settings_of_the_process_are_left_as_they_were(
    make_problem, training, optimizer, runtime, lanes_of
):
    torch.set_num_threads(2)
    try:
        problem = make_problem()
        state = torch.get_rng_state()
        for engine in ("torch", "auto", "reference"):
            train_lanes(
                problem,
                lanes_of((0.01, 0)),
                training=training(epochs=1),
                optimizer=optimizer(),
                runtime=runtime(engine=engine),
            )
        assert torch.get_num_threads() == 2
        assert torch.equal(torch.get_rng_state(), state)
    finally:
        torch.set_num_threads(1)


def test_stacked_training_does_not_import_the_compiler():
    """The first constructor of torch.optim imports torch._dynamo, a second of every stage."""
    code = (
        "import sys, torch\n"
        "from initsweep.engine.lanes import Lane, Problem, Split\n"
        "from initsweep.engine.train_lanes import train_lanes\n"
        "from initsweep.core.params import Optimizer, Runtime, Training\n"
        "split = Split(features=torch.randn(8, 2), targets=torch.randn(8))\n"
        "loss = lambda o, t: (o.squeeze(-1) - t).square().mean(-1)\n"
        "train_lanes(Problem(model=torch.nn.Linear(2, 1), initial_state=lambda s: {\n"
        "  'weight': torch.ones(1, 2), 'bias': torch.ones(1)}, train=split, validation=split,\n"
        "  loss=loss, score=loss, constant_loss=1.0), [Lane(learning_rate=0.1, seed=0)],\n"
        "  training=Training(epochs=1, batch_size=4, schedule='constant', warmup_fraction=0.0,\n"
        "  gradient_clip=1.0), optimizer=Optimizer(name='adam', momentum=0.0, nesterov=False,\n"
        "  beta1=0.9, beta2=0.99, epsilon=1e-8, weight_decay=0.0), runtime=Runtime(\n"
        "  device='cpu', engine='torch', threads=1, lanes_per_chunk=2, workers=1,\n"
        "  keep_every_minutes=5.0))\n"
        "assert 'torch._dynamo' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
