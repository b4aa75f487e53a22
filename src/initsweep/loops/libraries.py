"""Which libraries a training function needs, so that they are imported once for all its runs."""

import ast
from collections.abc import Iterator
from pathlib import Path

from initsweep.core import own_code

LIBRARIES = "INITSWEEP_LIBRARIES"
"""The environment variable that names them, separated by colons."""


def libraries_of(function: str, folder: str) -> list[str]:
    """Return the modules that the file of a function imports and that are no own code.

    Args:
        function: `module:attribute`.
        folder: Where the user's own code lies; Python has to find it.
    """
    place = own_code.place_of(function)
    if place is None or place.suffix != ".py":
        return []
    try:
        tree = ast.parse(place.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []  # whoever imports it says so
    own = Path(folder).resolve()
    found = dict.fromkeys(_imported(tree.body))
    places = {name: own_code.place_of(name) for name in found}
    return [name for name, at in places.items() if at is not None and not at.is_relative_to(own)]


def _imported(body: list[ast.stmt]) -> Iterator[str]:
    for one in body:
        if isinstance(one, ast.Import):
            yield from (alias.name for alias in one.names)
        elif isinstance(one, ast.ImportFrom) and one.module and not one.level:
            yield one.module
