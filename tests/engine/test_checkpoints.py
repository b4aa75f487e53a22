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


def found(store, lanes=CHUNK.lanes):
    return dict(store.find(lanes))


def test_what_is_saved_is_found_by_lane_to_the_byte(tmp_path, results):
    store = Checkpoints(tmp_path / "deep" / "folder", {"x": 1})
    assert found(store) == {}
    store.save(CHUNK, results)
    other = Lane(learning_rate=0.1, seed=2)
    asked = [other, *CHUNK.lanes[::-1], CHUNK.lanes[0]]  # in any order and company, any number
    loaded = found(store, asked)
    assert sorted(loaded) == [1, 2, 3]
    for place, lane in ((1, 1), (2, 0), (3, 0)):
        one = loaded[place]
        assert one.engine == "torch"
        for name in ("initial_loss", "train_loss", "validation_loss", "validation_score"):
            expected = getattr(results, name)[lane : lane + 1]
            assert getattr(one, name).tobytes() == expected.tobytes()
            assert getattr(one, name).shape == expected.shape
        assert one.diverged_at_step.tolist() == results.diverged_at_step[[lane]].tolist()
        assert one.diverged_at_step.dtype == np.int64
    assert loaded[1].final_states == [None]
    (state,) = loaded[2].final_states
    assert list(state) == ["a.weight", "b/n"]
    for name, value in results.final_states[0].items():
        assert torch.equal(state[name], value)
        assert state[name].dtype == value.dtype


def test_no_states_are_not_the_same_as_states_of_no_lane(tmp_path):
    for keep in (False, True):
        store = Checkpoints(tmp_path, {"keep": keep})
        store.save(CHUNK, empty_results(2, 3, "torch", keep_states=keep))
        assert found(store)[0].final_states == ([None] if keep else None)


def test_other_settings_are_other_files_and_other_rates_other_lanes(tmp_path, results):
    Checkpoints(tmp_path, {"x": 1}).save(CHUNK, results)
    assert found(Checkpoints(tmp_path, {"x": 2})) == {}
    near = Lane(learning_rate=float(np.nextafter(0.1, 1)), seed=1)
    assert found(Checkpoints(tmp_path, {"x": 1}), [near]) == {}


def test_what_others_have_kept_is_found_and_what_is_gone_is_not(tmp_path, results):
    store, mark = Checkpoints(tmp_path / "a", {}), Lane(learning_rate=0.5, seed=9)
    store.save(CHUNK, results)
    other = Checkpoints(tmp_path / "b", {})
    other.save(Chunk(positions=(0, 1), lanes=(mark, CHUNK.lanes[0])), results)
    assert sorted(found(store, [mark, *CHUNK.lanes])) == [1, 2]
    for file in (tmp_path / "b").iterdir():
        file.rename(tmp_path / "a" / file.name)
    assert sorted(found(store, [mark, *CHUNK.lanes])) == [0, 1, 2]
    for file in (tmp_path / "a").iterdir():
        file.unlink()
    assert found(store, [mark, *CHUNK.lanes]) == {}


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


@pytest.mark.parametrize("known", [True, False], ids=["known before", "new"])
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_file_is_ignored_and_can_be_replaced(tmp_path, results, damage, known):
    folder = tmp_path / "kept"
    Checkpoints(folder, {}).save(CHUNK, results)
    (file,) = folder.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    if not known:
        file = folder.rename(tmp_path / "moved") / file.name
    store = Checkpoints(file.parent, {})
    assert found(store) == {}
    store.save(CHUNK, results)
    assert sorted(found(store)) == [0, 1]


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
    assert told == [1, 1, 2]
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


@pytest.mark.parametrize("engine", ["torch", "compiled", "reference"])
def test_lanes_are_found_whatever_the_workers_and_the_chunks(
    make_problem, training, optimizer, runtime, tmp_path, engine, assert_same_bytes
):
    problem, asked = make_problem(), []
    inner = problem.initial_state
    object.__setattr__(problem, "initial_state", lambda seed: asked.append(seed) or inner(seed))
    lanes = [Lane(learning_rate=10.0 ** -(seed % 3 + 1), seed=seed) for seed in range(11)]
    settings = {"training": training(), "optimizer": optimizer()}
    two, many = (
        runtime(engine=engine, lanes_per_chunk=4, workers=2),
        runtime(engine=engine, lanes_per_chunk=4 if engine == "torch" else 2, workers=8),
    )
    whole = train_lanes(problem, lanes, runtime=two, **settings)
    train_lanes(problem, lanes[1::2], checkpoint=tmp_path, runtime=two, **settings)
    asked.clear()
    resumed = train_lanes(problem, lanes, checkpoint=tmp_path, runtime=many, **settings)
    assert sorted(set(asked)) == [0, 2, 4, 6, 8, 10]
    assert_same_bytes(resumed, whole)
