"""Laws of the raw draws, against scipy, and their use of the random stream."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from initsweep.core.randomness import torch_stream
from initsweep.initializers.laws.draws import TRUNCATED_STD, draw

SHAPE = (1000, 1000)
STD, MEAN = 0.3, 0.1
PARENT = STD / TRUNCATED_STD
LAWS = {
    "normal": stats.norm(MEAN, STD),
    "uniform": stats.uniform(MEAN - math.sqrt(3) * STD, 2 * math.sqrt(3) * STD),
    "truncated_normal": stats.truncnorm(-2, 2, MEAN, PARENT),
}


@pytest.mark.parametrize("family", LAWS)
def test_a_million_draws_pass_kolmogorov_smirnov(family):
    values = draw(family, SHAPE, torch_stream("ks", family), std=STD, mean=MEAN)
    assert values.dtype == torch.float32
    assert stats.kstest(values.numpy().ravel(), LAWS[family].cdf).pvalue > 1e-4


def test_one_percent_too_wide_a_law_is_rejected():
    values = draw("normal", SHAPE, torch_stream("ks", "normal"), std=1.01 * STD, mean=MEAN)
    assert stats.kstest(values.numpy().ravel(), LAWS["normal"].cdf).pvalue < 1e-4


@pytest.mark.parametrize("family", LAWS)
def test_the_stated_std_is_the_one_that_results(family):
    assert LAWS[family].std() == pytest.approx(STD, rel=1e-12)
    values = draw(family, SHAPE, torch_stream("std", family), std=STD).double().numpy()
    tolerance = 5 * math.sqrt((stats.kurtosis(values, axis=None, fisher=False) - 1) / 4e6)
    assert values.std() == pytest.approx(STD, rel=tolerance)


def test_truncation_correction_is_the_std_of_the_cut_normal_law():
    assert stats.truncnorm(-2, 2).std() == pytest.approx(TRUNCATED_STD, rel=1e-14)


@pytest.mark.parametrize(("family", "bound"), [("uniform", 3**0.5), ("truncated_normal", None)])
def test_bounded_families_fill_their_interval_and_never_leave_it(family, bound):
    bound = 0.5 * (bound or 2 / TRUNCATED_STD)
    values = draw(family, SHAPE, torch_stream("bounds"), std=0.5)
    assert float(values.abs().max()) <= np.float32(bound)
    assert float(values.min()) < -0.9999 * bound
    assert float(values.max()) > 0.9999 * bound


@pytest.mark.parametrize("family", LAWS)
def test_the_amount_of_stream_used_does_not_depend_on_the_values(family):
    after = []
    for std in (1e-3, 1.0):
        for seed in range(3):
            generator = torch_stream("use", seed)
            draw(family, (17, 13), generator, std=std)
            used = torch.rand((), generator=generator, dtype=torch.float64).item()
            fresh = torch_stream("use", seed)
            words = torch.rand(17 * 13 + 1, generator=fresh, dtype=torch.float64)
            after.append(int((words == used).nonzero().item()) if used in words else None)
    assert len(set(after)) == 1


@pytest.mark.parametrize("family", LAWS)
def test_std_only_scales_the_same_draw(family):
    narrow = draw(family, (64, 32), torch_stream("scale"), std=0.1)
    wide = draw(family, (64, 32), torch_stream("scale"), std=0.7)
    torch.testing.assert_close(wide, narrow * 7, rtol=1e-6, atol=0)
