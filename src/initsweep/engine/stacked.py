"""Many networks of one shape, trained together along a leading lane axis.

The forward pass of one network is mapped over stacked parameters by `torch.func.vmap`. As lanes
share nothing, one ordinary backward pass of the *sum* of their losses gives every lane exactly
its own gradient.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError

import torch
from torch import Tensor
from torch.func import functional_call, vmap

from initsweep.engine.history import History
from initsweep.engine.lanes import FloatArray, Lane, LaneResults, Problem
from initsweep.engine.optimizers import STACKED_OPTIMIZERS, clip_gradients
from initsweep.engine.packing import ALIGNMENT
from initsweep.engine.schedules import rate_factor
from initsweep.params import Optimizer, Training
from initsweep.randomness import batch_order

EVALUATION_EXAMPLES = 1024
"""Examples evaluated at once: bounds memory on large validation sets."""


class Stack:
    """The networks of some lanes: parameters of shape (lanes, ...), and their gradients."""

    def __init__(
        self, problem: Problem, states: Sequence[Mapping[str, Tensor]], device: torch.device
    ) -> None:
        """Copy the template and stack the lanes' initial states.

        Args:
            problem: Its model and loss are used.
            states: All parameters by name, one mapping per lane.
            device: Where everything lives.
        """
        self._model = copy.deepcopy(problem.model).to(device)
        self._loss = problem.loss
        self.lanes = len(states)
        self.parameters: dict[str, Tensor] = {}
        self.constants: dict[str, Tensor] = {}
        for name, parameter in self._model.named_parameters():
            stacked = torch.stack([state[name] for state in states]).to(device)
            if parameter.requires_grad:
                self.parameters[name] = stacked.requires_grad_()
            else:
                self.constants[name] = stacked
        for name, buffer in self._model.named_buffers():
            self.constants[name] = torch.stack([buffer] * self.lanes)

    def losses_and_gradients(
        self, features: Tensor, targets: Tensor
    ) -> tuple[Tensor, Sequence[Tensor]]:
        """Return each lane's training loss and its gradient; running statistics move on.

        Args:
            features: Shape (lanes, batch, ...).
            targets: Shape (lanes, batch).

        Returns:
            Losses (lanes,), and one gradient per entry of `parameters`, of its shape.
        """
        self._model.train()
        losses = self._loss(self._outputs(features), targets)
        gradients = torch.autograd.grad(
            losses.sum(),
            tuple(self.parameters.values()),
            allow_unused=True,
            materialize_grads=True,
        )
        return losses.detach(), gradients

    @torch.no_grad()
    def predict(self, features: Tensor) -> Tensor:
        """Return outputs in evaluation mode, shape (lanes, n, n_outputs), for features (n, ...)."""
        self._model.eval()
        n = len(features)
        # Whole vector registers for every lane: see `packing.spare_slots`.
        padding = features[:1].expand(-n % ALIGNMENT, *features.shape[1:])
        whole, size = torch.cat([features, padding]), EVALUATION_EXAMPLES
        parts = [whole[start : start + size] for start in range(0, len(whole), size)]
        # A copy per lane, as one shared input would fold the lanes into a single matrix product.
        outputs = [self._outputs(part.expand(self.lanes, *part.shape)) for part in parts]
        return torch.cat(outputs, dim=1)[:, :n]

    def states(self) -> list[dict[str, Tensor]]:
        """Return each lane's parameters and buffers on the CPU."""
        everything = {**self.parameters, **self.constants}
        columns = {name: value.detach().cpu() for name, value in everything.items()}
        return [
            {name: column[lane].clone() for name, column in columns.items()}
            for lane in range(self.lanes)
        ]

    def _outputs(self, features: Tensor) -> Tensor:
        outputs: Tensor = vmap(self._call)(self.parameters, self.constants, features)
        return outputs

    def _call(
        self, parameters: dict[str, Tensor], constants: dict[str, Tensor], features: Tensor
    ) -> Tensor:
        outputs: Tensor = functional_call(self._model, (parameters, constants), (features,))
        return outputs


