"""The user's own networks, initializers and loaders: one folder, `own_code` in params.yaml.

Python finds its modules by their plain names. DVC watches the folder for every stage that resolves
names, and records count it as code, so that a change in it is never missed.
"""

import importlib
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path, PurePath

from initsweep.errors import ParamsError

DOTTED = re.compile(r"[\w.]+:\w+")
MADE = (
    "__pycache__",
    "*.pyc",
    ".mypy_cache",
    ".ruff_cache",
    ".import_linter_cache",
    ".pytest_cache",
    ".ipynb_checkpoints",
    "*.egg-info",
    "*.so",
)
"""As in .dvcignore: what tools make of sources. It does not count, nor is it copied."""

NO_CODE = ("data/raw", "data/prepared", "results", "reports", ".git", ".dvc")
"""Where data and results lie: code among them would change with every run."""


def use(folder: str) -> None:
    """Let Python find the modules of the folder, before all others.

    Raises:
        ParamsError: If there is no such folder, or more than code lies in it.
    """
    path = Path(folder)
    if not path.is_dir():
        raise ParamsError(
            f"own_code: there is no folder '{folder}' in {Path.cwd()}. It is where your own "
            "networks, initializers and loaders lie; make it, if only with a README in it."
        )
    _check_place(folder)
    place = str(path.resolve())
    if place not in sys.path:
        sys.path.insert(0, place)
    importlib.invalidate_caches()  # Python may remember the folder as it was


def _check_place(folder: str) -> None:
    """Refuse a folder that holds the study, its data or its results, or lies among them.

    Raises:
        ParamsError: Saying what lies there.
    """
    place, here, package = (
        Path(folder).resolve(),
        Path.cwd().resolve(),
        Path(__file__).resolve().parent,
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


def is_made(path: PurePath) -> bool:
    """Return whether a path, relative to the folder, is what tools make of sources."""
    return any(fnmatch(part, pattern) for part in path.parts for pattern in MADE)


def files(folder: Path) -> Iterator[Path]:
    """Yield the files that count, sorted.

    Yields:
        Paths below the folder.
    """
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not is_made(path.relative_to(folder)):
            yield path


def place_of(dotted: str) -> Path | None:
    """Return the file or package that `module:attribute` lies in; None if Python finds none.

    Nothing of the user's is imported for that.
    """
    top = dotted.partition(":")[0].partition(".")[0]
    try:
        spec = importlib.util.find_spec(top)
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


def check(folder: str, names: Iterable[tuple[str, str]]) -> None:
    """Refuse modules that lie about in the study, where DVC would not see them change.

    Installed packages are let through: they change by installation.

    Args:
        folder: `own_code`.
        names: Keys of params.yaml with the names that stand there.

    Raises:
        ParamsError: Naming key, file and folder.
    """
    for key, dotted in names:
        place = place_of(dotted) if DOTTED.fullmatch(dotted) else None
        if place is None or "site-packages" in place.parts or place == Path(__file__).parent:
            continue
        if place.is_relative_to(Path.cwd().resolve()) and not holds(folder, dotted):
            raise ParamsError(
                f"{key}: '{dotted}' lies in '{place}', so DVC would not see it change. Move it "
                f"into '{folder}' (own_code)."
            )
