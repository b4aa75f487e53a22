"""Reads a batch and its targets from files of NumPy's, or from code that makes them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from initsweep.core.errors import DataError, InitsweepError
from initsweep.core.registry import Registry
from initsweep.datasets.numpy_files import Archive, load_array
from initsweep.graph.torch_generator import private_draws

Arrays = np.ndarray | dict[str, np.ndarray]


_ENTRY = re.compile(r"[A-Za-z_]\w*(\.\w+)*:[A-Za-z_]\w*")


def read_batch(paths: Sequence[Path]) -> Any:  # noqa: ANN401 - whatever the user's code gives
    """Read inputs: one array, a tuple of several, or named ones; or of any form.

    Args:
        paths: `.npy` files in the order of arguments, one `.npz` file of named arguments, or
            "package.module:attribute", a batch or a function without arguments that returns one.

    Returns:
        Arrays as of `read_numbers`, or what the attribute is or returns.

    Raises:
        InitsweepError: If there are named and nameless ones, or the function fails.
    """
    if len(paths) == 1 and _ENTRY.fullmatch(name := str(paths[0])) and not paths[0].exists():
        return _made(name)
    parts = [read_inputs(path, "--batch") for path in paths]
    if len(parts) > 1 and any(isinstance(part, dict) for part in parts):
        raise InitsweepError(
            "--batch: give one .npz file, whose arrays are named arguments, or .npy files, in the "
            "order of the arguments; not both."
        )
    return parts[0] if len(parts) == 1 else tuple(parts)


def _made(name: str) -> Any:  # noqa: ANN401
    entry = cast(Any, Registry("batch", "initsweep.datasets").get(name))
    if not callable(entry):
        return entry
    try:
        with private_draws(0):
            return entry()
    except Exception as error:  # the user's own code may raise anything; it is chained
        reason = f"{type(error).__name__}: {error}"
        raise InitsweepError(f"--batch: '{name}' fails without arguments: {reason}") from error


def read_inputs(path: Path, option: str) -> Arrays:
    """Read a `.npy` file of numbers, or a `.npz` file of several such arrays by name.

    Args:
        path: The file.
        option: What names it, for messages.

    Returns:
        Arrays as of `read_numbers`.

    Raises:
        DataError: As `read_numbers`, or if there is no array.
    """
    if path.suffix.lower() != ".npz":
        return read_numbers(path, option)
    archive = Archive(path, option)
    if not archive.names:
        raise DataError(f"{option}: '{path}' holds no array.")
    return {name: _numbers(archive[name], f"{path}, {name}", option) for name in archive.names}


def read_numbers(path: Path, option: str) -> np.ndarray:
    """Read a `.npy` file of numbers.

    Args:
        path: The file.
        option: What names it, for messages.

    Returns:
        The array, as whole numbers of 64 bits or in single precision.

    Raises:
        DataError: If the file is missing, is no array, is pickled, or holds no numbers or such that
            do not fit.
    """
    return _numbers(load_array(path, option), str(path), option)


def _numbers(array: np.ndarray, where: str, option: str) -> np.ndarray:
    """Return an array as whole numbers of 64 bits or in single precision; truth values as they are.

    Raises:
        DataError: If it holds no numbers or such that do not fit.
    """
    if array.dtype.kind not in "fiub" or array.ndim == 0:
        raise DataError(f"{option}: '{where}' must hold one array of numbers, not {array.dtype}.")
    if array.dtype.kind == "b":
        return array
    kind = np.int64 if array.dtype.kind in "iu" else np.float32
    with np.errstate(over="ignore"):
        numbers: np.ndarray = array.astype(kind)
    wrong = numbers != array if kind is np.int64 else np.isinf(numbers) & np.isfinite(array)
    if wrong.any():
        raise DataError(
            f"{option}: '{where}' holds {array[wrong][0]}, which is too large for "
            f"{numbers.dtype}; scale the numbers first."
        )
    return numbers
