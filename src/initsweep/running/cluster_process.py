"""Begins the process of a run that speaks with a Ray cluster, and ends it with the run."""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from initsweep.core.errors import ParamsError, RunError, require

SOCKET = "INITSWEEP_CLUSTER"
"""The environment variable that names the socket of the process that speaks with the cluster."""

LOCAL = "local"
"""The address of a cluster that is begun with the run, of this machine's cores."""

PATIENCE = 12.0  # seconds for a cluster to answer
STARTING = 60.0  # and for one of this machine to start

LEAVING = 5.0  # seconds for what runs there to be cancelled

QUICK = {
    "RAY_NUM_REDIS_GET_RETRIES": "3",  # a wrong token does not become right
    "RAY_core_worker_rpc_server_reconnect_timeout_base_s": "1",
    "RAY_raylet_rpc_server_reconnect_timeout_base_s": "1",
}
"""What makes Ray say sooner that a cluster refuses us, or that a worker or node has gone."""


@contextmanager
def process(address: str | None, cores: int) -> Iterator[dict[str, str]]:
    """Keep a connection with a cluster while the block runs.

    Args:
        address: host:port of the cluster; None for what RAY_ADDRESS says, "local" to start one.
        cores: Of this machine, for one that is started.

    Yields:
        Environment variables for those who are to use it, once the cluster has answered.

    Raises:
        ParamsError: If no cluster is named.
        RunError: If it does not answer, or refuses us.
    """
    address = address or os.environ.get("RAY_ADDRESS", "")
    if not address:
        raise ParamsError(
            "runtime.address: it is null and RAY_ADDRESS is not set, so there is no cluster to "
            "train on. Give host:port, or `local` to try it on this machine's cores."
        )
    require("ray", extra="ray")
    with tempfile.TemporaryDirectory(prefix="initsweep-") as folder:
        place = Path(folder) / "cluster"
        with socket.socket(socket.AF_UNIX) as listening, (Path(folder) / "log").open("wb") as log:
            listening.bind(str(place))
            listening.listen(128)
            sources = str(Path(__file__).parents[2])  # `src` would be none in another folder
            driver = subprocess.Popen(
                [sys.executable, "-m", "initsweep.cluster.driver", str(listening.fileno())],
                stdin=subprocess.PIPE,  # its end of file says that we are gone
                stdout=subprocess.PIPE,
                stderr=log,
                pass_fds=[listening.fileno()],
                env={
                    **QUICK,
                    **os.environ,
                    "PYTHONPATH": _first(sources, os.environ.get("PYTHONPATH")),
                },
                cwd=folder,  # Ray lets workers import what lies in it
                start_new_session=True,  # signals of the terminal are for us alone
            )
        patience = 0.0
        try:
            _ask(driver, address, cores)
            patience = LEAVING
            yield {SOCKET: str(place)}
        finally:
            _end(driver, patience)


def _first(sources: str, others: str | None) -> str:
    return os.pathsep.join([sources, *([] if others is None else [others])])


def _ask(driver: "subprocess.Popen[bytes]", address: str, cores: int) -> None:
    """Wait until the cluster has answered.

    Raises:
        RunError: If it does not, or refuses us.
    """
    asked = {"address": address, "cores": cores}
    if driver.stdin is None or driver.stdout is None:
        raise RunError("The process that speaks with the cluster has no pipes.")
    with contextlib.suppress(BrokenPipeError):
        driver.stdin.write(json.dumps(asked).encode() + b"\n")
        driver.stdin.flush()
    patience = STARTING if address == LOCAL else PATIENCE
    ready, _, _ = select.select([driver.stdout], [], [], patience)
    said = driver.stdout.readline() if ready else b""
    if not ready:
        raise RunError(_unreachable(address, f"no answer in {patience:g} seconds"))
    answer = json.loads(said) if said else {"error": "the process that asked it died"}
    if "error" in answer:
        raise RunError(_unreachable(address, answer["error"]))


def _unreachable(address: str, why: str) -> str:
    return (
        f"runtime.address: the Ray cluster at '{address}' cannot be used: {why}. Nothing was "
        "trained. `initsweep cluster check` looks again; `executor: local` trains here."
    )


def _end(driver: "subprocess.Popen[bytes]", patience: float) -> None:
    for pipe in (driver.stdin, driver.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    try:
        driver.wait(patience)
    except subprocess.TimeoutExpired:
        driver.kill()
        driver.wait()
