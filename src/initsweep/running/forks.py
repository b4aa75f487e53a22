"""Runs tasks in forks of this process, a few at the same time, and hears what they report.

A fork reports as a stage does to its leader, over a connection of its own. When this process stops,
or dies, the connections close, and the forks stop in order.
"""

import json
import selectors
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Any

from initsweep.core import link
from initsweep.core.errors import RunError

Task = Callable[[Callable[[], None]], int]
"""Is given what connects its process, and returns its exit status."""


@dataclass(slots=True, eq=False)
class _Fork:
    ours: socket.socket
    process: BaseProcess
    lines: link.Lines = field(default_factory=link.Lines)


def run(tasks: Sequence[Task], at_once: int, hear: Callable[[dict[str, Any]], None]) -> None:
    """Run all tasks.

    Args:
        tasks: What to do, each in a process of its own.
        at_once: How many at the same time.
        hear: Called with each message of each, here; what it raises stops all.

    Raises:
        RunError: If one failed without having said why.
    """
    waiting = list(tasks)
    with _forks() as (forks, selector):
        while waiting or forks:
            while waiting and len(forks) < at_once:
                fork = _begin(waiting.pop(0), [one.ours for one in forks])
                forks.append(fork)
                selector.register(fork.ours, selectors.EVENT_READ, fork)
            for key, _ in selector.select():
                if not _listen(key.data, hear):
                    selector.unregister(key.data.ours)
                    forks.remove(key.data)
                    _check(_ended(key.data))


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
    """Be a fork that does a task."""
    for one in others:
        one.close()  # or they would not be seen to close
    sys.exit(task(partial(link.through, theirs)))


def _listen(fork: _Fork, hear: Callable[[dict[str, Any]], None]) -> bool:
    """Read what a fork reports.

    Returns:
        Whether it may report more.
    """
    try:
        chunk = fork.ours.recv(link.CHUNK)
    except OSError:
        chunk = b""
    for line in fork.lines.add(chunk) if chunk else ():  # a killed one may leave half a message
        hear(json.loads(line))
    return bool(chunk)


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
