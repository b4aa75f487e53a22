"""Finds the user's own code and takes it along into the folder `own/` of a new study."""

import importlib
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from initsweep.core import own_code
from initsweep.core.counted import is_made
from initsweep.core.errors import InitsweepWarning, UnknownNameError
from initsweep.core.own_code import DOTTED
from initsweep.datasets.readers import READERS
from initsweep.starting.folder import OWN


def found(folder: Path, names: Iterable[tuple[str, str]]) -> list[Path]:
    """Return what to copy of the code below the working directory, absolute.

    A module that lies in `folder` is copied with all that lies beside it, any other alone.

    Args:
        folder: Where own code lies, beside the working directory itself; it may be missing.
        names: Where names stand, and the names; those that are no `module:attribute` are left out.

    Raises:
        UnknownNameError: If Python finds no such module.
    """
    here = Path.cwd().resolve()
    READERS.names()  # imports libraries, before they could find here what they lack
    before = list(sys.path)
    own_code.search(folder)
    own_code.search(here)
    try:
        return _found(folder.resolve(), here, names)
    finally:
        sys.path[:] = before


def _found(folder: Path, here: Path, names: Iterable[tuple[str, str]]) -> list[Path]:
    copied: dict[Path, None] = {}
    for key, dotted in names:
        kind = dotted.partition(":")[0]
        if not DOTTED.fullmatch(dotted) or kind in READERS.names() or Path(dotted).exists():
            continue
        own_code.refuse_hidden(dotted, key)
        origin = own_code.place_of(dotted)
        if origin is None:
            raise UnknownNameError(
                f"{key}: '{dotted}': Python finds no module '{kind}' in {here}, in its folder "
                f"'{os.path.relpath(folder, here)}' or among what is installed."
            )
        if origin.is_relative_to(folder):
            own_code.refuse_names_of_libraries(folder)
            beside = (path for path in sorted(folder.iterdir()) if not is_made(path.name))
            copied |= dict.fromkeys(beside)
            _tell_of_twin(key, dotted, origin, here / origin.relative_to(folder))
        elif origin.is_relative_to(here) and "site-packages" not in origin.parts:
            copied[origin] = None
    return list(copied)


def _tell_of_twin(key: str, dotted: str, taken: Path, twin: Path) -> None:
    """Warn if another version of the module lies where it was called for."""
    if taken.is_file() and twin.is_file() and taken.read_bytes() != twin.read_bytes():
        told = f"{key}: '{dotted}' is taken from '{taken}', which differs from '{twin}'."
        warnings.warn(told, InitsweepWarning, stacklevel=2)


@contextmanager
def copies_only(code: Sequence[Path], caller: Path) -> Iterator[None]:
    """Import what was copied from the copies alone, as the study will.

    Args:
        code: What was copied, where it came from.
        caller: The folder where `init` was called: Python looks there, too, but not from the study.

    Yields:
        Nothing.

    Raises:
        UnknownNameError: If a copy imports what was not copied.
    """
    before, origins = list(sys.path), {caller.resolve(), *(path.parent for path in code)}
    sys.path[:] = [place for place in before if not place or Path(place).resolve() not in origins]
    importlib.invalidate_caches()
    own_code.use(str(OWN))
    try:
        yield
    except UnknownNameError as error:
        if not (code and isinstance(error.__cause__, ModuleNotFoundError)):
            raise
        raise UnknownNameError(
            f"{error} init copies a module alone, but a folder '{OWN}' as a whole: put all your "
            f"modules into '{OWN}' first."
        ) from error.__cause__
    finally:
        sys.path[:] = before
