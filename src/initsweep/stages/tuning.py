"""One Optuna study per scheme: the shared grid, its extension, then refinement.

This is the only module that imports Optuna. Everything is asked and told in batches, so that
all lanes of a batch train side by side, and a study lives in memory only: its trials are
written as records. In a race a batch is trained seed by seed, and rates that fall behind get no
more seeds.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from initsweep.core.params import Grid, Tune
from initsweep.core.records import TrialKind, rounded
from initsweep.statistics import racing

REFINEMENT_BATCH = 4
"""Refinement trials asked for at once: few, full batches against adapting to results."""

STARTUP_TRIALS = 5
"""TPE's random start-up trials. The grid's trials count, so refinement never samples at random."""

Evaluate = Callable[
    [TrialKind, Sequence[tuple[int, float]], Sequence[int]], Sequence[Sequence[tuple[float, float]]]
]
"""Trains a batch of (trial number, learning rate) on some seeds; returns capped and uncapped loss
of each, seed by seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One learning rate and its validation losses.

    Attributes:
        runs: Capped and uncapped loss by seed; of fewer seeds than others where it left the race.
    """

    number: int
    kind: TrialKind
    learning_rate: float
    runs: tuple[tuple[float, float], ...] = ()

    @property
    def loss(self) -> float:
        """The mean, capped at the constant predictor's and finite."""
        return fmean(capped for capped, _ in self.runs)

    @property
    def uncapped(self) -> float:
        """The mean without the cap, infinite where a run diverged.

        It tells apart rates that are all worse than a constant.
        """
        return fmean(uncapped for _, uncapped in self.runs)


class Study:
    """Tunes the learning rate of one scheme; lower loss is better."""

    def __init__(
        self,
        settings: Tune,
        evaluate: Evaluate,
        seed: int,
        *,
        seeds: Sequence[int],
        constant: float,
        announce: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Create a study.

        Args:
            settings: Grid, extension, refinement budget and strategy.
            evaluate: Trains a batch of learning rates.
            seed: Seed of the TPE sampler.
            seeds: The tuning seeds, in the order in which a race takes them.
            constant: The constant predictor's loss, which no capped loss exceeds.
            announce: Told how many more trainings, or fewer below 0, there will be than grid and
                refinement have at most.
        """
        import optuna  # init plans tuning and needs none of it

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._settings = settings
        self._evaluate = evaluate
        self._seeds, self._constant, self._announce = seeds, constant, announce
        # One parameter, and a range that may grow: univariate TPE handles both.
        sampler = optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=STARTUP_TRIALS, multivariate=False
        )
        self._study = optuna.create_study(direction="minimize", sampler=sampler)
        self.trials: list[Trial] = []
        self._first, self._last = 0, settings.grid.points - 1

    def run(self) -> list[Trial]:
        """Return all trials in order, after running grid, extension and refinement."""
        self._run_grid("grid", range(self._first, self._last + 1))
        self._extend()
        if self._settings.strategy == "racing":
            self._halve()
        else:
            self._refine()
        return self.trials

    @property
    def rates(self) -> list[float]:
        """The rates of the grid with its extensions, ascending."""
        return [self._settings.grid.rate(i) for i in range(self._first, self._last + 1)]

    @property
    def best(self) -> Trial:
        """The trial with the lowest loss on all seeds; if tied at the cap, the lowest without it.

        Rates that left a race do not enter: on fewer seeds it takes less to look good.
        """
        whole = [trial for trial in self.trials if len(trial.runs) == len(self._seeds)]
        return min(whole, key=lambda t: (t.loss, t.uncapped, t.learning_rate))

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
                self._run_grid("extension", range(self._last - step + 1, self._last + 1))
            elif rate == self.rates[0]:
                self._first -= step
                self._run_grid("extension", range(self._first, self._first + step))
            else:
                return

    def _refine(self) -> None:
        """Let the sampler propose rates."""
        remaining = self._settings.refinement_trials
        while remaining > 0:
            size = min(REFINEMENT_BATCH, remaining)
            self._run_batch("refinement", size)
            remaining -= size

    def _halve(self) -> None:
        """Try the rates halfway from the best to its neighbours: few trials, no sampling."""
        best, rates = self.best.learning_rate, self.rates
        place = rates.index(best)
        beside = [rates[i] for i in (place - 1, place + 1) if 0 <= i < len(rates)]
        tried = [math.sqrt(best * one) for one in beside][: racing.refinements(self._settings)]
        if tried:
            self._run_rates("refinement", tried)

    def _run_grid(self, kind: TrialKind, indices: range) -> None:
        self._run_rates(kind, [self._settings.grid.rate(index) for index in indices])

    def _run_rates(self, kind: TrialKind, rates: Sequence[float]) -> None:
        for rate in rates:
            self._study.enqueue_trial({"learning_rate": rate})
        self._run_batch(kind, len(rates))

    def _run_batch(self, kind: TrialKind, size: int) -> None:
        from optuna.distributions import FloatDistribution

        space = FloatDistribution(self.rates[0], self.rates[-1], log=True)
        asked = [self._study.ask({"learning_rate": space}) for _ in range(size)]
        # Rounded as all records are: the sampler's last digits depend on the processor.
        self.trials += [
            Trial(
                number=trial.number,
                kind=kind,
                learning_rate=rounded(trial.params["learning_rate"]),
            )
            for trial in asked
        ]
        self._train(kind, [trial.number for trial in asked])
        for trial in asked:
            self._study.tell(trial, self.trials[trial.number].loss)

    def _train(self, kind: TrialKind, numbers: Sequence[int]) -> None:
        """Train new trials on all seeds at once, or seed by seed as long as each is in the race."""
        if kind == "extension":
            self._announce(len(numbers) * len(self._seeds))
        race, seeds = self._settings.strategy == "racing", self._seeds
        blocks = [[seed] for seed in seeds] if race else [seeds]
        for done, block in enumerate(blocks):
            runs = [trial.runs for trial in self.trials]
            left = [n for n in numbers if not race or racing.goes_on(runs, n, self._constant)]
            self._announce((len(left) - len(numbers)) * (len(seeds) - done))
            if not left:
                return
            batch = [(number, self.trials[number].learning_rate) for number in left]
            for number, more in zip(left, self._evaluate(kind, batch, block), strict=True):
                trial = self.trials[number]
                self.trials[number] = replace(trial, runs=(*trial.runs, *more))
            numbers = left


def decade_points(grid: Grid) -> int:
    """Return how many points of the grid make up a decade, at least one."""
    return max(1, round(1 / grid.spacing))
