"""Opens `.npy` and `.npz` files: arrays of numbers or text, never pickled objects."""

import tokenize
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from initsweep.datasets._files import checked
from initsweep.datasets._kinds import HEAD_BYTES, NUMPY, PICKLE, described, names_in_zip
from initsweep.datasets._wording import in_one_line, listed, quoted
from initsweep.errors import DataError

PICKLED = "pickled Python objects, which may run any code when they are loaded; refused"
AS_NUMBERS = (
    "Save it as numbers, np.save(FILE, array.astype(float)), or as text, array.astype(str); where "
    "that fails, rows have different lengths"
)


class Archive:
    """The arrays of an `.npz` file by name; objects among them do no harm unless asked for."""

    def __init__(self, path: Path) -> None:
        """Look what it holds.

        Args:
            path: The file.
        """
        self.path = path
        self.names = _arrays_in(path)

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
            f"has {listed(self.names) or 'none'}. np.savez('my.npz', "
            "features=..., targets=...) writes both."
        )

    def __getitem__(self, name: str) -> np.ndarray:
        """Return the array `name`.

        Raises:
            DataError: If it is damaged or holds objects.
        """

        def read() -> Any:  # noqa: ANN401 - NumPy's
            with np.load(self.path, allow_pickle=False) as archive:
                return archive[name]

        loaded: np.ndarray = _guarded(read, f"'{self.path}', array {quoted(name)},", "damaged")
        return loaded


def load_array(path: Path) -> np.ndarray:
    """Return the array in an `.npy` file.

    Raises:
        DataError: If it is no such file, cut short, or holds objects.
    """
    head = _head(path)
    if head.startswith(NUMPY):
        loaded: np.ndarray = _guarded(
            lambda: np.load(path, allow_pickle=False), f"'{path}'", "cut short or damaged"
        )
        return loaded
    if names_in_zip(path) and _arrays_in(path):
        raise DataError(f"'{path}' holds several arrays: write data.source: npz:{path}.")
    raise DataError(_other_kind(path, head, ".npy"))


def load_archive(path: Path) -> Archive:
    """Return the arrays in an `.npz` file, each read when it is asked for.

    Raises:
        DataError: If it is no such file, or damaged.
    """
    head = _head(path)
    if head.startswith(NUMPY):
        raise DataError(
            f"'{path}' holds one array; features and targets in a file each are "
            "data.source: npy:FEATURES.npy,TARGETS.npy."
        )
    if head.startswith(b"PK"):
        if not zipfile.is_zipfile(path):
            raise DataError(f"'{path}' is an .npz file that was cut short; write or copy it again.")
        if _arrays_in(path) or not names_in_zip(path):
            return Archive(path)
    raise DataError(_other_kind(path, head, ".npz"))


def _head(path: Path) -> bytes:
    with checked(path).open("rb") as stream:
        return stream.read(HEAD_BYTES)


def _arrays_in(path: Path) -> list[str]:
    return [name.removesuffix(".npy") for name in names_in_zip(path) if name.endswith(".npy")]


def _guarded(read: Callable[[], Any], what: str, otherwise: str) -> Any:  # noqa: ANN401
    """Return what is read.

    Raises:
        DataError: If it cannot be, with the reason.
    """
    try:
        return read()
    except MemoryError as error:
        raise DataError(
            f"{what} declares more than this machine's memory holds ({in_one_line(error)}). Is it "
            "damaged? Otherwise take fewer rows or a smaller type."
        ) from None
    # RuntimeError: encrypted. NumPy parses the header as Python, hence SyntaxError and the like.
    except (
        ValueError, TypeError, SyntaxError, EOFError, OSError, RuntimeError,
        zipfile.BadZipFile, zlib.error, tokenize.TokenError,
    ) as error:  # fmt: skip
        if "Object arrays" in str(error):
            raise DataError(
                f"{what} holds an array of objects, that is {PICKLED}. {AS_NUMBERS}."
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
    kind = described(path, head)
    return f"'{path}' is no NumPy file ({suffix}); it looks like {kind.what}. {kind.remedy}."
