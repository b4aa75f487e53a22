"""A stage's connection with the process that leads its run, if one does.

Over it the stage tells what it does, how far it is and what went wrong, so that one process alone
writes to the terminal; and it learns that the run is to stop. The kernel closes it when the leader
dies, however it dies, and then the stage stops too. Imports nothing but the standard library.
"""

import contextlib
import json
import os
import signal
import socket
import threading
import time

from initsweep.core.stopping import RUN

LEADER = "leader"
"""The leader's socket in the folder of the run."""

GRACE = 20.0  # seconds for a stage to stop in order: a step of training may take some
CHUNK = 65536  # bytes read at once
_leader: socket.socket | None = None


class Lines:
    """Cuts what is read into lines."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []  # not put together before the line ends: it may be long

    def add(self, chunk: bytes) -> list[str]:
        """Return the lines that are complete; at the end, which is an empty chunk, the rest too."""
        first, *more = chunk.split(b"\n")
        self._rest.append(first)
        if chunk and not more:
            return []
        lines = [b"".join(self._rest), *more]
        last = lines.pop() if chunk or not lines[-1] else b""
        self._rest = [last]
        return [line.decode(errors="replace") for line in lines]


def connect() -> None:
    """Report to the leader of the run that this process belongs to, if it belongs to one.

    From here on the main thread gets SIGTERM when the run is to stop.
    """
    if RUN not in os.environ:
        return
    leader = socket.socket(socket.AF_UNIX)
    with contextlib.suppress(OSError):  # it has gone: reading says so at once
        leader.connect(os.path.join(os.environ[RUN], LEADER))  # noqa: PTH118 - light
    through(leader)


def through(leader: socket.socket) -> None:
    """Report to whoever holds the other end of a socket, and stop when that is closed."""
    global _leader  # a process has one leader
    if _leader is not None:
        _leader.close()  # it was that of the process which has forked us
    _leader = leader
    tell(process=os.getpid())
    threading.Thread(target=_obey, args=[leader], daemon=True).start()


def tell(**message: object) -> bool:
    """Tell the leader something.

    Returns:
        Whether there is one that listens.
    """
    if _leader is None:
        return False
    message["stage"] = os.environ.get("DVC_STAGE", "")
    try:
        _leader.sendall(json.dumps(message).encode() + b"\n")
    except OSError:
        return False
    return True


def stop_in_order() -> None:
    """Stop this process in order, from any of its threads; at once if that takes too long."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(128 + signal.SIGTERM)


def _obey(leader: socket.socket) -> None:
    with contextlib.suppress(OSError):
        leader.recv(1)
    stop_in_order()
