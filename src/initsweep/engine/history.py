"""Records the losses of stacked lanes, and finds out which of them have diverged."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from torch import Tensor

from initsweep.engine.lanes import (
    FloatArray,
    LaneResults,
    divergence_limit,
    empty_results,
)


class History:
    """What has been measured of the lanes of one chunk so far.

    Values may be given for more lanes than there are: those at the end are padding.
    """

    def __init__(self, n_lanes: int, epochs: int, constant_loss: float) -> None:
        self.alive: npt.NDArray[np.bool_] = np.ones(n_lanes, dtype=bool)
        self._results = empty_results(n_lanes, epochs, "torch", keep_states=False)
        self._constant_loss = constant_loss
        self._limits: FloatArray = np.full(n_lanes, np.nan)

    def start(self, losses: FloatArray, scores: FloatArray) -> None:
        """Record the untrained networks, values of shape (lanes,)."""
        n, record = len(self.alive), self._results
        self._limits = np.array([divergence_limit(x, self._constant_loss) for x in losses[:n]])
        self._find_diverged(losses[:n, None], first_step=0)
        record.initial_loss[self.alive] = losses[:n][self.alive]
        record.validation_loss[self.alive, 0] = losses[:n][self.alive]
        record.validation_score[self.alive, 0] = scores[:n][self.alive]

    def add_epoch(
        self, epoch: int, batch_losses: FloatArray, losses: FloatArray, scores: FloatArray
    ) -> None:
        """Record one epoch.

        Args:
            epoch: Its number, from 0.
            batch_losses: Loss of each batch before its update, shape (lanes, steps).
            losses: Validation losses after the epoch, shape (lanes,).
            scores: Validation scores after the epoch, shape (lanes,).
        """
        n, record, steps = len(self.alive), self._results, batch_losses.shape[1]
        seen = np.column_stack([batch_losses[:n], losses[:n]])
        self._find_diverged(seen, first_step=epoch * steps)
        alive = self.alive
        record.train_loss[alive, epoch] = batch_losses[:n][alive].mean(axis=1)
        record.validation_loss[alive, epoch + 1] = losses[:n][alive]
        record.validation_score[alive, epoch + 1] = scores[:n][alive]

    def results(self, states: list[dict[str, Tensor]] | None) -> LaneResults:
        """Return the record, with the final states of the lanes that are still alive."""
        kept = None
        if states is not None:
            kept = [
                state if lives else None
                for state, lives in zip(states[: len(self.alive)], self.alive, strict=True)
            ]
        return replace(self._results, final_states=kept)

    def _find_diverged(self, losses: FloatArray, first_step: int) -> None:
        """Mark lanes whose losses (lanes, k), seen after first_step + 0..k-1 updates, blew up."""
        # Written as `not <=`, which NaN fails too.
        bad = ~(losses <= self._limits[:, None])
        newly = self.alive & bad.any(axis=1)
        self._results.diverged_at_step[newly] = first_step + bad.argmax(axis=1)[newly]
        self.alive &= ~newly


def lane_results(
    batch_losses: FloatArray, losses: FloatArray, scores: FloatArray, limit: float
) -> LaneResults:
    """Return the results of a lane that trained alone; NaN from the epoch in which it blew up.

    Args:
        batch_losses: Loss of each batch before its update, shape (epochs, steps).
        losses: Validation losses, shape (epochs + 1,); entry 0 is the untrained network.
        scores: Validation scores, shape (epochs + 1,).
        limit: What no loss may exceed, as `divergence_limit` gives it.

    Returns:
        Arrays of shape (1, ...), without a final state.
    """
    epochs, steps = batch_losses.shape
    results = empty_results(1, epochs, "", keep_states=False)
    # In the order in which they were seen: all batches of an epoch, then its validation.
    seen = np.concatenate([losses[:1], np.column_stack([batch_losses, losses[1:]]).ravel()])
    bad = ~(seen <= limit)
    lasting = epochs
    if bad.any():
        place = int(bad.argmax()) - 1  # among epochs of steps + 1 losses, -1 for the untrained one
        lasting, within = divmod(place, steps + 1)
        results.diverged_at_step[0] = max(0, lasting * steps + within)
    if lasting >= 0:
        results.initial_loss[0] = losses[0]
        results.train_loss[0, :lasting] = batch_losses[:lasting].mean(axis=1)
        results.validation_loss[0, : lasting + 1] = losses[: lasting + 1]
        results.validation_score[0, : lasting + 1] = scores[: lasting + 1]
    return results
