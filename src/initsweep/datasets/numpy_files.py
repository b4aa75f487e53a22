"""Opens `.npy` and `.npz` files: arrays of numbers or text, never pickled objects."""

import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from initsweep.core.errors import DataError, unheard
from initsweep.core.user_files import checked, refuse_large
from initsweep.datasets.file_kinds import HEAD_BYTES, NUMPY, PICKLE, described, names_in_zip
from initsweep.datasets.in_messages import in_one_line, legible_names, quoted
from initsweep.datasets.opening import refuse_bomb

PICKLED = "pickled Python objects, which may run any code when they are loaded; refused"


class Archive:
    """The arrays of an `.npz` file by name; objects among them do no harm unless asked for."""

    def __init__(self, path: Path, key: str = "data.source") -> None:
        """Look what it holds; each array is read when it is asked for.

        Args:
            path: The file.
            key: The parameter or option that names it, for messages.

        Raises:
            DataError: If it is no such file, or damaged.
        """
        self.path = path
        head = _head(path, key)
        if head.startswith(NUMPY):
            raise DataError(
                f"'{path}' holds one array; features and targets in a file each are "
                "data.source: npy:FEATURES.npy,TARGETS.npy."
            )
        if head.startswith(b"PK") and not zipfile.is_zipfile(path):
            raise DataError(f"'{path}' is an .npz file that was cut short; write or copy it again.")
        self.names = _arrays_in(path)
        if not head.startswith(b"PK") or (names_in_zip(path) and not self.names):
            raise DataError(_other_kind(path, head, ".npz"))

    def one_of(self, wanted: tuple[str, ...]) -> str:
        """Return the first of these names that there is.

        Raises:
            DataError: If there is none.
        """
        for name in wanted:
            if name in self.names:
                return name
        raise DataError(
            f"'{self.path}' has no array called {', '.join(wanted[:-1])} or {wanted[-1]}; it "
            f"has {legible_names(self.names) or 'none'}. np.savez('my.npz', "
            "features=..., targets=...) writes both."
        )

    def __getitem__(self, name: str) -> np.ndarray:
        """Return the array `name`; refuse one that is damaged or holds objects."""
        what = f"'{self.path}', array {quoted(name)},"
        with _guarded(what, "damaged"), zipfile.ZipFile(self.path) as archive:
            member = archive.getinfo(f"{name}.npy")
            refuse_bomb(what, member.compress_size, member.file_size)
            refuse_large(what, member.file_size)
            with archive.open(member) as stream:
                return _read(stream, member.file_size)


def load_array(path: Path, key: str = "data.source") -> np.ndarray:
    """Return the array in an `.npy` file.

    Args:
        path: The file.
        key: The parameter or option that names it, for messages.

    Raises:
        DataError: If it is no such file, cut short, or holds objects.
    """
    head = _head(path, key)
    if head.startswith(NUMPY):
        with _guarded(f"'{path}'", "cut short or damaged"), path.open("rb") as stream:
            return _read(stream, path.stat().st_size)
    if _arrays_in(path):
        raise DataError(
            f"'{path}' holds several arrays: name it as npz:{path}, or save one of them alone."
        )
    raise DataError(_other_kind(path, head, ".npy"))


def _read(stream: IO[bytes], size: int) -> np.ndarray:
    # NumPy believes the header; ValueError is what it raises, too.
    version = npy.read_magic(stream)
    if version > (2, 0):
        raise ValueError("it is a structured array, whose columns have names beyond ASCII")
    header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = header(stream)
    promised = math.prod(shape) * dtype.itemsize
    left = size - stream.tell()
    if min(shape, default=0) < 0 or (promised > left and not dtype.hasobject):
        raise ValueError(
            f"its header declares more than it holds, {shape} of {dtype}, and {left} bytes follow"
        )
    stream.seek(0)
    array: np.ndarray = npy.read_array(stream, allow_pickle=False)
    return array


def _head(path: Path, key: str) -> bytes:
    with checked(path, key).open("rb") as stream:
        return stream.read(HEAD_BYTES)


def _arrays_in(path: Path) -> list[str]:
    return [name.removesuffix(".npy") for name in names_in_zip(path) if name.endswith(".npy")]


@contextmanager
def _guarded(what: str, otherwise: str) -> Iterator[None]:
    # Says what is wrong with an array that cannot be read.
    try:
        with unheard():  # of files of Python 2
            yield
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001 - NumPy parses headers as Python, and zipfile trusts
        if "Object arrays" in str(error):
            raise DataError(
                f"{what} holds an array of objects, that is {PICKLED}. Save it as numbers, "
                "np.save(FILE, array.astype(float)), or as text, array.astype(str); where that "
                "fails, rows have different lengths."
            ) from None
        raise DataError(
            f"{what} is {otherwise}: {in_one_line(error)}. Write or copy it again."
        ) from None


def _other_kind(path: Path, head: bytes, suffix: str) -> str:
    if PICKLE.match(head):
        return (
            f"'{path}' holds {PICKLED}. If you trust it, load it in Python and save its arrays: "
            "np.savez('my.npz', features=..., targets=...)."
        )
    if NUMPY.startswith(head[: len(NUMPY)]):
        return f"'{path}' was cut short after {len(head)} bytes; write or copy it again."
    return f"'{path}' is no NumPy file ({suffix}); it looks like {described(path, head)}"
