"""A network that transformers' trainer trains is trained as a plain loop trains it."""

from pathlib import Path

import pytest
import torch
from torch.nn.functional import cross_entropy

from initsweep import initialize_
from initsweep.core.errors import RunError
from initsweep.loops.pool import Pool
from initsweep.loops.spec import Outcome, RunSpec
from initsweep.loops.training_run import RunOver, TrainingRun

pytest.importorskip("transformers", exc_type=ImportError)
pytest.importorskip("accelerate", exc_type=ImportError)
from initsweep.adapters.hugging_face import SweepCallback, arguments
from tests.adapters import hugging_face_script as script

pytestmark = pytest.mark.filterwarnings("ignore")
RATE = 0.3


def a_run(folder: Path, **settings) -> TrainingRun:
    given = {"learning_rate": RATE, "seed": 5, "folder": folder, "tell": lambda report: None}
    return TrainingRun(**(given | settings))


def spec(folder: Path, **settings) -> RunSpec:
    given = {
        "function": "hugging_face_script:train", "options": {},
        "own_code": str(Path(__file__).parent), "scheme": "he_normal", "initializer": "he_normal",
        "initializer_options": {}, "optimizer": {"name": "sgd"}, "learning_rate": RATE, "seed": 5,
        "final": True, "baseline": 1.1, "folder": str(folder / "run"),
    }  # fmt: skip
    return RunSpec(**(given | settings))


def only(pool: Pool, one: RunSpec) -> object:
    [(_, found)] = pool.run([one])
    return found


def filled(scheme: str = "he_normal") -> torch.nn.Module:
    return initialize_(script.Net(), scheme, 5, unknown="keep")


