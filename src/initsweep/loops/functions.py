"""Finds a user's function by its name."""

import importlib
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from initsweep.core.errors import ParamsError, UnknownNameError, cut, shown
from initsweep.core.own_code import DOTTED
from initsweep.core.registry import did_you_mean


def in_words(error: BaseException) -> str:
    """Return what was raised, in one line, with the place in the user's own files."""
    said = (str(error).strip().splitlines() or [""])[0]
    theirs = ("site-packages", "/initsweep/", "<", "/lib/python")
    frames = traceback.extract_tb(error.__traceback__)
    own = [one for one in frames if not any(part in one.filename for part in theirs)]
    if isinstance(error, SyntaxError) and error.filename:
        where = f" ({Path(error.filename).name}, line {error.lineno})"
        said = error.msg
    else:
        where = f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
    return f"{type(error).__name__}{f': {cut(said)}' if said else ''}{where}"


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
    except Exception as error:
        raise ParamsError(
            f"{kind}: {shown(name)} cannot be imported: {in_words(error)}."
        ) from error
    found = getattr(module, attribute, None)
    if not callable(found):
        raise ParamsError(
            f"{kind}: module '{module_name}' has no function '{attribute}'."
            f"{did_you_mean(attribute, dir(module))}"
        )
    return found  # type: ignore[no-any-return]
