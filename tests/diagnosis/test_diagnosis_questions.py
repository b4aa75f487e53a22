"""What can be asked of the diagnosis, and how mistakes in the question are answered."""

import pytest
import torch
from torch import nn

from initsweep import assert_healthy, diagnose
from initsweep.core.errors import InitsweepError


@pytest.fixture
def features():
    return torch.randn(32, 6, generator=torch.Generator().manual_seed(0))


def net(outputs=3):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, outputs))


def test_whole_numbers_can_be_numbers_to_predict(features):
    counts = torch.arange(32)
    with pytest.raises(InitsweepError, match="--task regression"):
        diagnose(net(1), features, counts)
    row = diagnose(net(1), features, counts, task="regression").schemes[0]
    assert row.constant_loss == pytest.approx(float(counts.double().var(correction=0)))
    assert assert_healthy(net(1), features, counts / 10, task="regression").healthy


def test_the_task_must_be_one_that_exists_and_not_said_twice(features):
    with pytest.raises(InitsweepError, match=r"task: received 'regression_'.*Did you mean"):
        diagnose(net(), features, task="regression_")
    with pytest.raises(InitsweepError, match="leave out one"):
        diagnose(net(), features, torch.zeros(32), lambda z, t: z.mean(), task="regression")


def test_dense_outputs_have_their_classes_on_axis_1():
    torch.manual_seed(0)
    dense = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 5, 1))
    images = torch.randn(8, 3, 6, 6)
    assert "5 classes on axis 1" in str(diagnose(dense, images))
    labels = torch.randint(5, (8, 6, 6))
    assert diagnose(dense, images, labels).schemes[0].initial_loss < 3


def test_sequences_have_their_classes_last():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(11, 8), nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 11))
    tokens = torch.randint(11, (16, 7))
    assert "11 classes on axis 2" in str(diagnose(model, tokens))
    assert diagnose(model, tokens, tokens).schemes[0].initial_loss < 4


@pytest.mark.parametrize("seeds", [[-1], [0.5], 3, "ab", [2**63], []])
def test_seeds_are_whole_numbers_from_zero(features, seeds):
    with pytest.raises(InitsweepError, match="seeds: received"):
        diagnose(net, features, seeds=seeds)


def test_one_scheme_needs_no_list(features):
    assert [row.scheme for row in diagnose(net(), features, schemes="he_normal").schemes] == [
        "he_normal"
    ]


def test_what_is_let_pass_must_exist(features):
    with pytest.raises(InitsweepError, match=r"no verdict 'explodng'\. Did you mean 'exploding'"):
        assert_healthy(net(), features, allow=["explodng"])
    assert assert_healthy(net(), features, allow="exploding").healthy


def test_networks_without_values_are_told_how_to_get_them(features):
    with torch.device("meta"):
        empty = net()
    with pytest.raises(InitsweepError, match=r"'0.weight' is on the meta device.*initialize_"):
        diagnose(empty, features)
    lazy = nn.Sequential(nn.LazyLinear(16), nn.ReLU(), nn.Linear(16, 3))
    with pytest.raises(InitsweepError, match=r"'0\.weight' has no shape yet"):
        diagnose(lazy, features)


def test_examples_that_are_all_the_same_are_noted():
    assert "all examples of the batch are the same" in str(diagnose(net(), torch.ones(8, 6)))
