"""Runs of training functions side by side, each in a process of its own, as many as fit."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import torch

from initsweep.core.errors import ParamsError
from initsweep.core.params import Loop
from initsweep.loops.libraries import LIBRARIES, libraries_of
from initsweep.loops.run_process import Look, work
from initsweep.loops.spec import Failure, Report, RunSpec
from initsweep.loops.training_run import Keep

OnReport = Callable[[RunSpec, int, Report], None]
"""Called with a run, the number of its epoch and what it said of it."""

_ROOM = 1.2  # a new run is begun where so many times the memory of the largest one is free
_TICK = 0.5  # seconds between two looks at the clock
_LEAVING = 1.0  # seconds that a run has to clean up after its last word
_PRELOADED = ["initsweep.loops.run_process", "initsweep.loops.preloaded"]


@dataclass(slots=True, kw_only=True, eq=False)
class _Worker:
    spec: RunSpec
    process: ForkServerProcess
    from_it: Connection
    gpus: tuple[str, ...]
    heard: float
    epochs: int = 0


class Pool:
    """Does runs; as a context it ends whatever still runs.

    Args:
        workers: How many at the same time, at most.
        gpus: What the GPUs that there are for all are called, as often as runs may share one.
        libraries: Modules that the runs are going to import, to be imported once for all.
        silence: After how many seconds without a word a run is given up; None for never.
        look: As for `worker.work`.
        keep: As for `worker.work`.
        on_report: Called whenever a run reports.
    """

    def __init__(
        self,
        *,
        workers: int,
        gpus: Sequence[str] = (),
        libraries: Sequence[str] = (),
        silence: float | None = None,
        look: Look | None = None,
        keep: Keep | None = None,
        on_report: OnReport | None = None,
    ) -> None:
        os.environ[LIBRARIES] = ":".join(libraries)  # for the server, which starts once
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(_PRELOADED)
        self._most, self._free, self._silence = max(1, workers), list(gpus), silence
        self._look, self._keep, self._on_report = look, keep, on_report
        self._running: list[_Worker] = []
        self._largest = 0  # bytes of the largest run so far

    @classmethod
    def of(
        cls,
        loop: Loop,
        own_code: str,
        *,
        cores: int,
        look: Look | None = None,
        keep: Keep | None = None,
        on_report: OnReport | None = None,
    ) -> "Pool":
        """Return where runs of a study's function are done: as many as cores and GPUs allow.

        Args:
            loop: The function, and what a run of it needs.
            own_code: The folder in which Python finds the user's modules.
            cores: How many there are for all runs.
            look: As for `worker.work`.
            keep: As for `worker.work`.
            on_report: Called whenever a run reports.

        Raises:
            ParamsError: If a run needs more GPUs than there are.
        """
        needs, gpus = loop.resources, visible_gpus()
        if needs.gpus > len(gpus):
            raise ParamsError(
                f"training.resources.gpu: a training needs {needs.gpu}, but there are {len(gpus)} "
                "here."
            )
        return cls(
            workers=cores // needs.cpu,
            gpus=gpus * needs.per_gpu,
            libraries=libraries_of(loop.function, own_code),
            silence=loop.silence_limit,
            look=look,
            keep=keep,
            on_report=on_report,
        )

    def __enter__(self) -> "Pool":
        """Return the pool."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what still runs."""
        for one in self._running:
            _kill(one)
        self._running.clear()

    def run(self, specs: Sequence[RunSpec]) -> Iterator[tuple[RunSpec, object]]:
        """Do the runs.

        Yields:
            Each run with its `Outcome`, what `look` returned, or its `Failure`, as they end.
        """
        todo = list(reversed(specs))
        while todo or self._running:
            while todo and self._has_room(todo[-1]):
                self._begin(todo.pop())
            yield from self._ended()

    def _has_room(self, spec: RunSpec) -> bool:
        if not self._running:
            return True
        if len(self._running) >= self._most or len(self._free) < spec.gpu:
            return False
        # What a run needs is known once the first has told of an epoch.
        unknown = sum(not one.epochs for one in self._running)  # they may still grow
        return bool(self._largest) and _free_memory() > _ROOM * self._largest * (1 + unknown)

    def _begin(self, spec: RunSpec) -> None:
        from_it, to = self._context.Pipe(duplex=False)
        gpus = tuple(self._free.pop(0) for _ in range(spec.gpu))
        process = self._context.Process(target=_on, args=(gpus, spec, to, self._look, self._keep))
        process.start()
        to.close()
        self._running.append(
            _Worker(spec=spec, process=process, from_it=from_it, gpus=gpus, heard=time.monotonic())
        )

    def _ended(self) -> Iterator[tuple[RunSpec, object]]:
        """Hear what there is to hear.

        Yields:
            What has ended.
        """
        # A child of a run may hold its pipe open, so that only the process itself tells of its end.
        wait([end for one in self._running for end in (one.from_it, one.process.sentinel)], _TICK)
        for one in list(self._running):
            alive = one.process.is_alive()  # first: what has ended has said all it had to say
            if one.from_it.poll():
                found = self._heard(one)
            else:
                found = self._overdue(one) if alive else (self._died(one),)
            if found is not None:
                _kill(one)
                self._running.remove(one)
                self._free += one.gpus
                yield one.spec, found[0]

    def _heard(self, one: _Worker) -> tuple[object] | None:
        """Take one message of a run.

        Returns:
            How it ended, if it did.
        """
        try:
            message = one.from_it.recv()
        except (EOFError, OSError):
            return (self._died(one),)
        if isinstance(message, tuple):
            report, memory = message
            one.heard, one.epochs = time.monotonic(), one.epochs + 1
            self._largest = max(self._largest, memory)
            if self._on_report is not None:
                self._on_report(one.spec, one.epochs, report)
            return None
        self._largest = self._largest or 1
        one.process.join(_LEAVING)
        return (message,)

    def _overdue(self, one: _Worker) -> tuple[object] | None:
        waited = time.monotonic() - one.heard
        if self._silence is None or waited < self._silence:
            return None
        return (
            Failure(
                message=f"it reported nothing for {self._silence:g} seconds "
                "(training.silence_limit)",
                printed="",
            ),
        )

    def _died(self, one: _Worker) -> Failure:
        one.process.join(5)
        code = one.process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            why = f"its process was ended by {name}"
            if name == "SIGKILL":
                why += ", as the system does where memory runs out"
        else:
            why = f"its process ended with status {code} and without a word"
        return Failure(message=why, printed="")


def _on(
    gpus: tuple[str, ...], spec: RunSpec, to: Connection, look: Look | None, keep: Keep | None
) -> None:
    """Do a run in this process, which sees the GPUs that it was given and no other."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
    work(spec, to, look, keep)


def _kill(one: _Worker) -> None:
    """End a run with all processes that it began."""
    one.from_it.close()
    if one.process.exitcode is None:
        one.process.join(0.2 if one.epochs else 0)
    if one.process.pid is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(one.process.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            if one.process.exitcode is None:
                one.process.kill()
    one.process.join()


def _free_memory() -> int:
    """Return how many bytes the system could still give."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(found.split()[1]) * 1024
    except (OSError, StopIteration, ValueError):
        return 1 << 62


def visible_gpus() -> list[str]:
    """Return what the GPUs are called that this process may use."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = torch.cuda.device_count()
    return [*map(str, range(count))] if named is None else named.split(",")[:count]
