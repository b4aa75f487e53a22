"""What a user's function is given, without a study around it."""

import random

import numpy as np
import pytest
import torch
from torch import nn

from initsweep import TrainingRun, initialize_
from initsweep.core.errors import InitsweepError, RunError
from initsweep.loops.training_run import RunOver
from tests.loops.training_functions import network, train


def quiet(_):
    pass


def drawn_globally():
    """Return numbers from the generators that everybody shares."""
    return [*torch.rand(2).tolist(), np.random.rand(), random.random()]  # noqa: NPY002


def test_a_function_can_be_tried_without_a_study(capsys):
    run = TrainingRun(options={"epochs": 2})
    train(run)
    assert [*map(len, (run.reports, capsys.readouterr().out.splitlines()))] == [2, 2]


def test_networks_are_filled_by_seed_and_name_as_everywhere():
    run = TrainingRun(scheme="xavier_normal", seed=5)
    made, same = run.initialize(network()), initialize_(network(), "xavier_normal", 5)
    for name, value in made.state_dict().items():
        assert torch.equal(value, same.state_dict()[name])


def test_what_no_scheme_fills_is_kept_and_told_of():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.token, self.layer = nn.Parameter(torch.full((4,), 7.0)), nn.Linear(4, 2)

        def forward(self, x):
            return self.layer(x + self.token)

    run = TrainingRun()
    model = run.initialize(Net())
    assert torch.equal(model.token, torch.full((4,), 7.0))
    run.report(validation_loss=1.0)
    assert "token" in run.outcome().passed_over[0]


@pytest.mark.parametrize("name", ["sgd", "SGD", "adamw", "Adam", "rmsprop", "nadam"])
def test_any_optimizer_of_torch_is_made_at_the_rate_of_the_run(name):
    run = TrainingRun(optimizer={"name": name, "weight_decay": 0.1}, learning_rate=0.25)
    optimizer = run.make_optimizer(network().parameters())
    assert type(optimizer).__name__.lower() == name.lower()
    assert optimizer.param_groups[0]["lr"] == 0.25
    assert optimizer.param_groups[0]["weight_decay"] == 0.1


def test_rates_of_groups_are_factors():
    first, last = nn.Linear(2, 2), nn.Linear(2, 2)
    groups = [{"params": first.parameters()}, {"params": last.parameters(), "lr": 0.1}]
    optimizer = TrainingRun(learning_rate=0.5).make_optimizer(groups, momentum=0.9)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.05]


def test_an_optimizer_of_ones_own_is_made_by_its_name():
    run = TrainingRun(optimizer={"name": "torch.optim:Adagrad"})
    assert isinstance(run.make_optimizer(network().parameters()), torch.optim.Adagrad)


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        ({"name": "adamv"}, "Did you mean 'adam"),
        ({"name": "sgd", "beta": 1}, "optimizer 'sgd': .*beta"),
        ({"name": "missing_module:Muon"}, "no module named 'missing_module'"),
    ],
)
def test_an_optimizer_that_cannot_be_made_is_named(optimizer, message):
    with pytest.raises(InitsweepError, match=message):
        TrainingRun(optimizer=optimizer).make_optimizer(network().parameters())


def test_generators_follow_the_seed_and_nothing_else():
    def draws(**settings):
        run = TrainingRun(**settings)
        run.seed_everything()
        own = torch.rand(2, generator=run.generator("batches")).tolist()
        return [*drawn_globally(), *own]

    assert draws(seed=1) == draws(seed=1, scheme="zeros", learning_rate=1.0) != draws(seed=2)


def test_a_loss_that_has_grown_a_thousand_times_has_diverged():
    run = TrainingRun(baseline=2.0, tell=quiet)
    run.report(validation_loss=1.0)
    run.report(validation_loss=2000.0)
    with pytest.raises(RunOver):
        run.report(validation_loss=2001.0)
    outcome = run.outcome()
    assert (outcome.ending, len(outcome.reports)) == ("diverged", 2)
    with pytest.raises(RunError, match="the run has ended"):
        run.report(validation_loss=1.0)