def batches(seed: int, size: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    rows = script.rows(seed)
    parts = [rows[start : start + size] for start in range(0, len(rows), size)]
    return [
        (torch.stack([row["x"] for row in part]), torch.stack([row["labels"] for row in part]))
        for part in parts
    ]


def plainly() -> list[list[float]]:
    """Return training and validation loss and accuracy of each epoch, then those of the test."""
    net = filled()
    optimizer, found = torch.optim.SGD(net.parameters(), lr=RATE), []
    for epoch in range(3):
        losses = []
        for place, (x, labels) in enumerate(batches(1, 20)):
            optimizer.param_groups[0]["lr"] = RATE * (1 - (3 * epoch + place) / 9)
            loss = net(x, labels)["loss"]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        found.append([sum(losses) / 3, *worth(net, 2)])
    return [*found, worth(net, 3)]


def worth(net: torch.nn.Module, seed: int) -> list[float]:
    [(x, labels)] = batches(seed, 60)
    with torch.no_grad():
        outputs = net(x, labels)
    return [outputs["loss"].item(), (outputs["logits"].argmax(1) == labels).float().mean().item()]


def check(reports, test) -> None:
    *epochs, tested = plainly()
    told = [[one.train_loss, one.validation_loss, one.validation_score] for one in reports]
    torch.testing.assert_close(torch.tensor(told), torch.tensor(epochs), rtol=1e-4, atol=1e-4)
    found = torch.tensor([test.loss, test.score])
    torch.testing.assert_close(found, torch.tensor(tested), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("own", [False, True])
def test_reports_are_those_of_a_plain_loop(tmp_path, own):
    run = a_run(tmp_path, is_final=True, options={"own": own})
    trainer = script.train(run)
    found = run.outcome()
    check(found.reports, found.test)
    assert (found.ending, found.asked_rate, found.asked_scheme) == ("finished", True, True)
    assert (trainer.args.seed, trainer.args.output_dir) == (5, str(tmp_path))
    assert not (tmp_path / "elsewhere").exists()
    assert trainer.used[0] == [pytest.approx(RATE)] * len(trainer.used[0])


def test_what_is_the_run_s_comes_before_what_the_script_says(tmp_path):
    args = arguments(
        a_run(tmp_path), output_dir="x", seed=1, learning_rate=2, save_strategy="steps"
    )
    assert (args.output_dir, args.seed, args.learning_rate) == (str(tmp_path), 5, RATE)
    assert (args.save_strategy, args.eval_strategy) == ("steps", "epoch")


def test_own_groups_keep_their_ratios(tmp_path):
    class Grouped(script.InOrder):
        def create_optimizer(self, *_):
            first, last = self.model.first.parameters(), self.model.last.parameters()
            groups = [{"params": first}, {"params": last, "lr": 0.03}]
            self.optimizer = torch.optim.SGD(groups, lr=0.01)
            return self.optimizer

    run = a_run(tmp_path)
    args = script.TrainingArguments(
        str(tmp_path), eval_strategy="epoch", report_to="none", use_cpu=True, **script.SETTINGS
    )
    trainer = script.make_trainer(run, args, of=Grouped)
    trainer.train()
    expected = [[RATE * (1 - step / 9), 3 * RATE * (1 - step / 9)] for step in range(9)]
    torch.testing.assert_close(torch.tensor(trainer.used), torch.tensor(expected))


@pytest.mark.parametrize("late", [False, True])
def test_a_model_is_filled_before_it_trains(tmp_path, late):
    class Seen(script.InOrder):
        at_start = None

        def training_step(self, model, *given):
            state = {name: one.clone() for name, one in model.state_dict().items()}
            self.at_start = self.at_start or state
            return super().training_step(model, *given)

    run = a_run(tmp_path, scheme="xavier_uniform")
    settings = {"model": None, "model_init": script.Net} if late else {}
    args = arguments(run, **script.SETTINGS)
    trainer = script.make_trainer(run, args, of=Seen, **settings)
    trainer.train()
    for name, value in filled("xavier_uniform").state_dict().items():
        torch.testing.assert_close(trainer.at_start[name], value, rtol=0, atol=0)


def test_rows_are_shuffled_by_the_seed_of_the_run(tmp_path):
    def losses(seed):
        run = a_run(tmp_path, seed=seed, options={"own": True})
        args = arguments(run, **script.SETTINGS)
        trainer = script.make_trainer(run, args, of=script.Trainer)
        order = [batch["x"][0, 0].item() for batch in trainer.get_train_dataloader()]
        trainer.train()
        return order, run.reports

    assert losses(5) == losses(5)
    assert losses(5)[0] != losses(6)[0]


def test_an_evaluation_before_training_is_where_curves_begin(tmp_path):
    run = a_run(tmp_path)
    trainer = script.make_trainer(run, arguments(run, eval_on_start=True, **script.SETTINGS))
    trainer.train()
    trainer.evaluate()  # no report: training is over
    start = run.outcome().start
    assert start.validation_loss == pytest.approx(worth(filled(), 2)[0], rel=1e-4)
    assert len(run.reports) == 3


def test_a_run_that_is_over_leaves_train(tmp_path):
    run = a_run(tmp_path, learning_rate=1e6)
    with pytest.raises(RunOver):
        script.train(run)
    assert run.outcome().ending == "diverged"


@pytest.mark.parametrize(
    ("names", "settings", "message"),
    [
        (("eval_los",), {}, "validation_loss: there is no number called 'eval_los'.* eval_loss"),
        (("eval_loss", "eval_f1"), {}, "validation_score: .*'eval_f1'.*compute_metrics"),
        ((), {"eval_strategy": "no"}, "eval_strategy='epoch'"),
    ],
)
def test_what_is_missing_is_said(tmp_path, names, settings, message):
    run = a_run(tmp_path)
    args = arguments(run, **script.SETTINGS, **settings)
    trainer = script.make_trainer(run, args, SweepCallback(run, *names))
    with pytest.raises(RunError, match=message):
        trainer.train()


def test_a_callback_that_comes_late_is_refused(tmp_path):
    run = a_run(tmp_path)
    trainer = script.make_trainer(run, arguments(run, **script.SETTINGS))
    trainer.add_callback(SweepCallback(run))
    with pytest.raises(RunError, match=r"callbacks=\[SweepCallback\(run\)\]"):
        trainer.train()


def look(spec, model, batch, loss):
    return loss(model(**batch), batch).item()


def test_a_study_runs_it_in_processes(tmp_path):
    with Pool(workers=1) as pool:
        found = only(pool, spec(tmp_path))
        assert isinstance(found, Outcome), found
        check(found.reports, found.test)
        over = only(pool, spec(tmp_path, learning_rate=1e6, final=False))
        assert isinstance(over, Outcome), over
        assert (over.ending, over.test) == ("diverged", None)
    with Pool(workers=1, look=look) as pool:
        seen = only(pool, spec(tmp_path, final=False))
    [first, *_] = batches(1, 20)
    assert seen == pytest.approx(cross_entropy(filled()(*first)["logits"], first[1]).item())
