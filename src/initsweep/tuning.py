"""One Optuna study per scheme: the shared grid, its extension, then refinement.

This is the only module that imports Optuna. Everything is asked and told in batches, so that
all lanes of a batch train side by side, and a study lives in memory only: its trials are
written as records.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import optuna

from initsweep.params import Grid, Tune
from initsweep.records import TrialKind, rounded

REFINEMENT_BATCH = 4
"""Refinement trials asked for at once: few, full batches against adapting to results."""

STARTUP_TRIALS = 5
"""TPE's random start-up trials. The grid's trials count, so refinement never samples at random."""

Evaluate = Callable[[TrialKind, Sequence[tuple[int, float]]], Sequence[tuple[float, float]]]
"""Trains a batch of (trial number, learning rate); returns capped and uncapped loss of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One learning rate and its mean validation loss.

    `loss` is capped at the constant predictor's and finite. `uncapped` is infinite where a run
    diverged; it tells apart rates that are all worse than a constant.
    """

    number: int
    kind: TrialKind
    learning_rate: float
    loss: float
    uncapped: float


class Study:
    """Tunes the learning rate of one scheme; lower loss is better."""

    def __init__(self, settings: Tune, evaluate: Evaluate, seed: int) -> None:
        """Create a study.

        Args:
            settings: Grid, extension and refinement budget.
            evaluate: Trains a batch of learning rates.
            seed: Seed of the TPE sampler.
        """
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._settings = settings
        self._evaluate = evaluate
        # One parameter, and a range that may grow: univariate TPE handles both.
        sampler = optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=STARTUP_TRIALS, multivariate=False
        )
        self._study = optuna.create_study(direction="minimize", sampler=sampler)
        self.trials: list[Trial] = []
        self._first, self._last = 0, settings.grid.points - 1

    def run(self) -> list[Trial]:
        """Return all trials in order, after running grid, extension and refinement."""
        self._run_rates("grid", range(self._first, self._last + 1))
        self._extend()
        remaining = self._settings.refinement_trials
        while remaining > 0:
            size = min(REFINEMENT_BATCH, remaining)
            self._run_batch("refinement", size)
            remaining -= size
        return self.trials

    @property
    def rates(self) -> list[float]:
        """The rates of the grid with its extensions, ascending."""
        return [self._settings.grid.rate(i) for i in range(self._first, self._last + 1)]

    @property
    def best(self) -> Trial:
        """The trial with the lowest loss; if tied at the cap, the lowest without it."""
        return min(self.trials, key=lambda t: (t.loss, t.uncapped, t.learning_rate))

    def _extend(self) -> None:
        """Grow the grid by a decade where the best rate sits on its edge, up to the bound.

        The rule looks at this scheme only and is the same for every scheme, so that adding a
        scheme never changes another one's results.
        """
        step = decade_points(self._settings.grid)
        for _ in range(self._settings.extension_rounds):
            rate = self.best.learning_rate
            if rate == self.rates[-1]:
                self._last += step
                self._run_rates("extension", range(self._last - step + 1, self._last + 1))
            elif rate == self.rates[0]:
                self._first -= step
                self._run_rates("extension", range(self._first, self._first + step))
            else:
                return

    def _run_rates(self, kind: TrialKind, indices: range) -> None:
        for index in indices:
            self._study.enqueue_trial({"learning_rate": self._settings.grid.rate(index)})
        self._run_batch(kind, len(indices))

    def _run_batch(self, kind: TrialKind, size: int) -> None:
        space = optuna.distributions.FloatDistribution(self.rates[0], self.rates[-1], log=True)
        asked = [self._study.ask({"learning_rate": space}) for _ in range(size)]
        # Rounded as all records are: the sampler's last digits depend on the processor.
        batch = [(trial.number, rounded(trial.params["learning_rate"])) for trial in asked]
        losses = self._evaluate(kind, batch)
        for trial, (number, rate), (loss, uncapped) in zip(asked, batch, losses, strict=True):
            self._study.tell(trial, loss)
            self.trials.append(
                Trial(number=number, kind=kind, learning_rate=rate, loss=loss, uncapped=uncapped)
            )


def decade_points(grid: Grid) -> int:
    """Return how many points of the grid make up a decade, at least one."""
    return max(1, round(1 / grid.spacing))
