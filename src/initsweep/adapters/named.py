"""Finds what a run reports among the numbers that another library has by name."""

from collections.abc import Mapping

from initsweep.core.errors import RunError, shown
from initsweep.core.registry import did_you_mean


def named(found: Mapping[str, object], name: str | None, argument: str, remedy: str) -> object:
    """Return a number by its name, None where none is asked for.

    Args:
        found: All numbers.
        name: Its name.
        argument: What the user gave the name as.
        remedy: How such a number comes to be.

    Raises:
        RunError: If there is none of this name.
    """
    if name is None:
        return None
    if name not in found:
        known = ", ".join(sorted(found)) or "none at all"
        raise RunError(
            f"{argument}: there is no number called {shown(name)}.{did_you_mean(name, [*found])} "
            f"Known: {known}. {remedy}"
        )
    return found[name]
