"""How a stage has trainings done on a Ray cluster: it asks a process that speaks with it.

One process of a run is the cluster's client (`initsweep.cluster.driver`), so that stages, which
fork and stop in their own ways, hold nothing of Ray's. They reach it over a socket, whose name they
inherit; a stage that DVC runs without us begins one of its own. When a stage dies, what it has
asked for is cancelled; when the run dies, everything.
"""

import atexit
import contextlib
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from initsweep.core import artifacts
from initsweep.core.counted import counted
from initsweep.core.errors import ParamsError, RunError, WorkerMismatchError, cut
from initsweep.core.params import Params, Runtime
from initsweep.running.cluster_process import SOCKET, process
from initsweep.running.frames import frame, receive


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
    here, files = Path.cwd(), list[Path]()
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
