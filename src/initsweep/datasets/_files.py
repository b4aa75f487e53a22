"""Opens the user's files, and says clearly where one is missing or of another kind."""

import gzip
from pathlib import Path
from typing import BinaryIO, cast

from initsweep.errors import DataError

MAXIMUM_FEATURES = 100_000
"""A first layer of 128 units on more features than this has over ten million weights."""

GZIP = b"\x1f\x8b"


def checked(path: Path, key: str = "data.source") -> Path:
    """Return the path of a file that is there and not empty.

    Raises:
        DataError: If it is not.
    """
    if path.is_dir():
        raise DataError(f"{key}: '{path}' is a folder; name the file in it.")
    if not path.exists():
        raise DataError(
            f"{key}: there is no file '{path}'. Paths are relative to the project's root."
        )
    if not path.stat().st_size:
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
    except (EOFError, gzip.BadGzipFile, OSError) as error:
        raise DataError(f"'{path}' cannot be read: {error}.") from None


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
