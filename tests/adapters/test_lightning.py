"""A network that Lightning fits is trained as a plain loop trains it, and is a run of a study."""

from pathlib import Path

import pytest
import torch
from torch.nn.functional import cross_entropy

from initsweep import initialize_
from initsweep.core.errors import RunError
from initsweep.loops.pool import Pool
from initsweep.loops.spec import Failure, Outcome, RunSpec
from initsweep.loops.training_run import RunOver, TrainingRun

pytest.importorskip("lightning", exc_type=ImportError)
from initsweep.adapters.lightning import SweepCallback
from tests.adapters import lightning_script as script

pytestmark = pytest.mark.filterwarnings("ignore")
RATE = 0.3


def a_run(folder: Path, **settings) -> TrainingRun:
    given = {"learning_rate": RATE, "seed": 5, "folder": folder, "tell": lambda report: None}
    return TrainingRun(**(given | settings))


def spec(folder: Path, **settings) -> RunSpec:
    given = {
        "function": "lightning_script:train", "options": {}, "own_code": str(Path(__file__).parent),
        "scheme": "he_normal", "initializer": "he_normal", "initializer_options": {},
        "optimizer": {"name": "sgd"}, "learning_rate": RATE, "seed": 5, "final": True,
        "baseline": 1.1, "folder": str(folder / "run"),
    }  # fmt: skip
    return RunSpec(**(given | settings))


def only(pool: Pool, one: RunSpec) -> object:
    [(_, found)] = pool.run([one])
    return found


def filled(scheme: str = "he_normal") -> torch.nn.Module:
    return initialize_(script.Module(), scheme, 5, unknown="keep")


