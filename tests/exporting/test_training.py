"""The training that is written beside a rate is the one that a study does."""

import re
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from initsweep.engine.reference import torch_optimizer
from initsweep.exporting.training import training_of

SCHEMA = SimpleNamespace(loss_name="mean_squared_error", class_weights=[], rows={"train": 90})
ALL = {"momentum": 0.8, "nesterov": True, "beta1": 0.7, "beta2": 0.6, "epsilon": 1e-5}


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw", "rmsprop"])
def test_the_optimizer_is_source(small_params, name):
    changed = {"name": name, **ALL, "weight_decay": 0.3}
    params = small_params({f"optimizer.{key}": value for key, value in changed.items()})
    said = training_of(params.optimizer, params.training, SCHEMA)
    source = re.match(r"torch\.optim\.\w+\(.*?weight_decay=0\.3\)", said)[0]
    network = nn.Linear(2, 1)
    pasted = eval(source.replace("(", "(network.parameters(), ", 1),
                  {"torch": torch, "network": network, "LEARNING_RATE": 0.02})  # fmt: skip
    expected = torch_optimizer(network, 0.02, params.optimizer)
    assert type(pasted) is type(expected)
    assert pasted.defaults == expected.defaults


def test_what_is_left_out_is_said(small_params):
    params = small_params()
    said = training_of(params.optimizer, params.training, SCHEMA)
    assert said.endswith(
        "weight_decay=0.0) on the mean squared error, 3 epochs, batches of 32 of 90 rows "
        "(shuffled every epoch, a partial one left out), constant rate, no warm-up, "
        "no gradient clipping."
    )
    weighted = SimpleNamespace(**{**vars(SCHEMA), "class_weights": [1.0, 2.0]})
    assert "error with balanced class weights," in training_of(
        params.optimizer, params.training, weighted
    )
