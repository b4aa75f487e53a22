"""Runs tasks in forks of this process, a few at the same time, and hears what they report.

A fork reports as a stage does to its leader, over a connection of its own. When this process stops,
or dies, the connections close, and the forks stop in order.
"""

import json
import os
import selectors
import signal
import socket
import sys
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Any

from initsweep.core import link, stopping
from initsweep.core.errors import RunError

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

    Args:
        work: May depend on all that is in this process now. What raises an error there is done
            here once more, so that the caller gets the error itself.
        n: How many times it is to be done.
        workers: How many at the same time.

    Yields:
        A number and what `work` returned for it, in the order in which they were done.

    Raises:
        RunError: If a fork was killed.
    """
    with tempfile.TemporaryFile() as todo:
        # Forks share the place up to which an open file was read.
        todo.writelines(number.to_bytes(_NUMBER) for number in range(n))
        todo.seek(0)
        for told in run([partial(_take_turns, work, todo.fileno())] * workers, workers):
            if (number := told.get("number")) is not None:
                yield number, b64decode(told["done"]) if "done" in told else work(number)


_NUMBER = 8  # bytes


def _take_turns(work: Callable[[int], bytes], todo: int, connect: Callable[[], None]) -> int:
    """Do what nobody has begun, until nothing is left.

    Returns:
        The exit status.
    """
    for number in stopping.SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)  # whoever has begun this says that it has stopped
    connect()
    while taken := os.read(todo, _NUMBER):
        turn = int.from_bytes(taken)
        try:
            done = work(turn)
        except Exception:  # noqa: BLE001 - a user's code may raise anything
            link.tell(number=turn)
        else:
            link.tell(number=turn, done=b64encode(done).decode())
    return 0


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
