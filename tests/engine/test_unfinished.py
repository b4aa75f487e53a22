"""A training that is killed goes on from the last state that was kept, to the same bits."""

import math

import numpy as np
import pytest
import torch

from initsweep.core.errors import PathError
from initsweep.engine import unfinished
from initsweep.engine.lanes import Lane
from initsweep.engine.train_lanes import train_lanes
from initsweep.engine.unfinished import State, Unfinished
from tests.engine.networks import FACTORS

EPOCHS, KILLED = 7, 5
LANES = [Lane(learning_rate=rate, seed=seed) for seed, rate in enumerate((0.02, 0.05, 1e4, 0.01))]
"""The third one diverges."""

OPTIMIZERS = {
    "sgd": {"name": "sgd", "momentum": 0.0},
    "momentum": {"name": "sgd", "momentum": 0.9},
    "nesterov": {"name": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    "adam": {"name": "adam"},
    "adamw": {"name": "adamw", "weight_decay": 0.1},
    "rmsprop": {"name": "rmsprop"},
    "sgdw": {"name": "sgdw", "momentum": 0.9, "weight_decay": 0.1},
    "lion": {"name": "lion"},
    "muon": {"name": "muon"},
    "schedule_free_sgd": {"name": "schedule_free_sgd"},
    "schedule_free_adamw": {"name": "schedule_free_adamw"},
    "prodigy": {"name": "prodigy"},
}
ENGINES = ("reference", "torch", "compiled")


class KilledError(Exception):
    pass


@pytest.fixture
def always(monkeypatch):
    """Let states be kept as often as asked for, though trainings are short."""
    monkeypatch.setattr(unfinished, "SHARE", math.inf)


@pytest.fixture
def killed(make_problem, training, optimizer, runtime, tmp_path, always, assert_same_bytes):
    """Train, kill in the middle, go on; return how many evaluations that took of how many."""

    def run(kind, engine, how, lanes=LANES, factors=(), **settings):
        problem, count, last = make_problem(kind, factors=factors), [0], [math.inf]
        inner = problem.score

        def score(outputs, targets):
            count[0] += 1
            if count[0] > last[0]:
                raise KilledError
            return inner(outputs, targets)

        object.__setattr__(problem, "score", score)
        arguments = {
            "training": training(epochs=EPOCHS, **settings),
            "optimizer": optimizer(**how),
            "runtime": runtime(engine=engine, lanes_per_chunk=4, keep_every_minutes=1e-9),
            "keep_states": True,
        }
        try:
            whole = train_lanes(problem, lanes, **arguments)
        except PathError as error:
            pytest.skip(str(error))
        count[0] = 0
        train_lanes(problem, lanes, checkpoint=tmp_path / "at once", **arguments)
        needed, count[0], last[0] = count[0], 0, KILLED
        with pytest.raises(KilledError):
            train_lanes(problem, lanes, checkpoint=tmp_path, **arguments)
        assert len(list(tmp_path.glob("*.state"))) == 1
        count[0], last[0] = 0, math.inf
        resumed = train_lanes(problem, lanes, checkpoint=tmp_path, **arguments)
        assert_same_bytes(resumed, whole)
        for state, expected in zip(resumed.final_states, whole.final_states, strict=True):
            assert (state is None) == (expected is None)
            assert all(torch.equal(state[name], expected[name]) for name in expected or ())
        assert not list(tmp_path.glob("*.state"))
        return count[0], needed, whole

    return run


@pytest.mark.parametrize("how", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
@pytest.mark.parametrize("engine", ENGINES)
def test_every_optimizer_goes_on_to_the_same_bits(killed, engine, how):
    factors = () if how["name"] == "prodigy" else FACTORS
    count, needed, whole = killed(
        "plain", engine, how, lanes=LANES[:1], factors=factors, schedule="cosine"
    )
    assert count < needed
    assert whole.diverged_at_step.tolist() == [-1]


@pytest.mark.parametrize("kind", ["batch_norm", "layer_norm", "unplanned", "dropout", "branching"])
@pytest.mark.parametrize("engine", [*ENGINES, "auto"])
def test_every_kind_of_network_goes_on_to_the_same_bits(killed, engine, kind):
    count, needed, _ = killed(
        kind, engine, {"name": "adam"}, lanes=LANES[:1], gradient_clip=0.5, warmup_fraction=0.2
    )
    assert count < needed


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("kind", "batch_size"), [("plain", 16), ("sigmoid", 16), ("unplanned", 16), ("dropout", 32)]
)
def test_lanes_that_are_trained_together_go_on_together(killed, engine, kind, batch_size):
    count, needed, whole = killed(
        kind, engine, OPTIMIZERS["momentum"], schedule="cosine", batch_size=batch_size
    )
    assert count < needed
    assert whole.diverged_at_step[2] >= 0


def test_whoever_was_trained_together_is_so_again_whatever_the_number_of_workers(
    make_problem, training, optimizer, runtime, tmp_path, always, monkeypatch, assert_same_bytes
):
    problem = make_problem()
    lanes = [Lane(learning_rate=0.01, seed=seed) for seed in range(7)]
    settings = {"training": training(epochs=3), "optimizer": optimizer()}
    one, three = (
        runtime(lanes_per_chunk=4, workers=workers, keep_every_minutes=1e-9) for workers in (1, 3)
    )
    whole = train_lanes(problem, lanes, runtime=one, **settings)
    monkeypatch.setattr(Unfinished, "forget", lambda *_: None)
    train_lanes(problem, lanes, checkpoint=tmp_path, runtime=one, **settings)
    for file in tmp_path.glob("*.npz"):
        file.unlink()
    monkeypatch.setattr(Unfinished, "write", lambda *_: pytest.fail("it did not go on"))
    train_lanes(problem, lanes, checkpoint=tmp_path, runtime=three, **settings)
    for file in tmp_path.glob("*.npz"):
        file.unlink()
    resumed = train_lanes(problem, lanes[::-1], checkpoint=tmp_path, runtime=three, **settings)
    assert resumed.train_loss.tobytes() == whole.train_loss[::-1].tobytes()


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("engine", ENGINES)
def test_what_workers_have_kept_goes_when_their_trainings_end(
    make_problem, training, optimizer, runtime, tmp_path, monkeypatch, engine
):
    def left(folder):
        train_lanes(
            make_problem(), LANES, training=training(epochs=3), optimizer=optimizer(),
            runtime=runtime(engine=engine, workers=2, lanes_per_chunk=1, keep_every_minutes=1e-9),
            checkpoint=folder,
        )  # fmt: skip
        return list(folder.glob("*.state"))

    assert not left(tmp_path / "as it is")
    monkeypatch.setattr(Unfinished, "forget", lambda *_: None)
    assert left(tmp_path / "never forgotten")


def test_short_trainings_keep_no_state(make_problem, training, optimizer, runtime, tmp_path):
    train_lanes(
        make_problem(), LANES, checkpoint=tmp_path, training=training(), optimizer=optimizer(),
        runtime=runtime(),
    )  # fmt: skip
    assert {file.suffix for file in tmp_path.iterdir()} == {".npz"}


def test_a_state_is_found_under_its_settings_alone_and_not_when_damaged(tmp_path):
    store = Unfinished(tmp_path, {"x": 1}, 5.0)
    State(store, LANES[:2]).keep({"a": np.arange(3)})
    again = Unfinished(tmp_path, {"x": 1}, 5.0)
    assert State(again, LANES[:2]).found["a"].tolist() == [0, 1, 2]
    assert again.groups(LANES) == [[0, 1]]
    assert again.groups(LANES[1:]) == []
    assert State(again, LANES[:1]).found == {}
    assert Unfinished(tmp_path, {"x": 2}, 5.0).groups(LANES) == []
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:50])
    assert Unfinished(tmp_path, {"x": 1}, 5.0).groups(LANES) == []
    store.forget(LANES[:2])
    assert not list(tmp_path.iterdir())


def test_keeping_takes_a_hundredth_of_the_time_at_most(tmp_path, monkeypatch):
    clock = iter([0.0, 0.0, 0.0, 59.0, 61.0, 61.0, 64.0, 363.0, 365.0])
    monkeypatch.setattr(unfinished.time, "monotonic", lambda: next(clock))
    state = State(Unfinished(tmp_path, {}, 1.0), LANES[:1])
    assert not state.due  # at 59 s
    assert state.due
    state.keep({})  # takes 3 s
    assert not state.due
    assert state.due
