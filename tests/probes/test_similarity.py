import math

import pytest
import torch

from initsweep.probes.measures.rank import stable_rank
from initsweep.probes.measures.similarity import mean_cosine
from initsweep.probes.measures.skewed_units import skewed


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200])
def test_the_mean_cosine_is_over_pairs_of_different_rows(layer, scale):
    rows = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]]).double() * scale
    assert mean_cosine(layer(activations=rows)) == pytest.approx(1 / 3)


def test_rows_of_zeros_are_like_nothing_and_an_overflow_is_all_alike(layer):
    rows = torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]).double()
    assert mean_cosine(layer(activations=rows)) == pytest.approx(1 / 3)
    assert mean_cosine(layer(activations=rows * 0)) == 0.0
    assert mean_cosine(layer(activations=rows[:1])) == 0.0
    assert mean_cosine(layer(activations=rows * math.inf)) == 1.0


def test_units_that_lean_to_one_side_are_skewed(layer):
    signs = torch.ones(10, 4).double()
    signs[:8, 0], signs[:9, 1], signs[:5, 2], signs[:1, 3] = -1, -1, -1, -1
    assert skewed(layer(pre_activations=signs)) == 2 / 4  # 20 % is not, 10 % and 90 % are


def test_the_stable_rank_weighs_squares():
    assert stable_rank(torch.diag(torch.tensor([2.0, 1.0, 1.0])).double()) == pytest.approx(1.5)
    assert stable_rank(torch.zeros(3, 2).double()) == 0.0
