"""Find entries by name: one file per entry, no list to edit.

A room (`initializers`, `architectures`, `datasets`, `metrics`, `probes`) owns one `Registry`.
Modules of the room register themselves when imported; the registry imports all of them on the
first look-up. A name of the form `package.module:attribute` is imported from outside instead,
so that a user's own entry works without touching this repository.
"""

import difflib
import importlib
import pkgutil
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from initsweep.core.errors import DuplicateNameError, ParamsError, UnknownNameError, cut, shown

Entry = TypeVar("Entry")


def did_you_mean(name: str, known: list[str]) -> str:
    """Return " Did you mean 'x'?" for the closest known name, or "" if none is close."""
    close = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean '{close[0]}'?" if close else ""


def in_words(error: BaseException) -> str:
    """Return what a user's module raised, in one line, with the place in the user's own files."""
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


def from_outside(name: str, kind: str) -> object:
    """Return what `package.module:attribute` names.

    Args:
        name: The name.
        kind: What it is, as messages call it ("initializer", "training.function").

    Raises:
        UnknownNameError: If there is no such thing.
        ParamsError: If its module raises something when it is imported.
    """
    module_name, _, attribute = name.partition(":")
    if not all(part.isidentifier() for part in (*module_name.split("."), attribute)):
        raise UnknownNameError(f"{kind}: {shown(name)} is not of the form 'package.module:name'.")
    if module_name.endswith(".py"):
        plain = f"{module_name.removesuffix('.py')}:{attribute}"
        raise UnknownNameError(f"{kind}: {shown(name)} names a file. Write '{plain}'.")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        # A missing import *inside* the user's module is reported as it is, not as ours.
        raise UnknownNameError(
            f"{kind}: cannot import {shown(name)}: no module named '{error.name}'. Python looks "
            "among what is installed, in the folder that params.yaml calls own_code, and for "
            f"names on the command line in the current one ({Path.cwd()})."
        ) from error
    except Exception as error:
        raise ParamsError(
            f"{kind}: {shown(name)} cannot be imported: {in_words(error)}."
        ) from error
    if not hasattr(module, attribute):
        raise UnknownNameError(
            f"{kind}: module '{module_name}' has no '{attribute}'."
            f"{did_you_mean(attribute, dir(module))}"
        )
    return getattr(module, attribute)


def function_from_outside(name: str, kind: str) -> Callable[..., Any]:
    """Return the function or class that `package.module:attribute` names.

    Args:
        name: The name.
        kind: What it is, as for `from_outside`.

    Raises:
        ParamsError: If what it names cannot be called.
    """
    found = from_outside(name, kind)
    if not callable(found):
        raise ParamsError(f"{kind}: {shown(name)} is {shown(found)}, not a function.")
    return found


class Registry(Generic[Entry]):
    """Named entries of one kind, discovered in the modules of one package."""

    def __init__(self, kind: str, package: str, elsewhere: str | None = None) -> None:
        """Create an empty registry.

        Args:
            kind: What an entry is, as error messages call it ("initializer").
            package: Dotted name of the package whose modules register entries.
            elsewhere: "module:function" of a function from an unknown name to a sentence that
                says what it is called here, "" if nothing is known. It belongs to a room above,
                which is why it is named and not imported; only an error message asks it.
        """
        self.kind = kind
        self._package = package
        self._elsewhere = elsewhere
        self._entries: dict[str, Entry] = {}
        self._discovered = False

    def add(self, name: str, entry: Entry) -> Entry:
        """Register `entry` under `name`.

        Returns:
            The entry.

        Raises:
            DuplicateNameError: If the name is taken.
        """
        if name in self._entries:
            raise DuplicateNameError(f"Two {self.kind}s are called '{name}'; rename one of them.")
        self._entries[name] = entry
        return entry

    def register(self, name: str) -> Callable[[Entry], Entry]:
        """Return a decorator that registers what it decorates under `name`."""
        return lambda entry: self.add(name, entry)

    def get(self, name: str) -> Entry:
        """Find the entry called `name`, or import it if it reads `package.module:attribute`.

        Returns:
            The entry.

        Raises:
            UnknownNameError: If there is no such entry, with the closest name as a suggestion.
            ParamsError: If the module that it lies in cannot be imported.
        """
        if ":" in name:
            return cast(Entry, from_outside(name, self.kind))
        self._discover()
        if name not in self._entries:
            known = self.names()
            raise UnknownNameError(
                f"Unknown {self.kind} {shown(name)}.{self.hint(name)} "
                f"Known: {', '.join(known)}; or give your own as 'package.module:attribute'."
            )
        return self._entries[name]

    def names(self) -> list[str]:
        """Return all registered names, sorted."""
        self._discover()
        return sorted(self._entries)

    def __iter__(self) -> Iterator[tuple[str, Entry]]:
        """Return an iterator over (name, entry), sorted by name."""
        return iter((name, self._entries[name]) for name in self.names())

    def _discover(self) -> None:
        if self._discovered:
            return
        package = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{self._package}.{module.name}")
        self._discovered = True

    def hint(self, name: str) -> str:
        """Return a sentence on what a name may stand for, after a space; "" if nothing is near."""
        # The nearest spelling may be another entry: kaiming_normal is not xavier_normal.
        if self._elsewhere is not None:
            module, _, function = self._elsewhere.partition(":")
            if said := getattr(importlib.import_module(module), function)(name):
                return f" {said}"
        return did_you_mean(name, self.names())
