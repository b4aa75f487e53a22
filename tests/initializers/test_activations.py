"""Which activation follows which layer."""

import pytest
import torch
from torch import nn

from initsweep.errors import InitsweepError
from initsweep.initializers.activations import activations_after


def test_a_network_that_says_so_is_believed():
    network = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    network.activation_after = {"0": torch.tanh}
    assert activations_after(network) == {"0": torch.tanh}


def test_a_declared_name_must_exist():
    network = nn.ModuleDict({"hidden": nn.Linear(2, 2)})
    network.activation_after = {"hiddn": torch.tanh}
    with pytest.raises(InitsweepError, match=r"'hiddn'.*Did you mean 'hidden'"):
        activations_after(network)


def test_a_sequential_is_read_past_norm_and_dropout_even_when_nested():
    relu, tanh = nn.ReLU(), nn.Tanh()
    block = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    stem = nn.Sequential(
        nn.Linear(4, 4), relu, block, nn.Dropout(), tanh, nn.Linear(4, 4), relu, nn.Linear(4, 1)
    )
    network = nn.ModuleDict({"stem": stem})
    assert activations_after(network) == {"stem.0": relu, "stem.2.0": tanh, "stem.5": relu}


def test_an_unknown_module_in_between_is_not_read_over():
    network = nn.Sequential(nn.Linear(4, 4), nn.Softmax(dim=1), nn.ReLU())
    assert "0" not in activations_after(network)
