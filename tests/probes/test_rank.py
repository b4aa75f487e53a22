import math

import pytest
import torch

from initsweep.probes.measures.rank import activation_rank, effective_rank


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200])
def test_equal_singular_values_give_the_full_rank(scale):
    assert effective_rank(torch.eye(7, dtype=torch.float64) * scale) == pytest.approx(7.0)


def test_one_direction_gives_rank_one():
    one = torch.outer(torch.arange(1.0, 6.0), torch.arange(1.0, 4.0)).double()
    assert effective_rank(one) == pytest.approx(1.0, abs=1e-6)


def test_unequal_singular_values_weigh_by_their_entropy():
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    matrix = torch.diag(torch.tensor([3.0, -1.0, 0.0], dtype=torch.float64))
    assert effective_rank(matrix) == pytest.approx(math.exp(entropy))


@pytest.mark.parametrize("entry", [0.0, math.inf, math.nan])
def test_nothing_measurable_is_zero(entry):
    assert effective_rank(torch.full((3, 2), entry, dtype=torch.float64)) == 0.0


def test_the_rank_is_that_of_the_activations(layer):
    activations = torch.eye(4, 3, dtype=torch.float64)
    assert activation_rank(layer(activations=activations)) == pytest.approx(3.0)
