"""Hand a stage over to a process that has its libraries imported already, if there is one.

DVC starts every stage as a process of its own, and most of these would spend more time importing
torch than training. So whoever leads a run keeps one process (`warm`) that imports once and forks
itself for every stage. Nothing depends on it: without it, or if it is of another installation,
a stage runs where it was started. Imports nothing but the standard library, and little of that.
"""

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from initsweep.core import link
from initsweep.core.stopping import RUN

WARM = "warm"
"""The warm process's socket in the folder of a run."""

STARTED = b"!"  # sent before the exit status; an end without it means: run it yourself
KILLED = 128 + signal.SIGKILL  # where a stage ended without giving a status: only that can be
STREAMS = (0, 1, 2)


@contextmanager
def warm_process(environment: Mapping[str, str], first: str = "") -> Iterator[None]:
    """Keep a warm process while the block runs. It ends with this one, however this one ends.

    Args:
        environment: The environment variables that stages will be started with; one of them names
            the folder of the run.
        first: The stage that will come first, as far as is known.

    Yields:
        Nothing, once it can be asked.
    """
    # Stages that connect early just wait; once that process has gone, they are refused.
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(Path(environment[RUN]) / WARM))
        listening.listen()
        process = subprocess.Popen(
            [sys.executable, "-m", "initsweep.commands.warm", str(listening.fileno()), first],
            stdin=subprocess.PIPE,  # its end of file says that we are gone
            pass_fds=[listening.fileno()],
            env=_as_the_stages(environment),
            start_new_session=True,  # signals of the terminal are for the leader alone
        )
    try:
        yield
    finally:
        process.terminate()  # it may be importing
        process.communicate()


def _as_the_stages(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of stages: in the repository they run its sources."""
    sources = {"PYTHONPATH": "src"} if Path("src/initsweep").is_dir() else {}
    return {**environment, **sources}


def hand_over(arguments: Sequence[str]) -> int | None:
    """Have a command of ours run by the warm process.

    Returns:
        Its exit status; None if nobody runs it, so that this process must.
    """
    folder = os.environ.get(RUN)
    if folder is None:
        return None
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(Path(folder) / WARM))
            send(connection, arguments)
            if connection.recv(1) != STARTED:
                return None
        except OSError:
            return None
        with contextlib.suppress(OSError):
            if status := connection.recv(1):
                return status[0]
    _tell_of_a_kill()
    return KILLED


def _tell_of_a_kill() -> None:
    link.connect()
    link.tell(
        error="This stage was killed, perhaps because memory ran out (`dmesg` would tell). "
        "Finished work is kept, run again to go on; fewer `runtime.workers` take less memory."
    )


def send(connection: socket.socket, arguments: Sequence[str]) -> None:
    """Send all that a stage inherits from the process that it was started as."""
    request = {
        "arguments": list(arguments),
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
        "identity": identity(),
    }
    content = json.dumps(request).encode()
    socket.send_fds(connection, [len(content).to_bytes(4, "big")], STREAMS)
    connection.sendall(content)


def identity() -> list[str]:
    """Return what must be the same for a stage to run elsewhere: interpreter and sources."""
    folder = Path(__file__).resolve().parents[1]
    files = sorted(
        (place, name, stat.st_size, stat.st_mtime_ns)
        for place, _, names in os.walk(folder)
        for name in names
        if not place.endswith("__pycache__")
        for stat in [os.stat(os.path.join(place, name))]  # noqa: PTH116, PTH118 - light
    )
    return [sys.executable, str(folder), hashlib.sha256(repr(files).encode()).hexdigest()]
