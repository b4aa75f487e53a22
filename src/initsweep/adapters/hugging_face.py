"""For scripts whose core is the `Trainer` of Hugging Face's transformers.

    from initsweep.adapters.hugging_face import SweepCallback, arguments, report_test

    def train(run):
        trainer = Trainer(model, arguments(run, num_train_epochs=3), train_dataset=...,
                          eval_dataset=..., callbacks=[SweepCallback(run)])
        trainer.train()
        report_test(run, trainer, test_dataset)

The callback does without `arguments` where a script's own `TrainingArguments` evaluate every epoch.
When a run is over, `RunOver` leaves `trainer.train()`; let it pass.
"""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from initsweep.adapters.named import named
from initsweep.adapters.rates import set_rate
from initsweep.core.errors import RunError, require
from initsweep.graph.forms import own_loss

require("transformers", "accelerate", extra="hugging-face")
from transformers import (  # noqa: E402 - what is missing is said before
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

if TYPE_CHECKING:
    from initsweep.loops.training_run import TrainingRun

_COMPUTE_IT = "A score comes from `Trainer(compute_metrics=...)`, its name then begins with {!r}."


def arguments(run: "TrainingRun", **settings: Any) -> TrainingArguments:  # noqa: ANN401 - of any kind
    """Return training arguments for a run.

    Args:
        run: Its folder, learning rate and seed come before what `settings` say of them.
        settings: As for `TrainingArguments`. Of the rest, what a study is better off with is set
            where they do not say otherwise: an evaluation and a training loss every epoch, no
            checkpoints, no progress bars, no reports to other services.
    """
    defaults = {
        "eval_strategy": "epoch",
        "logging_strategy": "epoch",
        "logging_nan_inf_filter": False,  # it would hide a divergence
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": run.device.type == "cpu",
    }
    of_run = {
        "output_dir": str(run.folder),
        "learning_rate": run.learning_rate,
        "seed": run.seed,
    }
    return TrainingArguments(**{**defaults, **settings, **of_run})


class SweepCallback(TrainerCallback):
    """Makes a run of a study of what a trainer trains.

    - When the trainer is made, its model is filled under the scheme; before any optimizer is made
      or checkpoint loaded. A model that `model_init` makes is filled when training begins.
    - The arguments' seed and `output_dir` become those of the run, and the generators are seeded
      by it.
    - Where nobody has read `run.learning_rate` until training begins (`arguments` does), the rates
      of the optimizer and its schedule are multiplied so that the rate the optimizer was made with
      becomes the run's; groups keep their ratios.
    - Each evaluation while it trains is reported; one before the first step (`eval_on_start`) is
      what the untrained network is worth. The training loss is the mean of what was logged since
      the last one.
    - The untrained network is looked at with the first batch, if it returns its own loss.

    Args:
        run: The run.
        validation_loss: The name of the loss in the metrics of an evaluation.
        validation_score: The same of a score, of which more is better.
    """

    def __init__(
        self,
        run: "TrainingRun",
        validation_loss: str = "eval_loss",
        validation_score: str | None = None,
    ) -> None:
        super().__init__()
        self._run, self._loss, self._score = run, validation_loss, validation_score
        self._seen: dict[str, object] = {}
        self._made = self._training = False
        self._logged, self._steps, self._total = 0, 0, 0.0

    def on_init_end(
        self,
        args: TrainingArguments,
        state: TrainerState,  # noqa: ARG002 - as the trainer calls it
        control: TrainerControl,  # noqa: ARG002
        model: nn.Module | None = None,
        **_: object,
    ) -> None:
        """Fill the model and seed the generators."""
        self._made = True
        args.seed, args.output_dir, before = self._run.seed, str(self._run.folder), args.output_dir
        with suppress(OSError):  # the trainer has made it; it stays where anything lies in it
            if before and not self._run.folder.samefile(before):
                Path(before).rmdir()
        if model is not None and self._run.initialized is None:
            self._run.initialize(model)
        self._run.seed_everything()

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        *,
        model: nn.Module,
        optimizer: Optimizer,
        lr_scheduler: object,
        train_dataloader: "DataLoader[Any]",
        **_: object,
    ) -> None:
        """Fill a model that was made since, set the rate, and offer a batch.

        Raises:
            RunError: If the callback came too late, or if there are several processes.
        """
        if not self._made:
            raise RunError(
                "SweepCallback: it has to be there when the trainer is made, which seeds by it. "
                "Write `Trainer(..., callbacks=[SweepCallback(run)])`."
            )
        if args.world_size > 1:
            raise RunError(f"Trainer: it takes {args.world_size} processes, but a run is one.")
        is_new = all(one is not self._run.initialized for one in model.modules())
        if is_new and not state.global_step:
            self._run.initialize(model)
        if not self._run.asked_rate:
            set_rate([optimizer], [lr_scheduler], self._run.learning_rate)
        if self._run.is_looked_at:
            self._run.example_batch(next(iter(train_dataloader)), _own_loss)
        self._training, self._logged = True, state.global_step

    def on_log(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        logs: dict[str, Any] | None = None,
        **_: object,
    ) -> None:
        """Remember a logged loss, which is the mean of the steps since the last one."""
        if self._training and logs and "loss" in logs:
            steps = state.global_step - self._logged
            self._total += logs["loss"] * steps
            self._logged, self._steps = state.global_step, self._steps + steps

    def on_evaluate(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        metrics: dict[str, Any] | None = None,
        **_: object,
    ) -> None:
        """Report an evaluation, if it is the one that has the loss and if training goes on."""
        self._seen.update(metrics or {})
        if not self._training or metrics is None or self._loss not in metrics:
            return
        remedy = _COMPUTE_IT.format("eval_")
        score = named(metrics, self._score, "validation_score", remedy)
        found: dict[str, Any] = {"validation_loss": metrics[self._loss], "validation_score": score}
        if not state.global_step:
            self._run.report_start(**found)
            return
        mean = self._total / self._steps if self._steps else None
        self._steps, self._total = 0, 0.0
        self._run.report(train_loss=mean, **found)

    def on_train_end(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,  # noqa: ARG002
        control: TrainerControl,  # noqa: ARG002
        **_: object,
    ) -> None:
        """Refuse a training without any evaluation."""
        self._training = False
        if not self._run.reports:
            remedy = "Trainings are evaluated with `eval_strategy='epoch'` and an `eval_dataset`."
            named(self._seen, self._loss, "validation_loss", remedy)


def _own_loss(outputs: object, _: object) -> Any:  # noqa: ANN401 - a tensor
    """Return the loss that the network has computed itself.

    Raises:
        RunError: If it has none.
    """
    if (found := own_loss(outputs)) is None:
        raise RunError("the network returns no `loss` of its own, so it cannot be looked at.")
    return found


def report_test(
    run: "TrainingRun",
    trainer: Trainer,
    data: object,
    loss: str = "test_loss",
    score: str | None = None,
) -> None:
    """Evaluate a trained model on test data and report it, in a final run; else do nothing.

    Args:
        run: The run.
        trainer: The trainer that has trained the model.
        data: The test data, as for `Trainer.evaluate`.
        loss: The name of the loss; those of all metrics begin with "test_" here.
        score: The same of a score.

    Raises:
        RunError: If there are no such numbers.
    """
    if not run.is_final:
        return
    found = trainer.evaluate(data, metric_key_prefix="test")
    remedy = _COMPUTE_IT.format("test_")
    run.report_test(
        loss=named(found, loss, "loss", remedy),
        score=named(found, score, "score", remedy),
        model=trainer.model,
    )
