"""Opens the user's data files, unpacked, and says clearly where one is damaged or too wide."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from initsweep.core.errors import DataError
from initsweep.datasets.in_messages import in_one_line

MAXIMUM_FEATURES = 100_000
"""A first layer of 128 units on more features than this has over ten million weights."""

GZIP = b"\x1f\x8b"
PACKED_TIMES = 200
HARMLESS_BYTES = 1 << 26
"""Up to here, anything may be packed as tightly as it likes."""


def refuse_bomb(what: str, packed: int, unpacked: int) -> None:
    """Refuse what unpacks to so many times its size, in bytes, that it can be no data.

    Raises:
        DataError: With both sizes.
    """
    if unpacked > max(HARMLESS_BYTES, PACKED_TIMES * packed):
        raise DataError(
            f"{what} unpacks to over {PACKED_TIMES} times its size, which data hardly do: "
            f"{packed} bytes become {unpacked}. Is it damaged? If it is right, unpack it first."
        )


class _Unpacked(io.RawIOBase):
    """A gzip file, read as long as it can be data."""

    def __init__(self, path: Path) -> None:
        self._path, self._unpacked = path, 0
        self._packed = path.open("rb")
        self._stream = gzip.GzipFile(fileobj=self._packed)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        count = self._stream.readinto(buffer)
        self._unpacked += count
        refuse_bomb(f"'{self._path}'", self._packed.tell(), self._unpacked)
        return count

    def close(self) -> None:
        self._stream.close()
        self._packed.close()
        super().close()


def is_packed(path: Path) -> bool:
    """Return whether a file is gzip, whatever its name."""
    with path.open("rb") as stream:
        return stream.read(2) == GZIP


def opened(path: Path) -> BinaryIO:
    """Return the file opened for reading bytes, unpacked if it is gzip."""
    if is_packed(path):
        return cast(BinaryIO, io.BufferedReader(_Unpacked(path)))
    return path.open("rb")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Say what is wrong with a file that cannot be read.

    Yields:
        Nothing.

    Raises:
        DataError: If it is a damaged gzip file, for instance.
    """
    try:
        yield
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
