"""Runs tasks in forks of this process, a few at the same time, and hears what they report.

A fork reports as a stage does to its leader, over a connection of its own. When this process stops,
or dies, the connections close, and the forks stop in order.
"""

import builtins
import json
import os
import selectors
import signal
import socket
import sys
import warnings
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Any, TextIO

from initsweep.core import link, stopping
from initsweep.core.errors import InitsweepWarning, RunError

Task = Callable[[Callable[[], None]], int]
"""Is given what connects its process, and returns its exit status."""


@dataclass(slots=True, eq=False)
class _Fork:
    ours: socket.socket
    process: BaseProcess
    lines: link.Lines = field(default_factory=link.Lines)


def run(tasks: Sequence[Task], at_once: int) -> Iterator[dict[str, Any]]:
    """Run all tasks, each in a process of its own; all stop when the caller does.

    Args:
        tasks: What to do.
        at_once: How many at the same time.

    Yields:
        Each message of each.

    Raises:
        RunError: If one failed without having said why.
    """
    waiting = list(tasks)
    with _forks() as (forks, selector):
        while waiting or forks:
            while waiting and len(forks) < at_once:
                with _signals_later():  # no fork that is not known to be one
                    fork = _begin(waiting.pop(0), [one.ours for one in forks])
                    forks.append(fork)
                selector.register(fork.ours, selectors.EVENT_READ, fork)
            for key, _ in selector.select():
                yield from (told := _listen(key.data)) or ()
                if told is None:
                    selector.unregister(key.data.ours)
                    forks.remove(key.data)
                    _check(_ended(key.data))


def each(work: Callable[[int], bytes], n: int, workers: int) -> Iterator[tuple[int, bytes]]:
    """Do `work` for 0 to n - 1 in forks of this process: whoever is free takes the next.

    What raises an error there is done here once more, when what was begun beside it has ended, so
    that the caller gets the error itself. What is warned of there is warned of here, once.

    Args:
        work: May depend on all that is in this process now.
        n: How many times it is to be done.
        workers: How many at the same time.

    Yields:
        A number and what `work` returned for it, in the order in which they were done.

    Raises:
        RunError: If a fork was killed, or ended before its work was done.
    """
    left = dict.fromkeys(range(n))
    while left:
        failed = list[int]()
        for number, done in _turns(work, list(left), workers):
            left.pop(number)
            if done is None:
                failed.append(number)
            else:
                yield number, done
        for number in failed:
            yield number, work(number)
        if left and not failed:
            raise RunError(
                "A process of this stage ended before its work was done: what it ran must not end "
                "its process."
            )


def _turns(
    work: Callable[[int], bytes], numbers: Sequence[int], workers: int
) -> Iterator[tuple[int, bytes | None]]:
    """Do work in forks until one fails; then nothing is begun any more.

    Yields:
        A number and what came of it, None for an error.
    """
    todo = os.memfd_create("todo")  # forks share the place up to which an open file was read
    try:
        os.write(todo, b"".join(number.to_bytes(_NUMBER) for number in numbers))
        os.lseek(todo, 0, os.SEEK_SET)
        tasks = [partial(_take_turns, work, todo)] * min(workers, len(numbers))
        for told in run(tasks, workers):
            if "warning" in told:
                _warn(**told["warning"])
            if (number := told.get("number")) is not None:
                if "done" not in told:
                    os.lseek(todo, 0, os.SEEK_END)
                yield number, b64decode(told["done"]) if "done" in told else None
    finally:
        os.close(todo)


_NUMBER = 8  # bytes


def _take_turns(work: Callable[[int], bytes], todo: int, connect: Callable[[], None]) -> int:
    """Do what nobody has begun, until nothing is left.

    Returns:
        The exit status.
    """
    connect()
    warnings.showwarning = _tell_warning
    while taken := os.read(todo, _NUMBER):
        number = int.from_bytes(taken)
        try:
            done = work(number)
        except (Exception, SystemExit):  # noqa: BLE001 - a user's code may raise anything
            link.tell(number=number)
        else:
            link.tell(number=number, done=b64encode(done).decode())
    return 0


def _tell_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    kind = [one.__name__ for one in category.__mro__]
    link.tell(warning={"text": str(message), "kind": kind, "file": filename, "line": lineno})


_warned: dict[Any, Any] = {}  # what Python keeps of warnings that were shown


def _warn(text: str, kind: Sequence[str], file: str, line: int) -> None:
    """Warn of what a fork has warned of, as Python does: by default once for each place."""
    known = {InitsweepWarning.__name__: InitsweepWarning, **vars(builtins)}
    category = next(known[name] for name in kind if name in known)
    warnings.warn_explicit(text, category, file, line, registry=_warned)


@contextmanager
def _signals_later() -> Iterator[None]:
    """Hear what stops this process after the block.

    Yields:
        Nothing.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, stopping.SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _forks() -> Iterator[tuple[list[_Fork], selectors.DefaultSelector]]:
    """Keep track of forks; those that still run at the end are stopped in order.

    Yields:
        The running ones, and what waits for their messages.
    """
    forks: list[_Fork] = []
    with selectors.DefaultSelector() as selector:
        try:
            yield forks, selector
        finally:
            for one in forks:
                with suppress(OSError):
                    one.ours.shutdown(socket.SHUT_RDWR)  # as if we were gone
            for one in forks:
                _ended(one)


def _begin(task: Task, others: Sequence[socket.socket]) -> _Fork:
    ours, theirs = socket.socketpair()
    process = get_context("fork").Process(target=_be, args=(task, [*others, ours], theirs))
    process.start()
    theirs.close()
    return _Fork(ours, process)


def _be(task: Task, others: Sequence[socket.socket], theirs: socket.socket) -> None:
    """Be a fork that does a task. Whoever has begun it says that it has stopped."""
    stopping.end_silently_at_signals()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, stopping.SIGNALS)
    for one in others:
        one.close()  # or they would not be seen to close
    try:
        status: int | None = task(partial(link.through, theirs))
    except stopping.Stopped:
        status = stopping.status()
    stopping.end_silently_at_signals()  # the task may have changed that
    sys.exit(status)


def _listen(fork: _Fork) -> list[dict[str, Any]] | None:
    """Return what a fork has reported since, None if it will report no more."""
    try:
        chunk = fork.ours.recv(link.CHUNK)
    except OSError:
        chunk = b""
    # One that was killed may have left half a message.
    return [json.loads(line) for line in fork.lines.add(chunk)] if chunk else None


def _ended(fork: _Fork) -> _Fork:
    fork.process.join(link.GRACE)
    fork.process.kill()
    fork.process.join()
    fork.ours.close()
    return fork


def _check(fork: _Fork) -> None:
    """Refuse to go on where a fork has failed.

    Raises:
        RunError: If it has.
    """
    code = fork.process.exitcode
    if not code:
        return
    why = f"ended with status {code}"
    if code < 0:
        why = "was killed, perhaps because memory ran out (fewer `runtime.workers` take less)"
    raise RunError(f"A process of this stage {why}. Finished work is kept, run again to go on.")
