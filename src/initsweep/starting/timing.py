"""How long training takes here: some steps of the real engine on the real network and data.

What costs processor time is counted in processor time, which other work on the machine hardly
changes, and the least of a few rounds is taken. Elapsed time is needed once: to see how much of the
processor is left for us at the moment.
"""

import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil

import torch

from initsweep.engine.choice import choose_path
from initsweep.engine.devices import numerics, resolve_device
from initsweep.engine.evaluate import predict
from initsweep.engine.lanes import Lane, Problem, Split
from initsweep.engine.paths import Job
from initsweep.engine.train_lanes import train_lanes
from initsweep.preprocessing.prepared import SplitName
from initsweep.stages.diagnose import probe_batch, read_network
from initsweep.stages.diagnose_loop import SHARPNESS_SEEDS
from initsweep.stages.experiment import Experiment
from initsweep.starting.time_budget import Work, steps_per_epoch

LANES = 20  # at least, so that stacks have a usual size
SEED = 0  # whose rows are trained on, where each has its own
RATE = 1e-4  # small: a diverged training costs nothing
BATCHES = 8  # of the training rows are enough to time a step
ENOUGH = 0.25  # seconds of processor time
ROUNDS = 2
MOST_EPOCHS = 512
MOST_MORE = 16  # times as many epochs as in the round before, which may be too short to tell

MOST_BUSY = 3.0
"""What other work is said to add at most: a busy moment tells little about the next minutes. What
is planned does not depend on it."""

SECONDS_ONCE = 20.0
"""Starting DVC, preparing the data, comparing, drawing and publishing."""

SECONDS_PER_SCHEME = 1.5
"""Starting two stages and writing what they found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What was measured, in seconds on a machine that does nothing else.

    Attributes:
        step: Of one worker, for one step of one training.
        call: For one start of the engine.
        test: For judging one trained network on the rows held out.
        look: For looking at the untrained networks of one scheme.
        workers: How many trainings run at the same time.
        busy: How many times longer everything takes because the processor does other work too.
    """

    step: float
    call: float
    test: float = 0.0
    look: float = 0.0
    workers: int = 1
    busy: float = 1.0

    def seconds(self, work: Work) -> float:
        """Return an estimate for a study of so much work, on a machine that does nothing else."""
        training = sum(
            batch.count * (self.call + ceil(batch.lanes / self.workers) * work.steps * self.step)
            for batch in work.batches
        )
        schemes = work.schemes * (self.look + SECONDS_PER_SCHEME)
        return training + work.judged * self.test + schemes + SECONDS_ONCE


