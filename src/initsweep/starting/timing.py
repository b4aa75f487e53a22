"""How long training takes here: some steps of the real engine on the real network and data."""

import time
from dataclasses import dataclass, replace

from initsweep.engine.lanes import Lane, Problem, Split
from initsweep.engine.train import train_lanes
from initsweep.experiment import Experiment
from initsweep.starting.budget import Work, steps_per_epoch

LANES = 20
RATE = 1e-4  # small: a diverged training costs nothing
BATCHES = 8  # of the training rows are enough to time a step
ENOUGH = 0.4  # seconds
MOST_EPOCHS = 512

SECONDS_ONCE = 20.0
"""Starting DVC, preparing the data, comparing, drawing and publishing."""

SECONDS_PER_SCHEME = 2.0
"""Starting two stages and looking at the untrained network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What was measured.

    Attributes:
        step: Seconds for one step of one training.
        call: Seconds for one start of the engine.
        busy: How many times longer everything takes because the processor does other work too.
    """

    step: float
    call: float
    busy: float = 1.0

    def seconds(self, work: Work) -> float:
        """Return an estimate for a study of so much work."""
        training = work.trainings * work.steps * self.step + work.calls * self.call
        return training + self.busy * (SECONDS_ONCE + work.schemes * SECONDS_PER_SCHEME)


def measure(experiment: Experiment, scheme: str) -> Speed:
    """Train a few epochs on a part of the rows, as many as can be timed.

    Returns:
        Seconds per step and per start.
    """
    problem = _problem(experiment, scheme)
    batch = experiment.params.training.batch_size
    steps = steps_per_epoch(len(problem.train.targets), batch)
    _timed(experiment, problem, 1)  # imports and compiles
    start = _timed(experiment, problem, 1)
    more = 1
    while True:
        seconds = _timed(experiment, problem, 1 + more) - start
        if seconds > ENOUGH or more >= MOST_EPOCHS:
            break
        more *= 4
    step = max(seconds, 1e-4) / (more * steps * LANES)
    return Speed(step=step, call=max(0.0, start - step * steps * LANES), busy=_busy())


def _busy() -> float:
    """Return elapsed time per processor time of something that only computes."""
    begin, used = time.perf_counter(), time.process_time()
    while (spent := time.process_time() - used) < ENOUGH / 2:
        pass
    return max(1.0, (time.perf_counter() - begin) / max(spent, 1e-9)) if ENOUGH else 1.0


def _timed(experiment: Experiment, problem: Problem, epochs: int) -> float:
    params = experiment.params
    lanes = [Lane(learning_rate=RATE, seed=seed % 5) for seed in range(LANES)]
    begin = time.perf_counter()
    train_lanes(
        problem,
        lanes,
        training=params.training.model_copy(update={"epochs": epochs}),
        optimizer=params.optimizer,
        runtime=params.runtime,
    )
    return time.perf_counter() - begin


def _problem(experiment: Experiment, scheme: str) -> Problem:
    """Return the problem with fewer rows; validation rows in the same proportion."""
    whole = experiment.train
    rows = min(len(whole.targets), BATCHES * experiment.params.training.batch_size)
    share = rows / len(whole.targets)
    held_out = max(1, round(share * len(experiment.validation.targets)))
    problem = experiment.problem(scheme)
    return replace(
        problem,
        train=_first(problem.train, rows),
        validation=_first(problem.validation, held_out),
    )


def _first(split: Split, rows: int) -> Split:
    return Split(features=split.features[:rows], targets=split.targets[:rows])
