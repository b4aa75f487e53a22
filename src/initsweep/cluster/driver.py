"""The process of a run that speaks with the Ray cluster, and serves the stages of the run.

It is started with a socket to listen on, reads the address from its standard input, says on its
standard output whether the cluster has answered, and ends, with all that it has begun, when its
standard input does.
"""

import asyncio
import contextlib
import json
import logging
import os
import socket
import sys
from functools import partial
from typing import Any

import ray

from initsweep.cluster import nodes, study
from initsweep.cluster.asked import Asked, Send
from initsweep.cluster.tasks import Tasks
from initsweep.core.errors import cut, said_by
from initsweep.running.cluster_process import LOCAL
from initsweep.running.frames import SIZES, frame

_QUICK = 3.0  # seconds for a machine to take a connection


def main() -> None:
    """Connect, say so, serve."""
    said = sys.stdout
    sys.stdout = sys.stderr  # whatever Ray says
    asked = json.loads(sys.stdin.readline())
    try:
        _connect(asked["address"], asked["cores"])
    except Exception as error:  # noqa: BLE001 - Ray raises many kinds
        said.write(json.dumps({"error": _in_words(error)}) + "\n")
        said.flush()
        os._exit(1)  # threads of Ray's may still try
    said.write("{}\n")
    said.flush()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(socket.socket(fileno=int(sys.argv[1]))))
    ray.shutdown()


def _connect(address: str, cores: int) -> None:
    """Connect with a cluster, or start one of this machine's cores.

    Raises:
        ConnectionError: If nobody listens there.
        ValueError: If the address is none that we can use.
    """
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address == LOCAL:
        ray.init(address=LOCAL, num_cpus=cores, include_dashboard=False, **quiet)
        return
    host, _, port = address.rpartition(":")
    if "://" in address or not host or not port.isdecimal():
        raise ValueError("write it as host:port, that of `ray start --head`, or `local`")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _QUICK).close()
    except OSError as error:
        raise ConnectionError(f"nobody answers there ({error})") from None
    ray.init(address=address, **quiet)


def _in_words(error: BaseException) -> str:
    if "InvalidAuthToken" in str(error):
        return "it refuses our token; set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN as on its nodes"
    if error.__cause__ is not None:
        return _in_words(error.__cause__)
    return cut(" ".join(said_by(error)[:3]))


async def _serve(listening: socket.socket) -> None:
    """Serve until standard input ends."""
    ended = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), ended.cancel)
    tasks = Tasks()
    server = await asyncio.start_unix_server(partial(_attend, tasks, {}), sock=listening)
    watching = asyncio.ensure_future(tasks.watch())
    with contextlib.suppress(asyncio.CancelledError):
        await ended
    watching.cancel()
    server.close()


async def _attend(
    tasks: Tasks,
    studies: dict[str, tuple[str, Any]],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Serve one process, one request after the other, until it goes."""
    asked: Asked | None = None

    async def send(header: dict[str, object], content: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(frame(header, content))
            await writer.drain()

    try:
        while True:
            request = await _receive(reader)
            if "ask" in request:
                await send(await nodes.answer(request), b"")
            else:
                asked = await _begin(tasks, studies, request, send)
    except (EOFError, ConnectionError):
        if asked is not None:
            tasks.drop(asked)
    finally:
        writer.close()


async def _begin(
    tasks: Tasks, studies: dict[str, tuple[str, Any]], request: dict[str, Any], send: Send
) -> Asked | None:
    """Begin what a stage asks for.

    Returns:
        It, None if it was refused.
    """
    work = request["work"]
    named = json.dumps(work["study"])
    try:
        if named not in studies:
            content = study.packed((name, place) for name, place, *_ in work["study"])
            studies[named] = study.key_of(content), nodes.put(content)
        key, content = studies[named]
        asked = Asked(work=work, units=request["units"], key=key, content=content, send=send)
        tasks.add(asked)
    except (OSError, ValueError) as error:
        await send({"error": str(error)}, b"")
        return None
    return asked


async def _receive(reader: asyncio.StreamReader) -> dict[str, Any]:
    try:
        header, content = SIZES.unpack(await reader.readexactly(SIZES.size))
        found: dict[str, Any] = json.loads(await reader.readexactly(header))
        await reader.readexactly(content)
    except asyncio.IncompleteReadError as error:
        raise EOFError from error
    return found


if __name__ == "__main__":
    main()
