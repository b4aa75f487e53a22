"""Optimizers that packages bring: one network at a time, by the plain loop."""

import importlib.util

import pytest
import schedulefree
import torch

from initsweep.core.errors import MissingExtraError
from initsweep.core.randomness import batch_order
from initsweep.engine.train_lanes import train_lanes


@pytest.fixture
def trained(make_problem, training, optimizer, runtime, lanes_of):
    def run(problem=None, engine="auto", **how):
        return train_lanes(
            problem or make_problem(), lanes_of((0.02, 0)), training=training(epochs=2),
            optimizer=optimizer(**how), runtime=runtime(engine=engine), keep_states=True,
        )  # fmt: skip

    return run


@pytest.mark.parametrize("engine", ["reference", "torch"])
def test_schedule_free_is_evaluated_where_its_weights_are_averaged(trained, make_problem, engine):
    problem, found = make_problem(), trained(engine=engine, name="schedule_free_adamw")
    model, train = make_problem().model, problem.train
    model.load_state_dict(problem.initial_state(0), strict=False)
    updater = schedulefree.AdamWScheduleFree(model.parameters(), lr=0.02)
    losses = []
    for epoch in range(2):
        updater.train()
        order = batch_order(0, epoch, train.n)
        for rows in order[:64].split(16):
            updater.zero_grad()
            problem.loss(model(train.features[rows]), train.targets[rows]).backward()
            updater.step()
        updater.eval()
        with torch.no_grad():
            outputs = model(problem.validation.features)
            losses.append(problem.loss(outputs, problem.validation.targets).item())
    assert found.validation_loss[0, 1:] == pytest.approx(losses, rel=1e-5)
    for name, value in model.named_parameters():
        torch.testing.assert_close(
            found.final_states[0][name], value.detach(), rtol=1e-4, atol=1e-5
        )


def test_the_reason_for_the_plain_loop_is_the_optimizer(trained, capsys):
    found = trained(name="prodigy", weight_decay=0.01)
    assert "the optimizer 'prodigy' has no stacked form" in found.engine
    assert found.engine.startswith("reference")
    assert found.validation_loss[0, -1] != found.initial_loss[0]
    assert not capsys.readouterr().out  # the package prints


@pytest.mark.parametrize(
    ("name", "package"),
    [("lion", "lion_pytorch"), ("schedule_free_sgd", "schedulefree"), ("prodigy", "prodigyopt")],
)
def test_a_missing_package_is_named_before_training(trained, monkeypatch, name, package):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=rf"'{package}'.*initsweep\[optimizers\]"):
        trained(engine="reference", name=name)


def test_prodigy_takes_no_factors_on_rates(trained, make_problem):
    with pytest.raises(ValueError, match="prodigy finds one step"):
        trained(make_problem(factors=[(2, 1), (1, 1)]), name="prodigy")
