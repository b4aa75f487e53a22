"""How a stage has trainings done on a Ray cluster: it asks a process that speaks with it.

One process of a run is the cluster's client (`initsweep.cluster.driver`), so that stages, which
fork and stop in their own ways, hold nothing of Ray's. They reach it over a socket, whose name they
inherit; a stage that DVC runs without us begins one of its own. When a stage dies, what it has
asked for is cancelled; when the run dies, everything.
"""

import atexit
import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from initsweep.core import artifacts
from initsweep.core.counted import counted
from initsweep.core.errors import ParamsError, RunError, WorkerMismatchError, cut, require
from initsweep.core.params import Params, Runtime
from initsweep.running.frames import frame, receive

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


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a unit of work: its place among those asked for, and what was made of it."""

    place: int
    content: bytes


class Cluster:
    """A connection with the process that speaks with the cluster.

    Attributes:
        process_id: Of the process that it is the connection of.
    """

    def __init__(self, connection: socket.socket, process_id: int) -> None:
        self._connection, self.process_id = connection, process_id

    def run(self, work: Mapping[str, object], units: Sequence[object]) -> Iterator[Done]:
        """Have units of work done.

        Args:
            work: What they have in common, for `initsweep.cluster.worker`.
            units: The units, as JSON has them.

        Yields:
            What came of each, as it comes.

        Raises:
            RunError: If one failed, or the connection was lost.
        """
        left = len(units)
        self._send({"work": work, "units": units})
        while left:
            header, content = self._heard()
            for place, size in header["parts"]:
                yield Done(place, content[:size])
                content, left = content[size:], left - 1

    def ask(self, question: str, **more: object) -> dict[str, Any]:
        """Return the answer to a question about the cluster.

        Raises:
            RunError: If there is none.
        """
        self._send({"ask": question, **more})
        return self._heard()[0]

    def close(self) -> None:
        """Give up what was asked for."""
        self._connection.close()

    def _send(self, header: Mapping[str, object]) -> None:
        try:
            self._connection.sendall(frame(header))
        except OSError as error:
            raise RunError(_LOST) from error

    def _heard(self) -> tuple[dict[str, Any], bytes]:
        try:
            header, content = receive(self._connection)
        except (OSError, EOFError) as error:
            raise RunError(_LOST) from error
        if "error" in header:
            raise (WorkerMismatchError if header.get("mismatch") else RunError)(header["error"])
        return header, content


_LOST = (
    "The connection with the Ray cluster was lost: its head has gone, or the process here that "
    "spoke with it. Finished work is kept, run again to go on."
)
_own = contextlib.ExitStack()  # of a stage that leads itself
_cluster: Cluster | None = None
_share: int | None = None


def share(slots: int) -> None:
    """Let this process cut its work for so many slots, as others use the cluster as well."""
    global _share
    _share = slots


def of(runtime: Runtime) -> Cluster | None:
    """Return the connection of this process with the cluster; None where this machine trains.

    Raises:
        RunError: If the cluster does not answer.
    """
    global _cluster
    if runtime.executor == "local":
        return None
    if _cluster is None or _cluster.process_id != os.getpid():  # another's, which has forked us
        if SOCKET not in os.environ:
            atexit.register(leave)
            os.environ |= _own.enter_context(process(runtime.address, runtime.n_workers))
        _cluster = connect(os.environ[SOCKET])
    return _cluster


def connect(place: str) -> Cluster:
    """Return a connection with the process that listens there.

    Raises:
        RunError: If it has gone.
    """
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(place)
    except OSError as error:
        raise RunError(_LOST) from error
    return Cluster(connection, os.getpid())


def leave() -> None:
    """End the connection of this process with the cluster, if it has one."""
    global _cluster
    if _cluster is not None:
        _cluster.close()
        _cluster = None
    _own.close()


def slots(cluster: Cluster, needs: Mapping[str, float]) -> int:
    """Return for how many units at the same time this process may cut its work."""
    return _share or max(1, cluster.ask("slots", needs=needs)["slots"])


def needs_of(params: Params, device: str) -> dict[str, float]:
    """Return what a training, or a chunk of them, takes of a node.

    Args:
        params: Of the study.
        device: The kind that the engine trains on.
    """
    if params.loop is not None:
        return dict(params.loop.resources.model_dump())
    runtime = params.runtime
    return {"cpu": runtime.threads, "gpu": runtime.gpu_share if device == "cuda" else 0}


def study_files(params: Params) -> list[list[object]]:
    """Return the files that trainings need: name in the study, place here, size and time of change.

    Raises:
        ParamsError: If own code lies elsewhere, where it has no name.
    """
    here, files = Path.cwd(), [Path("params.yaml")]
    wanted = [artifacts.PREPARED, Path(params.own_code)]
    if params.model.transfer is not None:
        wanted.append(Path(params.model.transfer.pretrained))
    if params.loop is not None:
        wanted.append(Path(params.data.watch))
    for place in wanted:
        if not place.resolve().is_relative_to(here.resolve()):
            raise ParamsError(
                f"runtime.executor: with `ray`, '{cut(str(place))}' has to lie in the folder of "
                "the study, from where it is brought to the nodes. Move it there."
            )
        files += counted(place)
    found = [(file, file.stat()) for file in dict.fromkeys(files)]
    return [
        [os.path.relpath(file), str(file.absolute()), stat.st_size, stat.st_mtime_ns]
        for file, stat in found
    ]