class ChunkTrainer:
    """Trains the lanes of one chunk from start to end."""

    def __init__(
        self,
        problem: Problem,
        lanes: Sequence[Lane],
        states: Mapping[int, Mapping[str, Tensor]],
        training: Training,
        optimizer: Optimizer,
    ) -> None:
        """Set up the stack.

        Args:
            problem: With its data on the device to train on.
            lanes: All slots of the stack, padding included.
            states: Initial parameters of each seed among `lanes`.
            training: Length, batches, schedule and clipping.
            optimizer: The optimizer's settings.
        """
        self._problem, self._lanes, self._training = problem, lanes, training
        self._device = problem.train.features.device
        self._stack = Stack(problem, [states[lane.seed] for lane in lanes], self._device)
        self._optimizer = STACKED_OPTIMIZERS[optimizer.name](
            list(self._stack.parameters.values()), optimizer
        )
        rates = [lane.learning_rate for lane in lanes]
        self._rates = torch.tensor(rates, dtype=torch.float64, device=self._device)
        self._steps_per_epoch = len(problem.train.targets) // training.batch_size

    def train(self, n_real: int, *, keep_states: bool, stopped: Callable[[], bool]) -> LaneResults:
        """Train until the end, or until all lanes that count have diverged.

        Args:
            n_real: How many lanes count; the rest is padding.
            keep_states: Whether to return final parameters and buffers.
            stopped: Asked before each step; if it says True, CancelledError is raised.

        Returns:
            Results of the first `n_real` lanes.
        """
        history = History(n_real, self._training.epochs, self._problem.constant_loss)
        history.start(*self._evaluate())
        for epoch in range(self._training.epochs):
            # A frozen lane stays in the stack, so that the others' arithmetic does not change.
            self._rates[:n_real][torch.from_numpy(~history.alive).to(self._device)] = 0.0
            if not history.alive.any():
                break
            batch_losses = self._train_epoch(epoch, stopped)
            history.add_epoch(epoch, batch_losses, *self._evaluate())
        return history.results(self._stack.states() if keep_states else None)

    def _train_epoch(self, epoch: int, stopped: Callable[[], bool]) -> FloatArray:
        """Return the losses of all batches, shape (lanes, steps_per_epoch).

        Raises:
            CancelledError: If `stopped()` became true.
        """
        size, steps = self._training.batch_size, self._steps_per_epoch
        order, train = self._batch_orders(epoch), self._problem.train
        losses = []
        for step in range(steps):
            if stopped():
                raise CancelledError
            rows = order[:, step * size : (step + 1) * size]
            batch_losses, gradients = self._stack.losses_and_gradients(
                take(train.features, rows), take(train.targets, rows)
            )
            if self._training.gradient_clip is not None:
                gradients = clip_gradients(gradients, self._training.gradient_clip)
            now, total = epoch * steps + step, self._training.epochs * steps
            self._optimizer.step(gradients, self._rates * rate_factor(self._training, now, total))
            losses.append(batch_losses)
        return to_numpy(torch.stack(losses, dim=1))

    def _batch_orders(self, epoch: int) -> Tensor:
        """Return the order of the training examples for each lane, shape (lanes, n)."""
        n = len(self._problem.train.targets)
        orders = {seed: batch_order(seed, epoch, n) for seed in {x.seed for x in self._lanes}}
        return torch.stack([orders[lane.seed] for lane in self._lanes]).to(self._device)

    def _evaluate(self) -> tuple[FloatArray, FloatArray]:
        """Return validation loss and score of each lane, each of shape (lanes,)."""
        validation = self._problem.validation
        outputs = self._stack.predict(validation.features)
        return (
            to_numpy(self._problem.loss(outputs, validation.targets)),
            to_numpy(self._problem.score(outputs, validation.targets)),
        )


def take(values: Tensor, rows: Tensor) -> Tensor:
    """Return the rows (lanes, batch) of values (n, ...): shape (lanes, batch, ...)."""
    return values.index_select(0, rows.reshape(-1)).view(*rows.shape, *values.shape[1:])


def to_numpy(values: Tensor) -> FloatArray:
    """Return the values as float64 on the CPU."""
    array: FloatArray = values.detach().to("cpu", torch.float64).numpy()
    return array
