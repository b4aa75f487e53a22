"""Factors of a scheme on rates and decays, in the optimizers of a user's function."""

import pytest
import torch
from torch import nn

from initsweep import TrainingRun
from initsweep.core.errors import InitsweepError, RunError
from tests.loops.training_functions import network

SCHEME = "tests.loops.training_functions:SlowReadout"
"""A tenth of the rate and twice the decay for the last weight, under SGD half of the rate."""


def run_with(model, **settings):
    run = TrainingRun(scheme=SCHEME, learning_rate=0.5, **settings)
    run.initialize(model)
    return run


def settings_of(optimizer, model):
    """Rate and decay of the last weight, and those of all others."""
    found = {
        one: (group["lr"], group["weight_decay"])
        for group in optimizer.param_groups
        for one in group["params"]
    }
    assert found.keys() == set(model.parameters())
    last = found.pop(model[-1].weight)
    (others,) = set(found.values())
    return last, others


def left(run):
    run.report(validation_loss=1.0)
    return run.outcome().factors_left


def test_the_optimizer_of_a_run_has_them():
    model = network()
    run = run_with(model, optimizer={"name": "adamw"})  # which decays by 0.01 if nothing is said
    optimizer = run.make_optimizer(model.parameters())
    assert settings_of(optimizer, model) == ((0.05, 0.02), (0.5, 0.01))
    assert not left(run)
    named = run.make_optimizer(model.named_parameters(), name="sgd", weight_decay=0.1)
    assert settings_of(named, model) == ((0.25, 0.2), (0.5, 0.1))


def test_groups_keep_what_they_say_themselves():
    model = network()
    groups = [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[-1].parameters()}]
    made = run_with(model).make_optimizer([*groups, {"params": torch.nn.Parameter(torch.ones(1))}])
    found = [(len(group["params"]), group["lr"]) for group in made.param_groups]
    assert found == [(2, 0.05), (1, 0.25), (1, 0.5), (1, 0.5)]


def test_an_optimizer_made_by_hand_gets_groups_of_any_wrapper():
    model, other = network(), network()
    run = run_with(model)
    run.initialize(other)
    groups = run.parameter_groups(nn.DataParallel(model), optimizer="adamw", weight_decay=0.1)
    assert settings_of(torch.optim.AdamW(groups), model) == ((0.05, 0.2), (0.5, 0.1))
    assert not left(run)
    assert len(run.make_optimizer(other.parameters()).param_groups) == 2


def test_who_leaves_them_out_is_seen():
    assert left(run_with(network()))
    early = TrainingRun(scheme=SCHEME)
    model = network()
    early.make_optimizer(model.parameters())
    early.initialize(model)
    assert left(early)
    assert not left(run_without_factors())


def run_without_factors():
    run = TrainingRun()
    run.initialize(network())
    return run


def test_groups_are_not_multiplied_twice():
    model = network()
    run = run_with(model)
    with pytest.raises(RunError, match="has the run's rate already"):
        run.make_optimizer(run.parameter_groups(model, optimizer="sgd"))


def test_what_cannot_be_given_them_is_refused():
    with pytest.raises(RunError, match=r"call run\.initialize\(model\) first"):
        TrainingRun().parameter_groups(network(), optimizer="sgd")
    with pytest.raises(RunError, match="none of these parameters is of a network"):
        run_with(network()).make_optimizer(network().parameters())
    own = {"name": "tests.loops.training_functions:AllInOne"}
    model = network()
    with pytest.raises(InitsweepError, match=r"of '.*AllInOne' that is not known"):
        run_with(model, optimizer=own).make_optimizer(model.parameters())


def test_an_optimizer_that_makes_its_own_groups_is_refused():
    model = network()
    run = run_with(model, optimizer={"name": "tests.loops.training_functions:SGD"})
    with pytest.raises(RunError, match="into one group"):
        run.make_optimizer(model.parameters())


def test_muon_is_given_factors_for_updates_of_one_size():
    hidden = network()
    matrices = [one for one in hidden.parameters() if one.dim() == 2]
    with pytest.raises(RunError, match=r"received adjust_lr_fn None.*adjust_lr_fn: match_rms"):
        run_with(hidden).make_optimizer(matrices, name="muon")
    run_with(hidden).make_optimizer(matrices, name="muon", adjust_lr_fn="match_rms_adamw")
