import math

import numpy as np
import pytest

from initsweep.engine.lanes import divergence_limit, empty_results


@pytest.mark.parametrize(("initial", "constant", "limit"), [(2.0, 1.0, 2000.0), (0.5, 1.0, 1000.0)])
def test_the_limit_is_relative_to_the_larger_start(initial, constant, limit):
    assert divergence_limit(initial, constant) == limit


@pytest.mark.parametrize("initial", [math.nan, math.inf])
def test_no_loss_is_within_the_limit_of_a_broken_start(initial):
    assert not divergence_limit(initial, 1.0) >= 0.0


def test_capped_losses_are_finite():
    results = empty_results(3, 2, "torch", keep_states=False)
    results.validation_loss[:2, -1] = [0.5, 9.0]
    assert np.array_equal(results.capped_losses(2.3), [0.5, 2.3, 2.3])
