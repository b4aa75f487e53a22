"""The user's own networks, initializers and loaders: one folder, `own_code` in params.yaml.

Python finds its modules by their plain names, after all libraries, so that no library ever imports
a file of the user's in the place of its own. DVC watches the folder for every stage that resolves
names, and records count it as code, so that a change in it is never missed.
"""

import importlib
import importlib.util
import pkgutil
import re
import sys
from collections.abc import Iterable
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import distributions
from pathlib import Path

from initsweep.core.counted import IGNORE, PROJECT
from initsweep.core.errors import ParamsError

DOTTED = re.compile(r"[\w.]+:\w+")
NO_CODE = ("data/raw", "data/prepared", "results", "reports", ".git", ".dvc")
"""Where data and results lie: code among them would change with every run."""


class Place(str):
    """A folder of the user's on Python's path; all other entries hold libraries."""

    __slots__ = ()


def use(folder: str) -> None:
    """Let Python find the modules of the folder, after all others.

    Raises:
        ParamsError: If there is no such folder, or more than code that DVC can watch lies in it.
    """
    path = Path(folder)
    if not path.is_dir():
        raise ParamsError(
            f"own_code: there is no folder '{folder}' in {Path.cwd()}. It is where your own "
            "networks, initializers and loaders lie; make it, if only with a README in it."
        )
    _check_place(folder)
    for found in path.rglob(f"{PROJECT}*"):
        if found.name in {PROJECT, IGNORE}:
            raise ParamsError(
                f"own_code: '{found}' belongs to a project of DVC of its own, whose files DVC "
                "would not watch from here. Remove it."
            )
    refuse_names_of_libraries(path)
    search(path)


def refuse_names_of_libraries(folder: Path) -> None:
    """Refuse a folder with a module that would not be found, as a library has its name.

    Raises:
        ParamsError: Naming its file and the library.
    """
    importlib.invalidate_caches()  # Python may remember the folder as it was
    for module in pkgutil.iter_modules([str(folder.resolve())]):
        _refuse_hidden(module.name, folder, "own_code")


def use_here(arguments: Iterable[object]) -> None:
    """Let Python find modules of the current folder, if an argument names a `module:attribute`.

    Only then: libraries look for others that may be missing, and would run a file of that name.

    Args:
        arguments: What stands on the command line.
    """
    for name in (part for one in arguments for part in re.split(r",\s*", str(one))):
        if DOTTED.fullmatch(name):  # a part of a reason, or of a file's name, names none
            refuse_hidden(name)
            search(Path.cwd())


def search(folder: Path) -> None:
    """Let Python find the modules of a folder of the user's, after all others."""
    importlib.invalidate_caches()
    place = str(folder.resolve())
    if place not in sys.path:
        sys.path.append(Place(place))


def refuse_hidden(dotted: str, key: str = "") -> None:
    """Refuse a `module:attribute` that a library's module of the same name hides.

    Args:
        dotted: The name.
        key: Where it stands, for the message.
    """
    top = _top(dotted)
    for folder in (*(Path(place) for place in sys.path if isinstance(place, Place)), Path.cwd()):
        _refuse_hidden(top, folder, f"{key}: '{dotted}'" if key else f"'{dotted}'")


def _refuse_hidden(top: str, folder: Path, said: str) -> None:
    """Refuse a module of a folder that Python does not find, as a library has its name.

    Raises:
        ParamsError: Naming its file and the library.
    """
    own = _module_in(folder, top)
    library = own and _library(top)
    if library and library != str(own):
        raise ParamsError(
            f"{said}: '{own}' has the name of {library}, which Python imports instead. Rename it, "
            f"to 'my_{top}' for instance, also where it is named or imported."
        )


def _module_in(folder: Path, top: str) -> Path | None:
    """Return the file or package of that name in a folder."""
    spec = PathFinder.find_spec(top, [str(folder.resolve())])
    if spec is not None and spec.origin is not None:
        return Path(spec.origin).resolve()
    package = folder.resolve() / top
    return package if any(package.glob("*.py")) else None


def _library(top: str) -> str:
    """Return where a library has a module of this name; "" if none has."""
    if top in sys.builtin_module_names or top in sys.stdlib_module_names:
        return f"Python's own module '{top}'"
    before = list(sys.path)
    sys.path[:] = [place for place in before if not isinstance(place, Place)]
    try:
        found = (finder.find_spec(top, None) for finder in sys.meta_path)
        spec = next(filter(None, found), None)
    finally:
        sys.path[:] = before
    # A mere folder hides nothing.
    return "" if spec is None or spec.origin is None else str(Path(spec.origin).resolve())


def _check_place(folder: str) -> None:
    """Refuse a folder that holds the study, its data or its results, or lies among them.

    Raises:
        ParamsError: Saying what lies there.
    """
    place, here, package = (
        Path(folder).resolve(),
        Path.cwd().resolve(),
        Path(__file__).resolve().parents[1],
    )
    found = "the study itself" if here.is_relative_to(place) else ""
    for name in NO_CODE:
        other = (here / name).resolve()
        if not found and (place.is_relative_to(other) or other.is_relative_to(place)):
            found = f"'{name}'"
    if not found and package.is_relative_to(place):
        found = "initsweep itself"
    if found:
        raise ParamsError(
            f"own_code: '{folder}' holds {found} or lies in it, and own code must lie apart: all "
            "that changes in its folder trains again. Put your modules into a folder of their "
            "own, as in `own_code: own`."
        )


def _top(dotted: str) -> str:
    return dotted.partition(":")[0].partition(".")[0]


def place_of(dotted: str) -> Path | None:
    """Return the file or package that `module:attribute` lies in; None if Python finds none.

    Nothing of the user's is imported for that.
    """
    try:
        spec = importlib.util.find_spec(_top(dotted))
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).resolve()
    return None if spec.origin is None else Path(spec.origin).resolve()


def holds(folder: str, dotted: str) -> bool:
    """Return whether `module:attribute` lies in the folder."""
    place = place_of(dotted)
    return place is not None and place.is_relative_to(Path(folder).resolve())


@cache
def installed(dotted: str) -> list[str] | None:
    """Return what identifies the code of a `module:attribute` that was installed.

    Its package's files, by size and time, and the versions of all packages, as it may use any.

    Returns:
        One line each; None if it lies elsewhere, so that nobody can tell what else it uses.
    """
    place = place_of(dotted)
    if place is None or "site-packages" not in place.parts:
        return None
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place]
    stats = [(file, file.stat()) for file in files]
    versions = {f"{one.name} {one.version}" for one in distributions()}
    return [*sorted(versions), *(f"{at} {of.st_size} {of.st_mtime_ns}" for at, of in stats)]


def check(folder: str, names: Iterable[tuple[str, str]]) -> None:
    """Refuse modules that lie about in the study, where DVC would not see them change.

    Installed packages are let through: they change by installation.

    Args:
        folder: `own_code`.
        names: Keys of params.yaml with the names that stand there.

    Raises:
        ParamsError: Naming key, file and folder.
    """
    here = Path.cwd().resolve()
    for key, dotted in names:
        if not DOTTED.fullmatch(dotted):
            continue
        refuse_hidden(dotted, key)
        # Stages do not look in the current folder, but whoever left a module there is told.
        place = place_of(dotted) or _module_in(here, _top(dotted))
        if place is None or "site-packages" in place.parts or place == Path(__file__).parents[1]:
            continue
        if place.is_relative_to(here) and not holds(folder, dotted):
            raise ParamsError(
                f"{key}: '{dotted}' lies in '{place}', so DVC would not see it change. Move it "
                f"into '{folder}' (own_code)."
            )
