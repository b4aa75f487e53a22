"""For scripts whose core is `Trainer(...).fit(module, data)` of Lightning.

    from initsweep.adapters.lightning import SweepCallback, report_test

    def train(run):
        module, data = Net(), Images()
        trainer = Trainer(max_epochs=5, default_root_dir=run.folder,
                          callbacks=[SweepCallback(run, "val_loss", "val_acc")])
        trainer.fit(module, data)
        report_test(run, trainer, module, data, "test_loss", "test_acc")

Whatever Lightning writes goes into `default_root_dir`. When a run is over, `RunOver` leaves `fit`
through Lightning's own cleaning up; let it pass.
"""

import math
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from initsweep.adapters.named import named
from initsweep.adapters.rates import set_rate
from initsweep.core.errors import RunError, require, shown

if TYPE_CHECKING or find_spec("lightning") is not None or find_spec("pytorch_lightning") is None:
    require("lightning", extra="lightning")
    from lightning.pytorch import Callback, LightningModule, Trainer
else:  # the same under its older name
    from pytorch_lightning import Callback, LightningModule, Trainer

if TYPE_CHECKING:
    from initsweep.loops.training_run import TrainingRun

_FITTING = "fit"
_LOG_IT = "Write `self.log({name!r}, ...)` in the module's {step}."


class SweepCallback(Callback):
    """Makes a run of a study of what a trainer fits.

    - At setup the module is filled under the scheme, once; before optimizers are configured and
      before a checkpoint is restored. What the module builds later, in `configure_model`, is
      filled when fitting starts. Generators are seeded by the run, whatever was seeded before.
    - Where nobody has read `run.learning_rate` until fitting starts, the rates of the optimizer
      and its schedulers are multiplied so that the rate the optimizer was made with becomes the
      run's; groups, and several optimizers, keep their ratios. Whoever reads it sets it:
      `lr=run.learning_rate` in `configure_optimizers` is left as it is, and needed where a
      schedule of one's own holds rates.
    - At the end of each validation (not of the sanity check) a report is made. Its training loss
      is the mean of what `training_step` returned since the last one.

    Args:
        run: The run.
        validation_loss: The name under which the module logs its validation loss.
        validation_score: The same of a score, of which more is better.
        example_loss: Outputs of the module and a batch to the batch's loss. If it is given, the
            untrained network is looked at with the first batch.
    """

    def __init__(
        self,
        run: "TrainingRun",
        validation_loss: str = "val_loss",
        validation_score: str | None = None,
        *,
        example_loss: Callable[[Any, Any], Tensor] | None = None,
    ) -> None:
        super().__init__()
        self._run, self._example_loss = run, example_loss
        self._names = {"validation_loss": validation_loss, "validation_score": validation_score}
        self._filled: set[str] = set()
        self._losses: list[Tensor] = []

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Fill the module and seed the generators.

        Raises:
            RunError: If the trainer writes elsewhere than it may, or takes several processes.
        """
        if stage != _FITTING:
            return
        _check(trainer, self._run.folder)
        module: nn.Module = pl_module
        if self._run.initialized is None:
            self._run.initialize(module)
            self._filled = {name for name, _ in pl_module.named_parameters()}
        self._run.seed_everything()

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Fill what was built meanwhile, and set the rate."""
        module: nn.Module = pl_module
        names = {name for name, _ in module.named_parameters()}
        if self._run.initialized is module and names > self._filled and not trainer.ckpt_path:
            self._run.initialize(module)
            self._filled = names
        if not self._run.asked_rate:
            schedulers = [one.scheduler for one in trainer.lr_scheduler_configs]
            set_rate(trainer.optimizers, schedulers, self._run.learning_rate)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Offer a batch, if the untrained network is what is asked for."""
        if self._run.is_looked_at and self._example_loss is not None:
            loader = trainer.train_dataloader
            self._run.example_batch(next(iter(loader)), self._example_loss)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,  # noqa: ARG002 - as Lightning calls it
        outputs: Any,  # noqa: ANN401 - of any training_step
        batch: object,  # noqa: ARG002
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """Remember the loss of a batch, of which Lightning hands over the part of a whole step."""
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if isinstance(loss, Tensor):
            self._losses.append(loss.detach() * trainer.accumulate_grad_batches)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Report, or say what the untrained network is worth where the sanity check is whole."""
        if trainer.state.fn != _FITTING:
            return
        if trainer.sanity_checking:
            if trainer.num_sanity_val_steps == math.inf and not self._run.reports:
                self._run.report_start(**self._found(trainer))
            return
        losses, self._losses = self._losses, []
        mean = sum(losses) / len(losses) if losses else None
        self._run.report(train_loss=mean, **self._found(trainer))

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Refuse a training without any validation.

        Raises:
            RunError: Saying what to do.
        """
        if not self._run.reports:
            raise RunError(
                "Trainer.fit: there was no validation to report. Give it validation data, and "
                "`validation_step` to the module."
            )

    def _found(self, trainer: Trainer) -> dict[str, Any]:
        logged = trainer.callback_metrics
        return {
            argument: named(
                logged, name, argument, _LOG_IT.format(name=name, step="validation_step")
            )
            for argument, name in self._names.items()
        }


def report_test(
    run: "TrainingRun",
    trainer: Trainer,
    module: LightningModule,
    data: object,
    loss: str = "test_loss",
    score: str | None = None,
) -> None:
    """Test a trained module and report it, in a final run; do nothing in any other.

    Args:
        run: The run.
        trainer: The trainer that has fitted the module.
        module: The module.
        data: A datamodule, or loaders of test data.
        loss: The name under which the module logs its test loss.
        score: The same of a score.

    Raises:
        RunError: If the module logs no such numbers.
    """
    if not run.is_final:
        return
    trainer.test(module, data, verbose=False)
    found = trainer.callback_metrics
    values = {
        argument: named(found, name, argument, _LOG_IT.format(name=name, step="test_step"))
        for argument, name in {"loss": loss, "score": score}.items()
    }
    run.report_test(loss=values["loss"], score=values["score"], model=module)


def _check(trainer: Trainer, folder: Path) -> None:
    if trainer.world_size > 1:
        raise RunError(
            f"Trainer: it takes {trainer.world_size} processes, but a run is one. Write "
            "`Trainer(devices=1)`; the study trains several networks at the same time itself."
        )
    writes = trainer.loggers or trainer.checkpoint_callbacks
    place = Path(trainer.default_root_dir)
    if writes and not place.resolve().is_relative_to(folder.resolve()):
        raise RunError(
            f"Trainer: its files would go to {shown(str(place))}, where runs would overwrite each "
            "other's. Write `Trainer(default_root_dir=run.folder)`."
        )
