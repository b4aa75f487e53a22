"""What a study relies on in a training function of the user's: seen in a few short runs."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from initsweep.checks.outcome import BrokenPromiseError, Note, Promise, UnusableError
from initsweep.core.errors import InitsweepError, few
from initsweep.core.numbers import significant
from initsweep.core.progress import minutes
from initsweep.loops.examining import EPOCHS, Examined, examine, remedy, short_runs
from initsweep.loops.pool import Pool
from initsweep.loops.run_process import Look
from initsweep.loops.spec import Failure, Outcome, RunSpec


@dataclass(frozen=True, kw_only=True)
class LoopUnderTest:
    """A training function, with what its runs are made from.

    Attributes:
        base: A run at a rate and a seed, of a scheme that draws.
        other: The same under another scheme.
        pool: Makes a place for runs, which may look at untrained networks.
        whole: Whether one run is trained to its end, test data included.
    """

    base: RunSpec
    other: RunSpec
    pool: Callable[[Look | None], Pool]
    whole: bool

    @cached_property
    def short_runs(self) -> "ShortRuns":
        """What short runs show."""
        before, began = _listed(), time.monotonic()
        with tempfile.TemporaryDirectory() as folder, self.pool(None) as pool:
            found = examine(short_runs(self.base, self.other, folder), pool)
        seconds = time.monotonic() - began
        return ShortRuns(found=found, written=_written_since(before), seconds=seconds)

    @property
    def examined(self) -> Examined:
        """What the function was found to do in them."""
        return self.short_runs.found

    def only(self, spec: RunSpec, look: Look | None = None) -> object:
        """Return what came of one run.

        Raises:
            BrokenPromiseError: If it fails.
        """
        with tempfile.TemporaryDirectory() as folder, self.pool(look) as pool:
            found = next(found for _, found in pool.run([replace(spec, folder=folder)]))
        if isinstance(found, Failure):
            raise BrokenPromiseError(found.message)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortRuns:
    """What short runs of a function show.

    `written` is what they left in the current folder.
    """

    found: Examined
    written: list[str]
    seconds: float


def _listed() -> set[tuple[str, int]]:
    """Return what is here but for Python's own cache: folders, and files with their last change."""
    return {
        (path.name, 0 if path.is_dir() else path.stat().st_mtime_ns)
        for path in Path().iterdir()
        if path.name != "__pycache__"
    }


def _written_since(before: set[tuple[str, int]]) -> list[str]:
    return sorted({name for name, _ in _listed() - before})


def loop_promises(subject: LoopUnderTest) -> list[Promise]:
    """Return what is checked of a training function, in the order in which it matters."""
    unused = {name: _used(subject, name) for name in ("rate", "initialization", "seed")}
    return [
        (f"trains, and reports {EPOCHS} epochs", lambda: _trains(subject)),
        ("the rate decides: run.learning_rate", unused["rate"]),
        ("the scheme decides: run.initialize(model)", unused["initialization"]),
        ("the seed decides", unused["seed"]),
        ("batches and dropout follow the seed", lambda: _draws(subject)),
        ("the losses move", lambda: _moves(subject)),
        ("the same run gives the same losses", lambda: _repeats(subject)),
        ("leaves the study's folder as it is", lambda: _keeps_to_its_folder(subject)),
        ("offers a batch to look at before training", lambda: _offers(subject)),
        ("a final run reports test data", lambda: _tests(subject)),
    ]


def _trains(subject: LoopUnderTest) -> str:
    try:
        found = subject.examined
    except InitsweepError as error:
        raise UnusableError(str(error)) from error
    left = f"; left as they are: {few(found.passed_over, 1)}" if found.passed_over else ""
    return (
        f"{found.parameters} numbers are learned, loss {significant(found.losses[0], 3)}, six "
        f"short runs took {minutes(subject.short_runs.seconds)}{left}"
    )


def _used(subject: LoopUnderTest, name: str) -> Callable[[], str]:
    def check() -> str:
        if name in subject.examined.unused:
            raise BrokenPromiseError(f"it {remedy(name)}")
        if not subject.examined.deterministic:
            return Note("cannot tell, as the same run gives other losses each time")
        return ""

    return check


def _draws(subject: LoopUnderTest) -> str:
    if subject.examined.same_draws:
        return Note(
            "they are the same under every seed, or there are none: then intervals cover initial "
            "weights alone. Leave torch's, NumPy's and Python's generators as they are"
        )
    return ""


def _moves(subject: LoopUnderTest) -> str:
    if subject.examined.moves is None:
        return Note("it reports one epoch only, so curves have one point")
    if not subject.examined.moves:
        raise BrokenPromiseError(f"it {remedy('loss')}")
    return ""


def _repeats(subject: LoopUnderTest) -> str:
    if subject.examined.deterministic:
        return "to the last digit"
    return Note(
        "not quite: a study that is run again gives other digits. Intervals cover that too; "
        "torch.use_deterministic_algorithms(True) may help"
    )


def _keeps_to_its_folder(subject: LoopUnderTest) -> str:
    _refuse_written(subject.short_runs.written)
    return ""


def _refuse_written(written: list[str]) -> None:
    if written:
        raise BrokenPromiseError(
            f"it wrote {few(written)} into {Path.cwd()}. Write into `run.folder`, which is there "
            "for that"
        )


def _check_lengths(final: object, tuning: object) -> None:
    """Refuse runs of different lengths, as early stopping makes them.

    Raises:
        BrokenPromiseError: If they are.
    """
    if isinstance(final, Outcome) and isinstance(tuning, Outcome) and tuning.ending == "finished":
        epochs, others = len(final.reports), len(tuning.reports)
        if final.ending == "finished" and epochs != others:
            raise BrokenPromiseError(
                f"it reports {epochs} epochs at one rate and {others} at three times of it. All "
                "runs must report as many: where it stops early, go on reporting the last values"
            )


def _nothing(*_: object) -> str:
    return "seen"


def _offers(subject: LoopUnderTest) -> str:
    found = subject.only(replace(subject.base, most_reports=1), look=_nothing)
    if found is None:
        return Note(
            "none, so that `diagnose` has nothing to look at: call run.example_batch(batch, loss)"
        )
    return ""


def _tests(subject: LoopUnderTest) -> str:
    if not subject.whole:
        return Note("not tried: give --whole, which trains one run to its end")
    began, before = time.monotonic(), _listed()
    found = subject.only(replace(subject.base, final=True))
    tuning = subject.only(replace(subject.base, learning_rate=subject.base.learning_rate * 3))
    _refuse_written(_written_since(before))
    _check_lengths(found, tuning)
    took = minutes(time.monotonic() - began)
    if not isinstance(found, Outcome) or found.test is None:
        return Note(f"not seen, as the run diverged after {took}: give a lower --rate")
    weights = "" if found.test.model else "; its weights are not kept (model=model would)"
    epochs, loss = len(found.reports), significant(found.test.loss, 3)
    return f"{epochs} epochs, test loss {loss}, {took}{weights}"
