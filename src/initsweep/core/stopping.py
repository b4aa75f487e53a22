"""What every process of ours does when it is asked to stop: one line, no traceback.

Imports next to nothing, because it must be in force before anything else is imported.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

RUN = "INITSWEEP_RUN"
"""The environment variable that names the folder of the run that a process belongs to."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ONCE = 1.0  # seconds in which further signals are the same wish: `timeout` sends two


class Stopped(KeyboardInterrupt):
    """This process was asked to stop, by Ctrl-C or by a signal."""


_asked = 0  # the signal that has stopped this process in order, 0 for none


def status() -> int | None:
    """Return the exit status of a process that was asked to stop; None if this one was not.

    Whatever is raised after that comes from it: what is interrupted while it imports or calls back
    may raise anything.
    """
    return 128 + _asked if _asked else None


def end_at_signals() -> None:
    """End at a signal, from here on: nothing has begun yet, or all is done.

    Standard streams that are closed are opened on nothing, or the next file would take their
    place and be written to by every child.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115 - a descriptor
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    handle(_end)


def end_silently_at_signals() -> None:
    """End at a signal, from here on, without a word: whoever has begun this process says so."""
    handle(signal.SIG_DFL)


def raise_at_signals() -> None:
    """Raise `Stopped` in the main thread at a signal, from here on; the next one ends at once."""
    handle(_raise)
    sys.unraisablehook = _unraisable


def say_so() -> None:
    """Say that this process has stopped; in a run, whoever leads it says so once for all."""
    if RUN not in os.environ:
        with contextlib.suppress(OSError):  # the terminal may be gone
            os.write(2, b"initsweep: stopped; finished work is kept, run again to go on.\n")


def handle(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    """Have `handler` called at a signal, from here on."""
    for number in SIGNALS:
        # Who ignores a signal from the start was told to, by `nohup` for example; but SIGTERM is
        # what processes of a run stop themselves by.
        ours = number == signal.SIGTERM and RUN in os.environ
        if ours or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _end(number: int, _: FrameType | None) -> None:
    say_so()
    os._exit(128 + number)


def _raise(number: int, _: FrameType | None) -> None:
    global _asked  # a process is stopped once
    _asked, first = number, time.monotonic()

    def again(number: int, frame: FrameType | None) -> None:
        if time.monotonic() - first > ONCE:
            _end(number, frame)

    handle(again)
    raise Stopped(number)


def _unraisable(found: "sys.UnraisableHookArgs") -> None:
    """End where `Stopped` was raised in a place that cannot pass it on."""
    if isinstance(found.exc_value, Stopped):
        _end(_asked, None)
    sys.__unraisablehook__(found)
