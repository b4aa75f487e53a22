"""The process that imports torch once and forks itself for every stage of `initsweep repro`.

It only ever imports: it draws no numbers, opens no database and computes nothing, so that a fork
of it is as good as a fresh process. It imports what the next stages need while a stage runs.
"""

import contextlib
import importlib
import json
import os
import select
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from initsweep.core import stopping

if __name__ == "__main__":
    stopping.end_silently_at_signals()  # before all other imports, which take seconds

from initsweep.commands.main import program
from initsweep.core import artifacts, link
from initsweep.core.errors import InitsweepError
from initsweep.running.dvc_file import kind_of, read_stages
from initsweep.running.warm_client import STARTED, STREAMS, identity
from initsweep.views.mlflow import preload_mlflow

DEFECT = 1  # the exit status of Python where an error escapes


def _modules(place: str, *names: str) -> list[Callable[[], object]]:
    return [partial(importlib.import_module, f"{place}.{name}") for name in names]


def _preload_export() -> None:
    """Import what writing a network down needs, if one is recommended and will be.

    Where this torch has it under that name; it takes as long as torch itself.
    """
    with contextlib.suppress(OSError, ValueError, KeyError, ImportError):
        if json.loads((artifacts.COMPARE / "verdict.json").read_bytes())["recommended"]:
            importlib.import_module("torch.export._trace")


STAGES = "initsweep.stages"
TRAINING = [
    *_modules(STAGES, "diagnose", "tune", "train", "settle"),
    *_modules("optuna", "distributions", "samplers"),
]
REPORTING = [
    *_modules(STAGES, "compare", "report", "publish", "serving"),
    preload_mlflow,
]
FIRST = {
    "prepare": _modules(STAGES, "prepare") + _modules("sklearn", "datasets", "model_selection"),
    **dict.fromkeys(("diagnose", "tune", "train", "settle", "tune_at"), TRAINING),
    **dict.fromkeys(("compare", "report"), REPORTING),
}
"""What to import before any stage asks, by the first one that will: DVC takes seconds to start."""

AHEAD = {
    "prepare": TRAINING,
    **dict.fromkeys(("diagnose", "tune", "train", "tune_at"), TRAINING + REPORTING),
    **dict.fromkeys(("settle", "compare"), REPORTING),
    "report": [*REPORTING, _preload_export],
}
"""What to import while a stage runs: what comes next, in that order, and never so much that the
next stage would have to wait for it. A study that is up to date runs `publish` only, and that only
looks."""


def serve(listening: socket.socket, first: str) -> None:
    """Fork for every request until standard input ends; import whenever nobody asks.

    Args:
        listening: Where requests come from.
        first: The stage that is expected first, "" for any: its imports begin while DVC starts.
    """
    # Before anything else: a source that is edited later is none that we can be sure to have.
    own = identity()
    to_import = [_read_the_stages, *FIRST.get(kind_of(first), [])]
    watched = [listening, sys.stdin]
    while True:
        ready, _, _ = select.select(watched, [], [], 0 if to_import else None)
        if sys.stdin in ready:
            return
        if listening in ready:
            _collect(os.WNOHANG)
            connection, _ = listening.accept()
            with connection:
                stage = _fork(connection, own)
            to_import = list(AHEAD.get(stage, []))
        elif to_import:
            to_import.pop(0)()


def _read_the_stages() -> None:
    """Let forks have read `dvc.yaml` and the parameters, unless these are edited later."""
    with contextlib.suppress(OSError, InitsweepError):  # whoever needs them says what is wrong
        read_stages(Path("dvc.yaml"))


def _collect(options: int) -> None:
    """Let children that have ended go, so that their processor time is counted."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, options)[0]:
            pass


def _fork(connection: socket.socket, own: list[str]) -> str:
    """Run one request in a child; not if it comes from other sources than our own.

    Returns:
        The name of the command, in the parent only: the child does not return.
    """
    request, streams = _receive(connection)
    fits = request["identity"] == own
    if fits and os.fork() == 0:
        _run(connection, request, streams)
    for stream in streams:
        os.close(stream)
    return str(request["arguments"][0]) if fits else ""


def _receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    size, streams, _, _ = socket.recv_fds(connection, 4, len(STREAMS))
    with connection.makefile("rb") as stream:
        return json.loads(stream.read(int.from_bytes(size, "big"))), streams


def _run(connection: socket.socket, request: dict[str, Any], streams: list[int]) -> None:
    """Become the process that has asked, run its command and end."""
    stopping.end_silently_at_signals()  # until the command says otherwise
    connection.sendall(STARTED)
    for target, stream in zip(STREAMS, streams, strict=True):
        os.dup2(stream, target)
    # What is a file here may be a pipe there.
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    threading.Thread(target=_end_with_the_client, args=[connection], daemon=True).start()
    status = DEFECT
    try:
        status = program(request["arguments"])
    except SystemExit as end:  # argparse
        status = end.code if isinstance(end.code, int) else DEFECT
    except BaseException:  # noqa: BLE001 - what the interpreter does at the end of a process
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):  # whoever has asked may be gone
            sys.stdout.flush()
            sys.stderr.flush()
            connection.sendall(bytes([status % 256]))
        os._exit(status % 256)  # nothing of the parent's is to be tidied up here


def _end_with_the_client(connection: socket.socket) -> None:
    if not connection.recv(1):
        link.stop_in_order()


def _end(*_: object) -> None:
    """End, at a signal or when all is done, as soon as all that was asked for has."""
    _collect(0)
    os._exit(0)  # to take down all that was imported would take a second


if __name__ == "__main__":
    # Nothing is raised: a second signal would find whatever handles the first.
    stopping.handle(_end)
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])
    _end()
