"""Training functions as users write them: one that is right, and one for each way to be wrong."""

import math
import os
import signal
import sys
import time
from pathlib import Path

import torch
from torch import nn

from initsweep import Initializer, make_initializer
from initsweep.core.randomness import batch_order
from initsweep.initializers import Multipliers

INPUTS = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
TARGETS = INPUTS.sum(1, keepdim=True)


def baseline(options):
    return {"validation_loss": 4.0, "test_loss": 4.0}


def network():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))


def loss_of(model):
    return (model(INPUTS) - TARGETS).square().mean()


def epochs_of(run, model, optimizer):
    for epoch in range(run.options.get("epochs", 3)):
        rows = torch.randperm(64)[:48]
        loss = (model(INPUTS[rows]) - TARGETS[rows]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            found = loss_of(model)
        score = 1 - found / 8
        run.report(epoch=epoch, train_loss=loss, validation_loss=found, validation_score=score)


def finish(run, model):
    if run.is_final:
        rows = (model(INPUTS) - TARGETS).square().detach()
        run.report_test(loss=rows.mean(), score=0.5, row_losses=rows, model=model)


def train(run):
    model = run.initialize(network())
    run.example_batch((INPUTS, TARGETS), lambda made, batch: (made - batch[1]).square().mean())
    epochs_of(run, model, run.make_optimizer(model.parameters()))
    finish(run, model)


class SlowReadout(Initializer):
    """Xavier's weights, and factors for the last one."""

    def weight(self, layer, generator):
        return make_initializer("xavier_normal", {}).weight(layer, generator)

    def multipliers(self, network, kind):
        weights = [slot.name for slot in network.slots if slot.name.endswith("weight")]
        return {weights[-1]: Multipliers(rate=0.5 if kind == "sgd" else 0.1, decay=2.0)}


class AllInOne(torch.optim.SGD):
    """An optimizer that goes its own way about groups."""

    def __init__(self, groups, **settings):
        super().__init__([one for group in groups for one in group["params"]], **settings)


SGD = AllInOne


def factors_left_out(run):
    model = run.initialize(network())
    epochs_of(run, model, torch.optim.SGD(model.parameters(), lr=run.learning_rate))
    finish(run, model)


def no_rate(run):
    model = run.initialize(network())
    epochs_of(run, model, torch.optim.SGD(model.parameters(), lr=0.01))
    finish(run, model)


def asked_and_left(run):
    assert run.learning_rate
    no_rate(run)


def no_initialization(run):
    torch.manual_seed(run.seed)
    model = network()
    epochs_of(run, model, torch.optim.SGD(model.parameters(), lr=run.learning_rate))
    finish(run, model)


def no_seed(run):
    model = run.initialize(network())
    for one in model.parameters():
        nn.init.constant_(one, 0.1 * (1 + (run.scheme == "he_normal")))
    torch.manual_seed(0)
    epochs_of(run, model, torch.optim.SGD(model.parameters(), lr=run.learning_rate))


def same_draws(run):
    model = run.initialize(network())
    torch.manual_seed(0)
    epochs_of(run, model, torch.optim.SGD(model.parameters(), lr=run.learning_rate))
    finish(run, model)


def leaves_a_link(run):
    (run.folder / "latest").symlink_to(run.folder.parent, target_is_directory=True)
    train(run)


def dies_beside_a_child(run):
    if not os.fork():
        time.sleep(20)
        os._exit(0)
    os._exit(3)


def unmoved(run):
    model = run.initialize(network())
    with torch.no_grad():
        found = loss_of(model) + run.learning_rate
    for _ in range(3):
        run.report(validation_loss=found)


def undetermined(run):
    model = run.initialize(network())
    torch.manual_seed(time.time_ns() % 2**31)
    epochs_of(run, model, torch.optim.SGD(model.parameters(), lr=run.learning_rate))
    finish(run, model)


def nan_from_the_start(run):
    run.initialize(network())
    run.report(validation_loss=math.nan * run.learning_rate)


def swallows(run):
    """A loop that goes on whatever is raised, as loops with a broad `except` do."""
    run.initialize(network())
    for _ in range(3):
        try:
            run.report(validation_loss=math.inf)
        except BaseException:  # noqa: BLE001
            continue


def reports_nothing(run):
    run.initialize(network())


def skips_an_epoch(run):
    run.report(epoch=0, validation_loss=1.0)
    run.report(epoch=2, validation_loss=1.0)


def uneven(run):
    model = run.initialize(network())
    run.options["epochs"] = 2 + run.seed % 2
    train_with = torch.optim.SGD(model.parameters(), lr=run.learning_rate)
    epochs_of(run, model, train_with)
    finish(run, model)


def raises(run):
    raise ValueError("no data here\nand more of it")


def looks_at_test(run):
    run.report_test(loss=1.0)


def forgets_test(run):
    model = run.initialize(network())
    epochs_of(run, model, torch.optim.SGD(model.parameters(), lr=run.learning_rate))


def reports_text(run):
    run.report(validation_loss="low")


def crashes(run):
    os.kill(os.getpid(), signal.SIGSEGV)


def exits(run):
    os._exit(3)


def leaves(run):
    sys.exit("enough")


def out_of_memory(run):
    raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")


def says_gpus(run):
    raise LookupError(os.environ["CUDA_VISIBLE_DEVICES"])


def no_scores(run):
    model = run.initialize(network())
    run.report(validation_loss=loss_of(model).detach() * run.learning_rate)


def hangs(run):
    run.report(validation_loss=1.0)
    time.sleep(600)


def forks(run):
    child = os.fork()
    if not child:
        (run.folder.parent / f"child-{os.getpid()}").touch()
        time.sleep(600)
    train(run)


def prints(run):
    for _ in range(3000):
        print("x" * 1000)  # noqa: T201
    train(run)


def fails_at_seed_1(run):
    if run.seed % 10 == 1:
        raise RuntimeError("disk full")
    train(run)


def writes_beside(run):
    Path("stray.txt").write_text("mine")
    train(run)


AS_THE_ENGINE = {"depth": 1, "width": 16, "activation": "relu", "norm": "none", "residual": False}


class _DecidesByItsRows(nn.Sequential):
    def forward(self, rows):
        return super().forward(rows if rows.sum() > 0 else 2 * rows)


def decides_by_its_rows(run):
    as_the_engine(run, wrapped=_DecidesByItsRows)


def hands_over_nothing(run):
    as_the_engine(run, hands_over=False)


def as_the_engine(run, wrapped=lambda model: model, *, hands_over=True):
    """The engine's own training, written as a plain loop."""
    from initsweep.architectures import build_model

    model = wrapped(build_model("mlp", AS_THE_ENGINE, n_features=13, n_outputs=3))
    model = run.initialize(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=run.learning_rate, momentum=0.9)
    cross_entropy, rows = nn.functional.cross_entropy, run.data.train
    (features, targets), (held, wanted) = rows, run.data.validation

    def worth(x, y):
        with torch.no_grad():
            made = model(x)
        return cross_entropy(made, y), (made.argmax(1) == y).float().mean()

    loss, score = worth(held, wanted)
    run.report_start(validation_loss=loss, validation_score=score)
    for epoch in range(3):
        order, losses = batch_order(run.seed, epoch, len(targets)), []
        for batch in order[: len(order) // 32 * 32].split(32):
            loss = cross_entropy(model(features[batch]), targets[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        loss, score = worth(held, wanted)
        run.report(
            train_loss=sum(losses) / len(losses), validation_loss=loss, validation_score=score
        )
    if run.is_final:
        loss, score = worth(*run.data.test)
        run.report_test(loss=loss, score=score, model=model if hands_over else None)


def resumes(run):
    """Keeps its state after each epoch, and is killed once in the middle."""
    model = run.initialize(network())
    optimizer = torch.optim.SGD(model.parameters(), lr=run.learning_rate, momentum=0.9)
    first, kept = 0, run.resume()
    if kept is not None:
        model.load_state_dict(kept["model"])
        optimizer.load_state_dict(kept["optimizer"])
        first = kept["epoch"] + 1
    for epoch in range(first, 4):
        rows = torch.randperm(64)[:32]
        loss = (model(INPUTS[rows]) - TARGETS[rows]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            run.report(epoch=epoch, train_loss=loss, validation_loss=loss_of(model))
        run.checkpoint(model=model.state_dict(), optimizer=optimizer.state_dict(), epoch=epoch)
        if epoch == 1 and run.options.get("killed") and kept is None:
            os.kill(os.getpid(), signal.SIGKILL)
