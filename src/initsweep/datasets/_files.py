"""Opens the user's files, and says clearly where one is missing or of another kind."""

import gzip
import shlex
import stat
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from initsweep.datasets._wording import in_one_line, quoted
from initsweep.errors import DataError

MAXIMUM_FEATURES = 100_000
"""A first layer of 128 units on more features than this has over ten million weights."""

GZIP = b"\x1f\x8b"


def checked(path: Path, key: str = "data.source") -> Path:
    """Return the path of a file that is there, can be read and is not empty.

    Raises:
        DataError: If it is not.
    """
    try:
        mode, size = path.stat().st_mode, path.stat().st_size
        if stat.S_ISREG(mode):
            path.open("rb").close()
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"{key}: there is no file '{path}' in {Path.cwd()}.") from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        why = getattr(error, "strerror", None) or str(error)
        how = (
            f"; allow it: chmod u+r {shlex.quote(str(path))}"
            if isinstance(error, PermissionError)
            else ""
        )
        raise DataError(f"{key}: {quoted(path)} cannot be opened: {why}{how}.") from None
    if stat.S_ISDIR(mode):
        raise DataError(f"{key}: '{path}' is a folder; name the file in it.")
    if not stat.S_ISREG(mode):  # it would be read more than once, and could keep us waiting
        raise DataError(f"{key}: '{path}' is a pipe or device; write its content into a file.")
    if not size:
        raise DataError(f"{key}: '{path}' is empty; write it again.")
    return path


def opened(path: Path) -> BinaryIO:
    """Return the file opened for reading bytes, unpacked if it is gzip (whatever its name)."""
    with path.open("rb") as stream:
        packed = stream.read(2) == GZIP
    return cast(BinaryIO, gzip.open(path, "rb")) if packed else path.open("rb")


def read_all(path: Path) -> bytes:
    """Return the whole content, unpacked.

    Raises:
        DataError: If it is a damaged gzip file.
    """
    try:
        with opened(path) as stream:
            return stream.read()
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(
            f"'{path}' cannot be read: {in_one_line(error)}. Write or download it again."
        ) from None


def check_width(path: Path | str, count: int) -> None:
    """Refuse more columns than a network can be given.

    Raises:
        DataError: If there are more than `MAXIMUM_FEATURES`.
    """
    if count > MAXIMUM_FEATURES:
        raise DataError(
            f"'{path}' has {count} columns; at most {MAXIMUM_FEATURES}. If rows and columns are "
            "swapped, transpose it; otherwise choose columns before."
        )