def plainly() -> list[list[float]]:
    """Return training and validation loss and accuracy of each epoch, then those of the test."""
    net = filled().net
    groups = [
        {"params": net[0].parameters(), "lr": RATE},
        {"params": net[2].parameters(), "lr": 3 * RATE},
    ]
    optimizer, found = torch.optim.SGD(groups, lr=RATE), []
    warm = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    inputs, targets = script.rows(1).tensors
    for _ in range(3):
        losses = []
        for rows in torch.arange(60).split(20):
            loss = cross_entropy(net(inputs[rows]), targets[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        warm.step()
        found.append([sum(losses) / 3, *worth(net, 2)])
    return [*found, worth(net, 3)]


def worth(net: torch.nn.Module, seed: int) -> list[float]:
    inputs, targets = script.rows(seed).tensors
    with torch.no_grad():
        outputs = net(inputs)
    accuracy = (outputs.argmax(1) == targets).float().mean()
    return [cross_entropy(outputs, targets).item(), accuracy.item()]


def check(reports, test) -> None:
    *epochs, tested = plainly()
    told = [[one.train_loss, one.validation_loss, one.validation_score] for one in reports]
    torch.testing.assert_close(torch.tensor(told), torch.tensor(epochs))
    torch.testing.assert_close(torch.tensor([test.loss, test.score]), torch.tensor(tested))


@pytest.mark.parametrize("options", [{}, {"rate": RATE}])
def test_reports_are_those_of_a_plain_loop(tmp_path, options):
    run = a_run(tmp_path, is_final=True, options=options)
    if options:
        assert run.learning_rate == RATE  # whoever reads it sets it
    script.train(run)
    found = run.outcome()
    check(found.reports, found.test)
    assert (found.ending, found.asked_rate, found.asked_scheme) == ("finished", True, True)


def test_groups_and_schedule_keep_their_ratios(tmp_path):
    used = script.train(a_run(tmp_path)).used
    expected = [[share * RATE, 3 * share * RATE] for share in (0.5, 0.75, 1.0) for _ in range(3)]
    torch.testing.assert_close(torch.tensor(used), torch.tensor(expected))


def test_a_module_is_filled_once_before_the_sanity_check(tmp_path):
    class Seen(script.Module):
        def configure_optimizers(self):
            self.at_start = {name: one.clone() for name, one in self.state_dict().items()}
            return super().configure_optimizers()

    module, run = Seen(), a_run(tmp_path, scheme="xavier_uniform")
    script.fit(run, module)
    for name, value in filled("xavier_uniform").state_dict().items():
        torch.testing.assert_close(module.at_start[name], value, rtol=0, atol=0)
    assert run.initialized is module


def test_what_is_built_later_is_filled_too(tmp_path):
    class Late(script.Module):
        def __init__(self):
            super().__init__()
            del self.net

        def configure_model(self):
            self.net = script.make_net()

        def on_train_start(self):
            self.at_start = {name: one.clone() for name, one in self.state_dict().items()}

    module = Late()
    script.fit(a_run(tmp_path), module)
    for name, value in filled().state_dict().items():
        torch.testing.assert_close(module.at_start[name], value, rtol=0, atol=0)


def test_every_validation_is_reported(tmp_path):
    run = a_run(tmp_path)
    script.fit(run, script.Module(), val_check_interval=1, max_epochs=2)
    assert len(run.reports) == 6
    run = a_run(tmp_path)
    script.fit(run, script.Module(), check_val_every_n_epoch=2, max_epochs=4)
    assert len(run.reports) == 2


def test_a_whole_sanity_check_is_what_the_untrained_network_is_worth(tmp_path):
    run = a_run(tmp_path)
    script.fit(run, script.Module(), num_sanity_val_steps=-1)
    start = run.outcome().start
    assert [start.validation_loss, start.validation_score] == pytest.approx(worth(filled().net, 2))
    assert len(run.reports) == 3


def test_the_loss_of_several_batches_of_one_step_is_theirs(tmp_path):
    run = a_run(tmp_path)
    script.fit(run, script.Module(), accumulate_grad_batches=3, max_epochs=1)
    inputs, targets = script.rows(1).tensors
    expected = cross_entropy(filled().net(inputs), targets).item()
    assert run.reports[0].train_loss == pytest.approx(expected)


def test_a_run_that_is_over_leaves_fit(tmp_path):
    run = a_run(tmp_path, learning_rate=1e6)
    with pytest.raises(RunOver):
        script.train(run)
    assert run.outcome().ending == "diverged"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"default_root_dir": "/tmp"}, r"default_root_dir=run\.folder"),
        ({"callbacks": "los"}, "validation_loss: there is no number called 'los'.* val_loss"),
        ({"limit_val_batches": 0}, "no validation to report"),
    ],
)
def test_what_cannot_be_told_is_said(tmp_path, change, message):
    run = a_run(tmp_path)
    if "callbacks" in change:
        change = {"callbacks": [SweepCallback(run, change["callbacks"])]}
    if "default_root_dir" in change:
        from lightning.pytorch import Trainer

        trainer = Trainer(**change, callbacks=[SweepCallback(run)], accelerator="cpu")
        with pytest.raises(RunError, match=message):
            trainer.fit(script.Module(), script.DataLoader(script.rows(1), 20))
        return
    with pytest.raises(RunError, match=message):
        script.fit(run, script.Module(), **change)


def test_a_study_runs_it_in_processes(tmp_path):
    with Pool(workers=1) as pool:
        found = only(pool, spec(tmp_path))
        assert isinstance(found, Outcome), found
        check(found.reports, found.test)
        tuned = only(pool, spec(tmp_path, final=False))
        assert isinstance(tuned, Outcome)
        assert tuned.test is None
        over = only(pool, spec(tmp_path, learning_rate=1e6))
        assert isinstance(over, Outcome)
        assert over.ending == "diverged"


def look(spec, model, batch, loss):
    return loss(model(batch[0]), batch).item()


def test_an_untrained_module_is_looked_at(tmp_path):
    with Pool(workers=1, look=look) as pool:
        found = only(pool, spec(tmp_path, function="lightning_script:train_looked_at"))
    assert not isinstance(found, Failure), found
    inputs, targets = script.rows(1).tensors
    expected = cross_entropy(filled().net(inputs[:20]), targets[:20]).item()
    assert found == pytest.approx(expected)
