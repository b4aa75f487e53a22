"""Trains the networks of one stack from start to end."""

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError

import numpy as np
import torch
from torch import Tensor

from initsweep.core.randomness import batch_order
from initsweep.engine.history import History
from initsweep.engine.lanes import FloatArray, Lane, LaneResults
from initsweep.engine.optimizer_groups import OptimizerGroups
from initsweep.engine.optimizers import clip_gradients
from initsweep.engine.paths import Job
from initsweep.engine.stack import Stack, take
from initsweep.engine.stacked import to_numpy
from initsweep.engine.unfinished import Arrays, State, from_bytes, to_bytes

Repack = Callable[[Sequence[int]], Sequence[int]]
"""From the lanes still alive to what the slots of a smaller stack hold: these, then copies."""


class ChunkTrainer:
    """The lanes of one chunk, each in a slot of a stack; slots at the end may hold copies."""

    def __init__(
        self,
        job: Job,
        lanes: Sequence[Lane],
        slots: Sequence[int],
        stack: Stack,
        optimizer: OptimizerGroups,
        repack: Repack | None,
        state: State,
    ) -> None:
        """Set up.

        Args:
            job: What the lanes share.
            lanes: The lanes that count.
            slots: For each slot of the stack which of `lanes` it holds, the copies last.
            stack: The networks, one per slot.
            optimizer: Over the stack's blocks.
            repack: How to close ranks when lanes have diverged. None if another size of the
                stack would change bits: then they stay in their slots, at rate 0.
            state: Where the training is kept while it runs.
        """
        self._job, self._problem, self._training = job, job.problem, job.training
        self._lanes, self._slots = lanes, list(slots)
        self._stack, self._optimizer, self._repack = stack, optimizer, repack
        self._state = state
        self._set_rates(np.ones(len(lanes), dtype=bool))

    def train(self, *, keep_states: bool, stopped: Callable[[], bool]) -> LaneResults:
        """Train until the end, or until all lanes have diverged.

        Args:
            keep_states: Whether to return final parameters and buffers.
            stopped: Asked before each step; if it says True, CancelledError is raised.

        Returns:
            Results of the lanes that count.
        """
        history = History(len(self._lanes), self._training.epochs, self._problem.constant_loss)
        begun = 0
        if self._state.found:
            begun = self._restore(self._state.found, history)
        else:
            history.start(*self._evaluate())
        for epoch in range(begun, self._training.epochs):
            self._retire(history.alive)
            if not history.alive.any():
                break
            batch_losses = self._train_epoch(epoch, stopped)
            losses, scores = self._evaluate()
            history.add_epochs(epoch, batch_losses[:, None], losses[:, None], scores[:, None])
            if self._state.due:
                self._state.keep(self._captured(epoch + 1, history))
        return history.results(self._states() if keep_states else None)

    def _retire(self, alive: np.ndarray) -> None:
        """Make lanes that are not alive cost nothing, or at least change no more."""
        remaining = [lane for lane in dict.fromkeys(self._slots) if alive[lane]]
        if len(remaining) == len(set(self._slots)) or not remaining:
            return
        if self._repack is not None:
            self._keep(self._repack(remaining))
        self._set_rates(alive)

    def _keep(self, slots: Sequence[int]) -> None:
        """Go on with these lanes, of which each has a slot."""
        kept = torch.tensor([self._slots.index(lane) for lane in slots], device=self._job.device)
        self._stack, self._slots = self._stack.keep(kept), list(slots)
        self._optimizer.keep(kept, self._stack.blocks)

    def _captured(self, epochs: int, history: History) -> dict[str, np.ndarray]:
        """Return all that the rest of the training depends on, as arrays."""
        generators = [generator.get_state() for generator in self._stack.generators]
        return {
            **history.captured(),
            **to_bytes("stack", self._stack.memory()),
            **to_bytes("optimizer", self._optimizer.memory()),
            **to_bytes("generators", generators),
            "slots": np.array(self._slots),
            "counts": np.array([epochs, self._optimizer.steps]),
        }

    def _restore(self, arrays: Arrays, history: History) -> int:
        """Put the training back to where it was.

        Returns:
            The epochs that it has behind it.
        """
        history.restore(arrays)
        if (slots := arrays["slots"].tolist()) != self._slots:
            self._keep(slots)
        self._set_rates(history.alive)
        from_bytes("stack", arrays, self._stack.memory())
        from_bytes("optimizer", arrays, self._optimizer.memory())
        drawn = [generator.get_state() for generator in self._stack.generators]
        from_bytes("generators", arrays, drawn)
        for generator, kept in zip(self._stack.generators, drawn, strict=True):
            generator.set_state(kept)
        epochs, self._optimizer.steps = arrays["counts"].tolist()
        return int(epochs)

    def _set_rates(self, alive: np.ndarray) -> None:
        rates = [self._lanes[lane].learning_rate * bool(alive[lane]) for lane in self._slots]
        self._rates = torch.tensor(rates, dtype=torch.float64, device=self._job.device)

    def _train_epoch(self, epoch: int, stopped: Callable[[], bool]) -> FloatArray:
        """Return the losses of all batches, shape (lanes, steps_per_epoch).

        Raises:
            CancelledError: If `stopped()` became true.
        """
        size, order, train = (
            self._training.batch_size,
            self._batch_orders(epoch),
            self._problem.train,
        )
        losses = []
        for step, factor in enumerate(self._job.rate_factors[epoch]):
            if stopped():
                raise CancelledError
            rows = order[:, step * size : (step + 1) * size]
            batch_losses, gradients = self._stack.losses_and_gradients(
                train.features, train.targets, rows
            )
            if self._training.gradient_clip is not None:
                gradients = clip_gradients(gradients, self._training.gradient_clip)
            self._optimizer.step(gradients, self._rates * float(factor))
            losses.append(batch_losses)
        return self._by_lane(torch.stack(losses, dim=1))

    def _batch_orders(self, epoch: int) -> Tensor:
        """Return the order of the training examples for each slot, shape (slots, n)."""
        train, seeds = self._problem.train, self._seeds
        orders = {
            seed: train.first(seed) + batch_order(seed, epoch, train.n) for seed in set(seeds)
        }
        return torch.stack([orders[seed] for seed in seeds]).to(self._job.device)

    @property
    def _seeds(self) -> list[int]:
        return [self._lanes[lane].seed for lane in self._slots]

    def _evaluate(self) -> tuple[FloatArray, FloatArray]:
        """Return validation loss and score of each lane, each of shape (lanes,)."""
        examples = self._problem.validation
        rows = examples.rows(self._seeds)
        with self._optimizer.averaged():
            outputs = self._stack.predict(examples.features, rows)
        losses, scores = self._problem.worth(outputs, take(examples.targets, rows))
        return self._by_lane(losses), self._by_lane(scores)

    def _by_lane(self, values: Tensor) -> FloatArray:
        """Return values (slots, ...) as (lanes, ...) on the CPU, NaN for lanes without a slot."""
        array = to_numpy(values)
        whole = np.full((len(self._lanes), *array.shape[1:]), np.nan)
        # Backwards, so that a lane's own slot comes after the copies.
        whole[self._slots[::-1]] = array[::-1]
        return whole

    def _states(self) -> list[dict[str, Tensor]]:
        """Return final parameters and buffers of each lane, nothing for those without a slot."""
        states: list[dict[str, Tensor]] = [{} for _ in self._lanes]
        with self._optimizer.averaged():
            every = self._stack.states()
        for lane, state in reversed(list(zip(self._slots, every, strict=True))):
            states[lane] = state
        return states
