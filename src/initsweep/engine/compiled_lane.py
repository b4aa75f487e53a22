"""One lane of the compiled path, from start to end."""

from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError

import numpy as np
import torch
from torch import Tensor

from initsweep.engine.history import History
from initsweep.engine.kernels.kernel_trainer import Trainer
from initsweep.engine.lanes import Lane, LaneResults, divergence_limit
from initsweep.engine.paths import Job
from initsweep.engine.stacked import to_numpy
from initsweep.engine.unfinished import State, from_bytes, to_bytes

KEPT_OUTPUTS = 16 * 1024 * 1024
"""Bytes of validation outputs to gather before their losses are computed, all at once."""

Orders = Callable[[int, int], Tensor]
"""Seed and epoch to the order of the training examples, int64."""


class LaneTraining:
    """One lane from start to end.

    What the validation outputs are worth is computed for many epochs at once, by the functions
    that every path uses.
    """

    def __init__(
        self,
        job: Job,
        trainer: Trainer,
        lane: Lane,
        orders: Orders,
        pause: int,
        state: State,
    ) -> None:
        """Prepare one lane.

        Args:
            job: What it shares with others.
            trainer: To itself until `run` returns.
            lane: Its learning rate and seed.
            orders: Seed and epoch to the order of examples.
            pause: Examples to predict, or three times as many as to train on, between two looks
                at whether to stop.
            state: Where it is kept while it runs.
        """
        self._job, self._trainer, self._lane, self._orders = job, trainer, lane, orders
        self._rows, self._kept = pause, state
        self._steps = max(1, pause // (3 * job.training.batch_size))
        self._state = job.problem.initial_state(lane.seed)
        self._train, self._held_out = (
            split.of(lane.seed) for split in (job.problem.train, job.problem.validation)
        )
        epochs, rows = job.training.epochs, self._held_out.n
        kept = KEPT_OUTPUTS // max(1, 4 * rows * trainer.n_outputs)
        self._outputs = torch.empty(max(1, min(epochs, kept)), rows, trainer.n_outputs)
        self._batch_losses = np.full((epochs, job.steps_per_epoch), np.nan)
        self._validation = np.full((2, epochs + 1), np.nan)  # losses, scores

    def run(self, stopped: Callable[[], bool]) -> LaneResults:
        """Return the lane's results, with a lane axis of length 1.

        Raises:
            CancelledError: If `stopped()` became true.
        """
        problem, epochs = self._job.problem, self._job.training.epochs
        model = problem.model
        template = {**dict(model.named_parameters()), **dict(model.named_buffers()), **self._state}
        done, waiting = self._begin(template, stopped), 0
        history = History(1, epochs, problem.constant_loss)
        history.start(*self._validation[:, :1])
        limit = divergence_limit(float(self._validation[0, 0]), problem.constant_loss)
        alive = bool(history.alive[0])
        while alive and done < epochs:
            alive = self._train_epoch(done, limit, stopped)
            if alive:
                self._predict(waiting, stopped)
                done, waiting = done + 1, waiting + 1
            keep = alive and self._kept.due
            if waiting and (not alive or done == epochs or waiting == len(self._outputs) or keep):
                self._measure(done - waiting + 1, waiting)
                waiting = 0
            if keep:
                self._keep(template, done)
        history.add_epochs(0, self._batch_losses[None], *self._validation[:, None, 1:])
        if not self._job.keep_states:
            return history.results(None)
        return history.results([self._trainer.state(template, batches=self._batch_losses.size)])

    def _begin(self, template: Mapping[str, Tensor], stopped: Callable[[], bool]) -> int:
        """Start the network, from its initial weights or from where it was kept.

        Returns:
            The epochs that it has behind it.
        """
        found = self._kept.found
        if not found:
            self._trainer.start(template)
            self._predict(0, stopped)
            self._measure(0, 1)
            return 0
        state = {name: value.detach().clone() for name, value in template.items()}
        from_bytes("model", found, state.values())
        self._trainer.start(state)
        epochs, steps = found["counts"].tolist()
        self._trainer.remember(steps, found["averages"])
        self._batch_losses[:], self._validation[:] = found["batch_losses"], found["validation"]
        return int(epochs)

    def _keep(self, template: Mapping[str, Tensor], epochs: int) -> None:
        """Keep all that the rest of the training depends on, after some epochs."""
        steps, averages = self._trainer.memory()
        self._kept.keep(
            {
                **to_bytes("model", self._trainer.state(template, batches=0).values()),
                "averages": averages,
                "counts": np.array([epochs, steps]),
                "batch_losses": self._batch_losses,
                "validation": self._validation,
            }
        )

    def _train_epoch(self, epoch: int, limit: float, stopped: Callable[[], bool]) -> bool:
        """Train for one epoch; batches not reached keep a loss of NaN.

        Returns:
            Whether no loss was above the limit.

        Raises:
            CancelledError: If `stopped()` became true.
        """
        train, losses = self._train, self._batch_losses[epoch]
        rates = self._lane.learning_rate * self._job.rate_factors[epoch]
        order, size = self._orders(self._lane.seed, epoch), self._job.training.batch_size
        for first in range(0, len(rates), self._steps):
            if stopped():
                raise CancelledError
            part = rates[first : first + self._steps]
            seen = self._trainer.train(
                train.features, train.targets, order[first * size :], part, limit
            )
            losses[first : first + len(seen)] = seen
            if not seen[-1] <= limit:
                return False
        return True

    def _predict(self, slot: int, stopped: Callable[[], bool]) -> None:
        """Write the validation outputs of now.

        Raises:
            CancelledError: If `stopped()` became true.
        """
        features = self._held_out.features
        for first in range(0, len(features), self._rows):
            if stopped():
                raise CancelledError
            rows = slice(first, first + self._rows)
            self._trainer.predict(features[rows], self._outputs[slot, rows])

    def _measure(self, first: int, count: int) -> None:
        """Write loss and score of the outputs that wait, from entry `first` on."""
        worth = self._job.problem.worth(self._outputs[:count], self._held_out.targets)
        for row, values in zip(self._validation, worth, strict=True):
            row[first : first + count] = to_numpy(values)
