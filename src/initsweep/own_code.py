"""The user's own networks, initializers and loaders: one folder, `own_code` in params.yaml.

Python finds its modules by their plain names. DVC watches the folder for every stage that resolves
names, and records count it as code, so that a change in it is never missed.
"""

import importlib
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from initsweep.errors import ParamsError

DOTTED = re.compile(r"[\w.]+:\w+")
COMPILED = {".pyc", ".so"}
CACHES = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".ipynb_checkpoints"}
"""As in .dvcignore: what tools make of sources, and what does not count."""


def use(folder: str) -> None:
    """Let Python find the modules of the folder, before all others.

    Raises:
        ParamsError: If there is no such folder.
    """
    path = Path(folder)
    if not path.is_dir():
        raise ParamsError(
            f"own_code: there is no folder '{folder}' in {Path.cwd()}. It is where your own "
            "networks, initializers and loaders lie; make it, if only with a README in it."
        )
    place = str(path.resolve())
    if place not in sys.path:
        sys.path.insert(0, place)
    importlib.invalidate_caches()  # Python may remember the folder as it was


def files(folder: Path) -> Iterator[Path]:
    """Yield the files that count, sorted.

    Yields:
        Paths below the folder.
    """
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if path.is_file() and path.suffix not in COMPILED and not CACHES & set(inside):
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
