import numpy as np
import pytest

from initsweep.engine.lanes import Lane, empty_results
from initsweep.engine.packing import Assembly, pack, pack_evenly, spare_slots, spare_slots_of_any


def lanes_with(*rates):
    return [Lane(learning_rate=rate, seed=seed) for seed, rate in enumerate(rates)]


def test_chunks_hold_every_lane_once_and_large_rates_together():
    lanes = lanes_with(0.1, 3.0, 0.01, 3.0, 1.0)
    chunks = pack(lanes, 2)
    assert [chunk.positions for chunk in chunks] == [(1, 3), (4, 0), (2,)]
    for chunk in chunks:
        assert chunk.lanes == tuple(lanes[position] for position in chunk.positions)


@pytest.mark.parametrize(
    ("n", "workers", "sizes"),
    [
        (9, 1, [3, 3, 3]),
        (9, 2, [2, 2, 2, 3]),
        (8, 2, [4, 4]),
        (3, 2, [1, 2]),
        (1, 2, [1]),
        (0, 2, []),
        (3, 8, [1, 1, 1]),
    ],
)
def test_even_chunks_keep_all_workers_busy(n, workers, sizes):
    chunks = pack_evenly(lanes_with(*range(n, 0, -1)), 4, workers)
    assert [len(chunk.lanes) for chunk in chunks] == sizes
    assert [position for chunk in chunks for position in chunk.positions] == list(range(n))


@pytest.mark.parametrize(
    ("slots", "batch_size", "spare"),
    [
        (16, 128, 0),
        (5, 32, 0),
        (16, 10, 0),
        (5, 100, 1),
        (5, 16, 2),
        (8, 7, 5),
        (3, 1, 2),
        (1, 7, 0),
    ],
)
def test_slots_are_spared_where_the_stack_is_not_whole_vectors(slots, batch_size, spare):
    assert spare_slots(slots, batch_size) == spare


@pytest.mark.parametrize(
    ("batch_size", "spare"), [(128, 0), (32, 0), (16, 2), (100, 1), (31, 1), (1, 31)]
)
def test_slots_are_spared_where_a_lane_is_not_whole_vectors(batch_size, spare):
    assert spare_slots_of_any(batch_size) == spare


def test_results_return_to_their_places():
    assembly = Assembly(3, 2, "torch", keep_states=True)
    part = empty_results(2, 2, "torch", keep_states=True)
    part.initial_loss[:] = [1.0, 2.0]
    part.train_loss[:] = [[1, 2], [3, 4]]
    part.diverged_at_step[:] = [5, 6]
    part.final_states[1] = {"w": 1}
    assembly.add([2, 0], part)
    whole = assembly.results
    assert np.array_equal(whole.initial_loss, [2.0, np.nan, 1.0], equal_nan=True)
    assert np.array_equal(whole.train_loss[[2, 0]], part.train_loss)
    assert whole.diverged_at_step.tolist() == [6, -1, 5]
    assert whole.final_states == [{"w": 1}, None, None]
