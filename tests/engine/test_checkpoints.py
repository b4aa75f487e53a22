import os

import numpy as np
import pytest
import torch

from initsweep.engine.checkpoints import Checkpoints
from initsweep.engine.lanes import Lane, empty_results
from initsweep.engine.packing import Chunk
from initsweep.engine.train_lanes import train_lanes

CHUNK = Chunk(
    positions=(4, 2),
    lanes=(Lane(learning_rate=0.1, seed=1), Lane(learning_rate=0.01, seed=2)),
)


@pytest.fixture
def results():
    results = empty_results(2, 3, "torch", keep_states=True)
    results.train_loss[0] = [0.1, np.nan, 1 / 3]
    results.diverged_at_step[1] = 7
    results.final_states[0] = {
        "a.weight": torch.randn(2, 3, generator=torch.manual_seed(0)),
        "b/n": torch.tensor(5),
    }
    return results


def test_what_is_saved_is_loaded_to_the_byte(tmp_path, results):
    store = Checkpoints(tmp_path / "deep" / "folder", {"x": 1})
    assert store.load(CHUNK) is None
    store.save(CHUNK, results)
    loaded = store.load(CHUNK)
    assert loaded.engine == "torch"
    for name in ("initial_loss", "train_loss", "validation_loss", "validation_score"):
        assert getattr(loaded, name).tobytes() == getattr(results, name).tobytes()
    assert loaded.diverged_at_step.tolist() == [-1, 7]
    assert loaded.diverged_at_step.dtype == np.int64
    assert loaded.final_states[1] is None
    assert list(loaded.final_states[0]) == ["a.weight", "b/n"]
    for name, value in results.final_states[0].items():
        assert torch.equal(loaded.final_states[0][name], value)
        assert loaded.final_states[0][name].dtype == value.dtype


def test_no_states_are_not_the_same_as_states_of_no_lane(tmp_path):
    store = Checkpoints(tmp_path, {})
    store.save(CHUNK, empty_results(2, 3, "torch", keep_states=False))
    assert store.load(CHUNK).final_states is None
    store.save(CHUNK, empty_results(2, 3, "torch", keep_states=True))
    assert store.load(CHUNK).final_states == [None, None]


def test_other_lanes_or_settings_are_other_files(tmp_path, results):
    Checkpoints(tmp_path, {"x": 1}).save(CHUNK, results)
    other = Chunk(positions=(4, 2), lanes=CHUNK.lanes[::-1])
    assert Checkpoints(tmp_path, {"x": 1}).load(other) is None
    assert Checkpoints(tmp_path, {"x": 2}).load(CHUNK) is None
    moved = Chunk(positions=(0, 1), lanes=CHUNK.lanes)
    assert Checkpoints(tmp_path, {"x": 1}).load(moved) is not None


def test_bytes_do_not_depend_on_the_time_and_nothing_is_left_over(tmp_path, results):
    for folder in ("a", "b"):
        Checkpoints(tmp_path / folder, {}).save(CHUNK, results)
    (one,), (other,) = (list((tmp_path / folder).iterdir()) for folder in ("a", "b"))
    assert one.name == other.name
    assert one.suffix == ".npz"
    assert one.read_bytes() == other.read_bytes()


def _truncate(content):
    return content[: len(content) // 2]


def _flip(content):
    at = content.index(np.float64(1 / 3).tobytes())
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


DAMAGE = {
    "truncated": _truncate,
    "flipped": _flip,
    "empty": lambda content: b"",
    "text": lambda content: b"not an archive",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_file_is_ignored(tmp_path, results, damage):
    store = Checkpoints(tmp_path, {})
    store.save(CHUNK, results)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert store.load(CHUNK) is None


def test_a_file_of_other_lanes_is_ignored(tmp_path):
    store = Checkpoints(tmp_path, {})
    store.save(CHUNK, empty_results(3, 3, "torch", keep_states=False))
    assert store.load(CHUNK) is None


@pytest.mark.parametrize("engine", ["torch", "compiled", "reference"])
def test_training_goes_on_where_it_was(
    make_problem, training, optimizer, runtime, tmp_path, engine
):
    problem, asked = make_problem("batch_norm"), []
    inner = problem.initial_state
    object.__setattr__(problem, "initial_state", lambda seed: asked.append(seed) or inner(seed))
    lanes = [Lane(learning_rate=10.0 ** -(seed + 1), seed=seed) for seed in range(4)]
    settings = {
        "training": training(),
        "optimizer": optimizer(),
        "runtime": runtime(engine=engine, lanes_per_chunk=2),
        "keep_states": True,
    }
    whole = train_lanes(problem, lanes, **settings)
    kept = train_lanes(problem, lanes, checkpoint=tmp_path, **settings)
    second = max(tmp_path.iterdir(), key=os.path.getmtime)
    second.write_bytes(b"damaged")
    asked.clear()
    told = []
    resumed = train_lanes(
        problem, lanes, checkpoint=tmp_path, on_progress=lambda n, _: told.append(n), **settings
    )
    assert sorted(asked) == [2, 3]
    assert told == [2, 2]
    for results in (kept, resumed):
        assert results.train_loss.tobytes() == whole.train_loss.tobytes()
        for state, expected in zip(results.final_states, whole.final_states, strict=True):
            assert list(state) == list(expected)
            assert all(torch.equal(state[name], expected[name]) for name in expected)
    asked.clear()
    train_lanes(problem, lanes, checkpoint=tmp_path, **settings)
    assert asked == []
    other = {**settings, "optimizer": optimizer(momentum=0.5)}
    train_lanes(problem, lanes, checkpoint=tmp_path, **other)
    assert sorted(asked) == [0, 1, 2, 3]