def test_test_data_are_out_of_reach_while_rates_are_tuned():
    run = TrainingRun()
    with pytest.raises(RunError, match="only final runs"):
        run.report_test(loss=1.0)
    with pytest.raises(RunError, match="no prepared rows"):
        _ = run.data.train
    final = TrainingRun(is_final=True, tell=quiet)
    final.report(validation_loss=1.0)
    final.report_test(loss=1.0)
    with pytest.raises(RunError, match="looked at once"):
        final.report_test(loss=1.0)


def test_the_untrained_network_is_told_of_first():
    run = TrainingRun(tell=quiet)
    run.report_start(validation_loss=3.0)
    run.report(validation_loss=1.0)
    assert run.outcome().start.validation_loss == 3.0
    with pytest.raises(RunError, match="before the first epoch"):
        run.report_start(validation_loss=1.0)


def test_a_checkpoint_brings_back_reports_and_generators(tmp_path):
    run = TrainingRun(folder=tmp_path, tell=quiet)
    run.seed_everything()
    run.report(validation_loss=1.0, train_loss=2.0)
    run.checkpoint(model={"w": torch.ones(2)}, epoch=1)
    expected = drawn_globally()
    again = TrainingRun(folder=tmp_path, tell=quiet)
    kept = again.resume()
    assert torch.equal(kept["model"]["w"], torch.ones(2))
    assert kept["epoch"] == 1
    assert again.reports == run.reports
    drawn = drawn_globally()
    assert drawn == expected
    assert TrainingRun(folder=tmp_path / "other").resume() is None


def test_generators_of_the_run_go_on_from_a_checkpoint(tmp_path):
    run = TrainingRun(folder=tmp_path, tell=quiet)
    torch.rand(3, generator=run.generator("batches"))
    run.checkpoint(epoch=1)
    expected = torch.rand(3, generator=run.generator("batches"))
    again = TrainingRun(folder=tmp_path, tell=quiet)
    again.resume()
    assert torch.equal(torch.rand(3, generator=again.generator("batches")), expected)


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), float("-inf")])
def test_a_loss_that_is_not_finite_has_diverged(loss):
    run = TrainingRun(tell=quiet)
    run.report(validation_loss=1.0)
    with pytest.raises(RunOver):
        run.report(validation_loss=loss)


@pytest.mark.parametrize("score", [93.0, float("nan")])
def test_a_score_is_at_most_1(score):
    with pytest.raises(RunError, match="at most 1"):
        TrainingRun(tell=quiet).report(validation_loss=1.0, validation_score=score)


def test_losses_of_rows_make_up_the_test_loss():
    run = TrainingRun(is_final=True, tell=quiet)
    with pytest.raises(RunError, match="the mean of row_losses is 2, and loss is 1"):
        run.report_test(loss=1.0, row_losses=[1.0, 3.0])


def test_what_is_missing_is_said_where_it_is_asked_for():
    with pytest.raises(RunError, match="give --option epochs=VALUE"):
        TrainingRun().options["epochs"]
    with pytest.raises(RunError, match="validation_loss is missing"):
        TrainingRun().report(train_loss=1.0)


def test_a_compiled_network_can_be_initialized():
    class Long(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 1)

        def __len__(self):
            raise TypeError("no len")

        def forward(self, x):
            return self.layer(x)

    run = TrainingRun(tell=quiet)
    run.initialize(Long())
    run.report(validation_loss=1.0)
    assert run.outcome().parameters == 3


def test_a_checkpoint_never_runs_code(tmp_path):
    run = TrainingRun(folder=tmp_path)
    with pytest.raises(RunError, match="received print"):
        run.checkpoint(anything=print)
    torch.save({"anything": print}, tmp_path / "checkpoint.pt")
    assert run.resume() is None
