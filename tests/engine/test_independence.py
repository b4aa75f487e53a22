"""A lane's bits do not depend on the company it keeps."""

import itertools

import numpy as np
import pytest

from initsweep.engine.lanes import Lane
from initsweep.engine.train_lanes import train_lanes
from tests.engine.networks import UNPLANNED
from tests.engine.test_equivalence import NEWER


class TestIndependence:
    """A lane's bits do not depend on the company it keeps."""

    DIGITS = ("plain", {"n": 260, "n_features": 64, "width": 128, "n_outputs": 10}, 128)
    ODD = (
        ("plain", {"n_features": 13, "width": 5}, 7),
        ("plain", {"n_features": 17, "width": 3}, 1),
        ("plain", {"n": 61, "n_features": 17, "width": 3, "n_outputs": 2}, 61),
        ("plain", {"n": 54, "n_features": 111, "width": 2, "n_outputs": 16}, 54),
        ("sigmoid", {"n_features": 7, "width": 13}, 7),
        ("sigmoid", {"n_validation": 31, "n_features": 7, "width": 13}, 32),
        ("sigmoid", {"n_features": 7, "width": 1}, 3),
        ("sigmoid", {"n": 303, "n_features": 68, "width": 31, "n_outputs": 10}, 100),
        ("batch_norm", {"n_features": 7, "width": 13}, 11),
        ("layer_norm", {"n_features": 7, "width": 13}, 33),
        ("residual", {"n_features": 13, "width": 7}, 32),
        ("residual", {"n_features": 13, "width": 1, "n_outputs": 1}, 9),
        ("unplanned", {"n_features": 13, "width": 7}, 9),
        ("unplanned", {"n_features": 13, "width": 7}, 32),
        ("dropout", {"n_features": 13, "width": 7}, 9),
        ("dropout", {"n_features": 13, "width": 7}, 32),
        ("gru", {"n_features": 13, "width": 5}, 11),
        ("gru", {"n": 64, "n_features": 13, "width": 5}, 64),
        ("lstm", {"n_features": 13, "width": 3}, 7),
        ("attention", {"n_features": 13, "width": 7}, 9),
        ("words", {"n_features": 13, "width": 7}, 9),
        ("rms_norm", {"n_features": 13, "width": 7}, 9),
        ("branching", {"n_features": 13, "width": 7}, 9),
    )

    CASES = (
        (*DIGITS, "sgd"),
        (*DIGITS, "adam"),
        *((*odd, ("sgd", "adam")[place % 2]) for place, odd in enumerate(ODD)),
        ("plain", {"n_features": 13, "width": 5}, 16, "muon"),
        ("unplanned", {"n_features": 13, "width": 7}, 32, "muon"),
    )
    MORE = (
        ("sigmoid", {"n": 303, "n_features": 68, "width": 31, "n_outputs": 10}, 100, "muon"),
        ("residual", {"n_features": 13, "width": 7}, 32, "lion"),
        ("batch_norm", {"n_features": 7, "width": 13}, 11, "schedule_free_adamw"),
    )

    @pytest.mark.parametrize(("model", "sizes", "batch_size", "name"), [*CASES, *MORE])
    def test_company_position_and_a_diverging_neighbour(
        self,
        make_problem,
        training,
        optimizer,
        runtime,
        model,
        sizes,
        batch_size,
        name,
        lanes_of,
        assert_same_bytes,
        only,
        fast_engine,
    ):
        if fast_engine == "compiled" and (model in UNPLANNED or name in NEWER):
            pytest.skip("the kernels refuse it; test_coverage shows how")
        problem = make_problem(model, **{"n": 40, **sizes})
        settings = {
            "training": training(
                epochs=1 if batch_size < 5 else 2,
                batch_size=batch_size,
                gradient_clip=0.5 if name == "sgd" else None,
            ),
            "optimizer": optimizer(name=name),
            "runtime": runtime(engine=fast_engine, lanes_per_chunk=5),
            "keep_states": True,
        }
        lane = Lane(learning_rate=0.01, seed=3)
        alone = train_lanes(problem, [lane], **settings)
        for company in (
            lanes_of((0.03, 1), (0.001, 2)),
            lanes_of((1e30, 3), (0.02, 0), (0.02, 1), (0.02, 2)),
        ):
            together = train_lanes(problem, [*company, lane], **settings)
            assert_same_bytes(only(together, len(company)), alone)

    def test_workers_and_order(
        self,
        make_problem,
        training,
        optimizer,
        runtime,
        lanes_of,
        assert_same_bytes,
        only,
        fast_engine,
    ):
        problem = make_problem(n_features=13, width=5)
        lanes = lanes_of(*itertools.product((0.1, 0.01, 1e30, 0.001), range(3)))
        settings = {"training": training(), "optimizer": optimizer(), "keep_states": True}
        one = train_lanes(
            problem, lanes, runtime=runtime(engine=fast_engine, lanes_per_chunk=3), **settings
        )
        two = train_lanes(
            problem,
            lanes,
            runtime=runtime(engine=fast_engine, lanes_per_chunk=3, workers=2),
            **settings,
        )
        assert_same_bytes(one, two)
        back = train_lanes(
            problem, lanes[::-1], runtime=runtime(engine=fast_engine, lanes_per_chunk=3), **settings
        )
        for lane in range(len(lanes)):
            assert_same_bytes(only(one, lane), only(back, len(lanes) - 1 - lane))

    @pytest.mark.parametrize(("model", "sizes", "batch_size", "name"), CASES)
    def test_chunks_of_any_size(
        self,
        make_problem,
        training,
        optimizer,
        runtime,
        model,
        sizes,
        batch_size,
        name,
        lanes_of,
        assert_same_bytes,
        fast_engine,
        only,
    ):
        """More workers make smaller chunks, and diverged lanes make them smaller still."""
        if fast_engine == "compiled" and (model in UNPLANNED or name in NEWER):
            pytest.skip("the kernels refuse it; test_coverage shows how")
        problem = make_problem(model, **{"n": 4 * batch_size + 3, **sizes})
        lanes = lanes_of(*itertools.product((0.01, 1e30, 0.003), range(3)))
        settings = {
            "training": training(epochs=3, batch_size=batch_size, gradient_clip=1.0),
            "optimizer": optimizer(name=name),
            "keep_states": True,
        }
        whole = train_lanes(
            problem, lanes, runtime=runtime(engine=fast_engine, lanes_per_chunk=32), **settings
        )
        for workers in (2, 4, 9):
            cut = runtime(engine=fast_engine, lanes_per_chunk=32, workers=workers)
            assert_same_bytes(train_lanes(problem, lanes, runtime=cut, **settings), whole)
        eight = runtime(engine=fast_engine, lanes_per_chunk=8)
        together = train_lanes(problem, lanes, runtime=eight, **settings)
        for lane in (0, 5, 8):
            alone = train_lanes(problem, [lanes[lane]], runtime=eight, **settings)
            assert_same_bytes(only(together, lane), alone)

    def test_epochs_beyond_the_last_change_nothing_before(
        self, make_problem, training, optimizer, runtime, lanes_of, fast_engine
    ):
        problem, lanes = make_problem(), lanes_of((0.01, 0))
        settings = {"optimizer": optimizer(), "runtime": runtime(engine=fast_engine)}
        short = train_lanes(problem, lanes, training=training(epochs=2), **settings)
        long = train_lanes(problem, lanes, training=training(epochs=4), **settings)
        assert np.array_equal(short.train_loss, long.train_loss[:, :2])
