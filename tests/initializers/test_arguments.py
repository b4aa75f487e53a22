"""What `initialize_` and `initial_state` take, and what they say to anything else."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from initsweep.core.errors import InitsweepError, ParamsError, UnknownNameError
from initsweep.initializers import INITIALIZERS, initial_state, initialize_, make_initializer

BOTH = pytest.mark.parametrize("fill", [initialize_, initial_state])


def net():
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


def halves(layer, generator):
    return torch.full(layer.weight_shape, 0.5)


def test_a_name_a_function_and_an_initializer_give_the_same_either_way():
    for given in ("he_normal", make_initializer("he_normal", {}), halves):
        model = net()
        state = initial_state(model, given, seed=3)
        initialize_(model, given, seed=3)
        assert list(state) == list(dict(model.named_parameters()))
        assert all(torch.equal(state[name], one) for name, one in model.named_parameters())


def test_a_name_of_one_that_measures_signals():
    state = initial_state(net(), "lsuv", seed=0, inputs=torch.randn(64, 6))
    assert list(state) == ["0.weight", "0.bias", "2.weight", "2.bias"]


@BOTH
@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("he_nrmal", UnknownNameError, "Did you mean 'he_normal'"),
        ("random_normal", ParamsError, "std: missing"),
        ([1], InitsweepError, r"a name such as 'he_normal'.*received \[1\]"),
        (None, InitsweepError, "received None"),
        (INITIALIZERS.get("he_normal"), InitsweepError, "what `make_initializer"),
        (nn.Linear(2, 2), InitsweepError, "what `make_initializer.*received Linear"),
        (lambda weight: weight, ParamsError, r"Let it take \(layer, generator\) first"),
        (nn.init.kaiming_normal_, ParamsError, "fills a tensor.*called 'he_normal' here"),
        (partial(nn.init.normal_, std=1.0), ParamsError, "nn.init.normal_ fills a tensor"),
        ("torch.nn.init:xavier_normal_", ParamsError, "called 'xavier_normal' here"),
    ],
)
def test_what_is_no_initializer_is_refused(fill, given, error, message):
    with pytest.raises(error, match=message):
        fill(net(), given, seed=0)


@BOTH
@pytest.mark.parametrize("seed", [1.5, -1, "a", None])
def test_a_seed_is_a_whole_number_from_zero(fill, seed):
    with pytest.raises(InitsweepError, match=r"seed: received .* Give a whole number from 0"):
        fill(net(), "he_normal", seed=seed)


def test_a_seed_of_numpy_is_the_same_seed():
    ours, theirs = (initial_state(net(), "he_normal", seed) for seed in (7, np.int64(7)))
    assert torch.equal(ours["0.weight"], theirs["0.weight"])


@BOTH
def test_a_list_is_no_network(fill):
    with pytest.raises(InitsweepError, match=r"must be a torch.nn.Module, received \[1\]"):
        fill([1], "he_normal", seed=0)


@BOTH
def test_a_lazy_network_is_told_of_inputs(fill):
    with pytest.raises(InitsweepError, match=r"no shape yet.*initialize_\(.*inputs=batch\)"):
        fill(nn.Sequential(nn.LazyLinear(3)), "he_normal", seed=0)
