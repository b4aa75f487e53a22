"""Finds a user's function by its name."""

import importlib
from collections.abc import Callable
from typing import Any

from initsweep.core.errors import ParamsError, UnknownNameError, shown
from initsweep.core.own_code import DOTTED
from initsweep.core.registry import did_you_mean


def find(name: str, kind: str) -> Callable[..., Any]:
    """Return what `module:attribute` names.

    Args:
        name: The name.
        kind: What it is, in words.

    Raises:
        UnknownNameError: If there is no such thing.
        ParamsError: If the name is none, or what it names cannot be called.
    """
    if not DOTTED.fullmatch(name):
        raise ParamsError(f"{kind}: {shown(name)} is not of the form 'package.module:attribute'.")
    module_name, _, attribute = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise UnknownNameError(
            f"{kind}: cannot import {shown(name)}: no module named '{error.name}'. Python looks "
            "among what is installed and in the folder that params.yaml calls own_code."
        ) from error
    found = getattr(module, attribute, None)
    if not callable(found):
        raise ParamsError(
            f"{kind}: module '{module_name}' has no function '{attribute}'."
            f"{did_you_mean(attribute, dir(module))}"
        )
    return found  # type: ignore[no-any-return]
