"""What both fuzzers share: rounds, bounds of time and memory, and what a refusal must say."""

import os
import random
import re
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from initsweep.core.errors import InitsweepError

ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "1"))
"""`make fuzz` plays more of them than the suite does. Every round has seeds of its own."""

SECONDS = 60
"""Far more than a case takes, the first imports of libraries included: this is against hanging."""

GIGABYTE = 1 << 30


class EndlessError(BaseException):
    """A case did not end; no handler of errors may take it for something else."""


def _ring(*_: object) -> None:
    raise EndlessError


@contextmanager
def bounded() -> Iterator[None]:
    """Let a case take some seconds and two gigabytes more than there are."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGALRM, _ring)
    signal.alarm(SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (used + 2 * GIGABYTE, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def check_told(error: InitsweepError, *names: str) -> None:
    """Check that a message names one of these, is not too long, and shows no internals."""
    text = str(error)
    assert any(name in text.lower() for name in names), f"none of {names} in: {text}"
    assert len(text) < 5000, text
    assert all(len(line) < 1500 for line in text.splitlines()), text
    assert text.rstrip().endswith((".", "?", "'", ")", "`", '"')), text
    assert not re.search(r"Traceback|at 0x[0-9a-f]{9,}|<class '|\bNoneType\b|pydantic", text), text


def rounds(seed: str, batches: int) -> list[random.Random]:
    """Return generators, the same every time: so many for each round."""
    return [random.Random(f"{seed} {number}") for number in range(ROUNDS * batches)]
