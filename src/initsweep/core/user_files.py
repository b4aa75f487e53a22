"""Files that the user names: are they there, can they be read, does memory hold what is in them?"""

import os
import resource
import shlex
import stat
from pathlib import Path

from initsweep.core.errors import DataError, InitsweepError, shown

SHARE = 4
"""Data may take one part in so many of the memory; what is made of them takes a few times more."""

CONTROL_GROUPS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""Where containers say how much memory they may use."""


def checked(path: Path, key: str) -> Path:
    """Return the path of a file that is there, can be read, is not empty and fits into memory.

    Args:
        path: The file.
        key: What names it, for messages: a key of params.yaml or an option.

    Raises:
        DataError: If it is not.
    """
    try:
        mode, size = path.stat().st_mode, path.stat().st_size
        if stat.S_ISREG(mode):
            path.open("rb").close()
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"{key}: there is no file {shown(str(path))} in {Path.cwd()}.") from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        why = getattr(error, "strerror", None) or str(error)
        how = (
            f"; allow it: chmod u+r {shlex.quote(str(path))}"
            if isinstance(error, PermissionError)
            else ""
        )
        raise DataError(f"{key}: {shown(str(path))} cannot be opened: {why}{how}.") from None
    if stat.S_ISDIR(mode):
        raise DataError(f"{key}: '{path}' is a folder; name the file in it.")
    refuse_pipes(f"{key}: '{path}'", mode, DataError)
    if not size:
        raise DataError(f"{key}: '{path}' is empty; write it again.")
    refuse_large(f"'{path}'", size)
    return path


def refuse_pipes(what: str, mode: int, kind: type[InitsweepError]) -> None:
    """Refuse what is neither file nor folder: it can be read once only, and keep us waiting.

    Args:
        what: What it is, for the message.
        mode: As `stat` says it.
        kind: What to raise.

    Raises:
        kind: If it is.
    """
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise kind(f"{what} is a pipe or device; write its content into a file.")


def refuse_large(what: str, needed: int) -> None:
    """Refuse to read what memory does not hold, before the system ends this process for it.

    Args:
        what: What is read, for the message.
        needed: How many bytes it takes.

    Raises:
        DataError: With what it takes and what there is.
    """
    memory = usable_memory()
    if needed > memory // SHARE:
        raise DataError(
            f"{what} takes {_gigabytes(needed)} in memory; of the {_gigabytes(memory)} here, data "
            f"may take {_gigabytes(memory // SHARE)}. Take fewer rows or columns, or a larger "
            "machine. If it should be small, it is damaged: write it again."
        )


def usable_memory() -> int:
    """Return how many bytes this process may use: the machine's, or less in a container."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in CONTROL_GROUPS:
        text = file.read_text(encoding="utf-8").strip() if file.is_file() else ""
        limits += [int(text)] if text.isdecimal() else []
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return min([*limits, *([] if soft == resource.RLIM_INFINITY else [soft])])


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.3g} GB"
