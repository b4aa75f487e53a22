"""Other publishers, other users and servers, as processes of their own."""

import os
import signal
import socket
import subprocess
import sys
import time
import traceback
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from initsweep.core.errors import InitsweepError
from initsweep.views.mlflow import preload_mlflow
from tests.views.mlflow.synthetic_study import NAMES, ROOT

PATIENCE = 90  # seconds until a server must answer, on a busy machine
NOBODY = 65534


def publisher(
    root: Path, *lines: str, uri: str = "sqlite:///mlflow.db", **environment: str
) -> subprocess.Popen:
    """Start a process that publishes `study`; `lines` run before."""
    program = [
        "from pathlib import Path",
        "from initsweep.views.mlflow import publish",
        "from initsweep.views.mlflow.store import Store",
        "from tests.made_study import changed",
        "from tests.views.mlflow.models import make_model",
        "from tests.views.mlflow.synthetic_study import make_params, make_study",
        f"study = make_study({NAMES!r})",
        *lines,
        f"publish(study, make_params(uri={uri!r}), Path({str(root)!r}))",
    ]
    path = f"{ROOT / 'src'}{os.pathsep}{ROOT}"
    return subprocess.Popen(
        [sys.executable, "-c", "\n".join(program)],
        env={**os.environ, "PYTHONPATH": path, **environment},
    )


def meet(own: Path) -> None:
    """Wait in a folder of one's own until somebody has come to the other one beside it."""
    preload_mlflow()
    (own / "here").touch()
    while len([*own.parent.glob("*/here")]) < 2:
        time.sleep(0.01)


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def served(command: list[str], root: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Run a server of MLflow's on a free port until the block ends, and give its address."""
    port = free_port()
    with (root / "server.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *command, "--port", str(port)],
            env={**os.environ, **environment},
            cwd=root,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait(f"http://127.0.0.1:{port}/health", process, root / "server.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=20)


def _wait(address: str, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"no server at {address}:\n{log.read_text()}")
            time.sleep(0.2)
        else:
            return


@contextmanager
def forked(function: Callable[[], object]) -> Iterator[int]:
    """Call a function in a fork of this process, which is quicker there than in a new one.

    Yields the process; when the block ends, the function must have come to its end.
    """
    child = os.fork()
    if child == 0:
        status = 1
        try:
            function()
            status = 0
        except BaseException:  # noqa: BLE001 - told by the status
            traceback.print_exc()
        finally:
            os._exit(status)
    try:
        yield child
    finally:
        _, status = os.waitpid(child, 0)
    assert status == 0


def as_another_user(root: Path, function: Callable[[], object]) -> str:
    """Call a function without the rights of root, in a fork of this process.

    Returns what an `InitsweepError` says, nothing if there is none. What belongs to root is then
    another user's; who is not root may have taken away rights from himself.
    """
    for folder in (root, *root.parents):
        if os.geteuid() == 0 and folder.stat().st_uid == 0:
            folder.chmod(folder.stat().st_mode | 0o011)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said = "the child failed"
        try:
            if os.geteuid() == 0:
                os.seteuid(NOBODY)
            function()
            said = ""
        except InitsweepError as error:
            said = str(error)
        except BaseException as error:  # noqa: BLE001 - all of it belongs to the parent
            said = repr(error)
        finally:
            os.write(writing, said.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said
