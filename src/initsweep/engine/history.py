"""Records the losses of stacked lanes, and finds out which of them have diverged."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from torch import Tensor

from initsweep.engine.lanes import (
    COLUMNS,
    FloatArray,
    IntArray,
    LaneResults,
    divergence_limit,
    empty_results,
)

RETIRED = -1
"""In place of where a lane blew up: it had done so before."""


class History:
    """What has been measured of the lanes of one chunk so far."""

    def __init__(self, n_lanes: int, epochs: int, constant_loss: float) -> None:
        self.alive: npt.NDArray[np.bool_] = np.ones(n_lanes, dtype=bool)
        self._results = empty_results(n_lanes, epochs, "torch", keep_states=False)
        self._constant_loss = constant_loss
        self._limits: FloatArray = np.full(n_lanes, np.nan)

    def start(self, losses: FloatArray, scores: FloatArray) -> None:
        """Record the untrained networks, values of shape (lanes,)."""
        record = self._results
        self._limits = np.array([divergence_limit(x, self._constant_loss) for x in losses])
        record.diverged_at_step[self._find_diverged(losses[:, None]) == 0] = 0
        record.initial_loss[self.alive] = losses[self.alive]
        record.validation_loss[self.alive, 0] = losses[self.alive]
        record.validation_score[self.alive, 0] = scores[self.alive]

    def add_epochs(
        self, first: int, batch_losses: FloatArray, losses: FloatArray, scores: FloatArray
    ) -> None:
        """Record some epochs in a row; of a lane only those before the one in which it blew up.

        Args:
            first: Number of the first of them, from 0.
            batch_losses: Loss of each batch before its update, shape (lanes, epochs, steps).
            losses: Validation losses after each epoch, shape (lanes, epochs).
            scores: Validation scores after each epoch, shape (lanes, epochs).
        """
        record, (n, epochs, steps) = self._results, batch_losses.shape
        # In the order in which they were seen: all batches of an epoch, then its validation.
        seen = np.concatenate([batch_losses, losses[:, :, None]], axis=2).reshape(n, -1)
        place = self._find_diverged(seen)
        epoch, within = np.divmod(place, steps + 1)
        blew_up = (place != RETIRED) & (epoch < epochs)
        record.diverged_at_step[blew_up] = ((first + epoch) * steps + within)[blew_up]
        kept = np.arange(epochs) < epoch[:, None]
        rows, after = slice(first, first + epochs), slice(first + 1, first + epochs + 1)
        record.train_loss[:, rows][kept] = batch_losses[kept].mean(axis=1)
        record.validation_loss[:, after][kept] = losses[kept]
        record.validation_score[:, after][kept] = scores[kept]

    def captured(self) -> dict[str, np.ndarray]:
        """Return all that has been recorded, as arrays."""
        record = {name: getattr(self._results, name) for name in COLUMNS}
        return {**record, "alive": self.alive, "limits": self._limits}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Put the record back to what `captured` has returned."""
        for name, value in self.captured().items():
            value[:] = arrays[name]

    def results(self, states: list[dict[str, Tensor]] | None) -> LaneResults:
        """Return the record, with the final states of the lanes that are still alive."""
        kept = None
        if states is not None:
            kept = [
                state if lives else None for state, lives in zip(states, self.alive, strict=True)
            ]
        return replace(self._results, final_states=kept)

    def _find_diverged(self, losses: FloatArray) -> IntArray:
        """Retire the lanes of which one of these losses (lanes, k) blew up.

        Returns:
            Where it did, k for lanes that go on and -1 for those retired before, shape (lanes,).
        """
        # Written as `not <=`, which NaN fails too.
        bad = ~(losses <= self._limits[:, None])
        place: IntArray = np.where(bad.any(axis=1), bad.argmax(axis=1), losses.shape[1])
        place[~self.alive] = RETIRED
        self.alive &= ~bad.any(axis=1)
        return place
