"""Tells the unfinished runs of a publisher that died from those that one is writing just now."""

import os
import socket
import time
from pathlib import Path
from typing import Any

_PROCESS = "published.by.process"  # while a run is being written, and no longer
PATIENCE = 600  # seconds until an unfinished run of another machine counts as left behind
_SINCE = " @"
_UNKNOWN = "?"
_STATE, _STARTED = 0, 19  # places in /proc/PID/stat, counted after the command's name


def publisher_tags(*, finished: bool) -> dict[str, str]:
    """Return the tags of a run that say who has written it, or is writing it."""
    host = {"published.by": socket.gethostname()}
    return host if finished else {**host, _PROCESS: f"{this_publisher()}{_SINCE}{time.time():.0f}"}


def finish(client: Any, run_id: str, end_time: int | None = None) -> None:  # noqa: ANN401
    """End a run; it counts as finished once it no longer says who is writing it."""
    client.set_terminated(run_id, end_time=end_time)
    client.delete_tag(run_id, _PROCESS)


def is_finished(run: Any) -> bool:  # noqa: ANN401 - MLflow's type
    """Return whether a run has been written to its end."""
    return run.info.status == "FINISHED" and _PROCESS not in run.data.tags


def this_publisher() -> str:
    """Return what no other process has: on no other machine, in no container, at no other time."""
    pid = os.getpid()
    return " ".join([socket.gethostname(), *_here(), str(pid), _stat(pid)[_STARTED]])


def is_left_behind(run: Any) -> bool:  # noqa: ANN401 - MLflow's type
    """Return whether a run that is not finished will never be."""
    publisher, _, begun = run.data.tags.get(_PROCESS, "").partition(_SINCE)
    if publisher == this_publisher():
        return True  # begun in an earlier pass, which failed
    match publisher.split():
        case [_, boot, space, pid, start] if [boot, space] == _here() and boot != _UNKNOWN:
            return not _lives(int(pid), start)
    # A run takes seconds to be written; that it began when the publication did says nothing.
    began = float(begun) if begun.isdecimal() else run.info.start_time / 1000
    return bool(time.time() - began > PATIENCE)


def _here() -> list[str]:
    """Return the boot of this machine and the namespace in which process numbers mean something."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return [boot, str(Path("/proc/self/ns/pid").readlink())]
    except OSError:  # a sandbox that shows neither
        return [_UNKNOWN, _UNKNOWN]


def _lives(pid: int, start: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is another user's
    try:
        stat = _stat(pid)
    except OSError:
        return True  # processes of other users may be hidden
    return stat[_STARTED] == start and stat[_STATE] != "Z"


def _stat(pid: int) -> list[str]:
    """Return what is known of a process; when it began counts, for numbers are used again."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return text.rpartition(")")[2].split()
