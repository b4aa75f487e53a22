import numpy as np
import pytest

from initsweep.views.figures import labels


def test_spread_leaves_what_is_apart_and_separates_what_is_not():
    assert labels.spread([0.0, 5.0, 9.0], 2.0, 0.0, 10.0) == [0.0, 5.0, 9.0]
    assert labels.spread([5.0, 5.0], 2.0, 0.0, 10.0) == [4.0, 6.0]
    assert labels.spread([10.0, 10.0, 10.0], 2.0, 0.0, 10.0) == pytest.approx([6.0, 8.0, 10.0])
    assert labels.spread([], 2.0, 0.0, 10.0) == []


@pytest.mark.parametrize("seed", range(20))
def test_spread_keeps_gap_order_and_bounds(seed):
    wanted = np.random.default_rng(seed).uniform(0, 100, 12).tolist()
    placed = labels.spread(wanted, 7.0, 0.0, 100.0)
    assert [sorted(wanted).index(w) for w in wanted] == [sorted(placed).index(p) for p in placed]
    gaps = np.diff(sorted(placed))
    assert gaps.min() >= 7.0 - 1e-9
    assert min(placed) >= -1e-9
    assert max(placed) <= 100.0 + 1e-9


def test_spread_shrinks_the_gap_when_there_is_no_room():
    placed = labels.spread([1.0] * 6, 7.0, 0.0, 10.0)
    assert sorted(placed) == pytest.approx([0.0, 2.0, 4.0, 6.0, 8.0, 10.0])