def measure(experiment: Experiment, scheme: str) -> Speed:
    """Train a few epochs on a part of the rows, as many as can be timed.

    Returns:
        Seconds per step, per start and per network that is looked at.
    """
    problem, runtime = _problem(experiment, scheme), experiment.params.runtime
    workers, on_cpu = _workers(experiment, problem), resolve_device(runtime.device).type == "cpu"
    cores = min(workers * runtime.threads, len(os.sched_getaffinity(0))) if on_cpu else 1
    lanes = workers * ceil(LANES / workers)
    steps = steps_per_epoch(len(problem.train.targets), experiment.params.training.batch_size)

    def used(epochs: int) -> Used:
        return _used(lambda: _train(experiment, problem, lanes, epochs), cores=cores, on_cpu=on_cpu)

    used(1)  # imports and compiles
    start = _least([used(1) for _ in range(ROUNDS)])
    more, enough = 1, ENOUGH / cores
    while (rounds := [used(1 + more)])[0].alone < start + enough and more < MOST_EPOCHS:
        found = rounds[0].alone - start  # below 0 where it is too short to tell
        more *= min(MOST_MORE, ceil(1.5 * enough / found)) if found > 0 else MOST_MORE
    rounds += [used(1 + more) for _ in range(ROUNDS - 1)]
    epoch = max(_least(rounds) - start, 1e-4 / cores) / more
    return Speed(
        step=epoch * workers / (steps * lanes),
        call=max(0.0, start - epoch),
        test=_testing(experiment, scheme),
        look=_looking(experiment, scheme),
        workers=workers,
        busy=_busy(rounds),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """Seconds that something took, and what it would have taken on a machine of its own."""

    elapsed: float
    alone: float


def _used(work: Callable[[], object], *, cores: int = 1, on_cpu: bool = True) -> Used:
    """Time something, on a graphics card or on the processor.

    Args:
        work: What to time.
        cores: How many cores it surely keeps busy. It may use more: alone it takes no longer than
            it has taken, and no longer than its processor time on these.
        on_cpu: Whether it is computed on the processor.

    Returns:
        Its time here, and alone.
    """
    begin, before = time.perf_counter(), _processor_time()
    work()
    elapsed, processor = time.perf_counter() - begin, _processor_time() - before
    # A graphics card computes in time that no processor counts.
    return Used(elapsed=elapsed, alone=min(elapsed, processor / cores) if on_cpu else elapsed)


def _processor_time() -> float:
    """Return the seconds of this process and of those that it has forked and waited for."""
    forks = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + forks.ru_utime + forks.ru_stime


def _least(rounds: list[Used]) -> float:
    return min(one.alone for one in rounds)


def _busy(rounds: list[Used]) -> float:
    """Return how many times longer the quickest round took than it would have alone."""
    found = min(one.elapsed / max(one.alone, 1e-9) for one in rounds)
    return min(MOST_BUSY, max(1.0, found))


def _workers(experiment: Experiment, problem: Problem) -> int:
    """Return how many trainings the path that will be chosen runs at the same time."""
    params = experiment.params
    job = Job(
        problem=problem,
        training=params.training,
        optimizer=params.optimizer,
        runtime=params.runtime,
        keep_states=False,
    )
    with numerics(resolve_device(params.runtime.device), params.runtime.threads):
        return params.runtime.n_workers if choose_path(job).workers else 1


def _train(experiment: Experiment, problem: Problem, lanes: int, epochs: int) -> None:
    params = experiment.params
    train_lanes(
        problem,
        [Lane(learning_rate=RATE, seed=seed % 5) for seed in range(lanes)],
        training=params.training.model_copy(update={"epochs": epochs}),
        optimizer=params.optimizer,
        runtime=params.runtime,
    )


def _testing(experiment: Experiment, scheme: str) -> float:
    """Return seconds for what the train stage does with one trained network."""
    state, features = (
        experiment.initial_state(scheme, SEED),
        _shared(experiment, "validation").features,
    )
    rows = experiment.schema.rows
    share = (rows["validation"] + rows["test"]) / rows["validation"]
    model, on_cpu = experiment.model(), features.device.type == "cpu"

    def test() -> Used:
        # Fetched as by the train stage: a graphics card goes on after the call has returned.
        return _used(lambda: predict(model, [state], features).cpu(), on_cpu=on_cpu)

    return share * _least([test() for _ in range(2)])


def _looking(experiment: Experiment, scheme: str) -> float:
    """Return seconds for what the diagnose stage does with the networks of one scheme."""
    diagnose = experiment.params.diagnose
    features, targets = probe_batch(experiment, diagnose.seeds[0])
    model, state = experiment.model(), experiment.initial_state(scheme, SEED)

    def look(*, with_sharpness: bool) -> float:
        rounds = [
            _used(
                lambda: read_network(
                    experiment, model, state, features, targets, with_sharpness=with_sharpness
                )
            )
            for _ in range(2)
        ]
        return _least(rounds)

    first = min(SHARPNESS_SEEDS, len(diagnose.seeds))
    # On the processor, wherever the networks are trained.
    with numerics(torch.device("cpu"), experiment.params.runtime.threads):
        sharp, other = look(with_sharpness=True), look(with_sharpness=False)
    return first * sharp + (len(diagnose.seeds) - first) * other


def _problem(experiment: Experiment, scheme: str) -> Problem:
    """Return the problem with fewer rows; validation rows in the same proportion."""
    train, validation = (_shared(experiment, name) for name in ("train", "validation"))
    rows = min(train.n, BATCHES * experiment.params.training.batch_size)
    held_out = max(1, round(rows / train.n * validation.n))
    return replace(
        experiment.problem(scheme, [SEED]),
        train=_first(train, rows),
        validation=_first(validation, held_out),
    )


def _shared(experiment: Experiment, name: SplitName) -> Split:
    """Return the rows of one seed, to serve all: that takes as long."""
    return experiment.split(name, [SEED]).of(SEED)


def _first(split: Split, rows: int) -> Split:
    return Split(features=split.features[:rows], targets=split.targets[:rows])
