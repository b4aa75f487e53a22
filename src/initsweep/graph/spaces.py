"""What stands for the globals of the user's modules of Python, as copied functions see them."""

import builtins
from collections.abc import Sequence
from types import ModuleType
from typing import Any, Protocol

from torch.fx import _symbolic_trace as symbolic


class Copies(Protocol):
    """Where the copies come from; see `copies.Copier`."""

    def of(self, one: Any) -> Any:  # noqa: ANN401 - anything
        """Return the copy of something, or itself where there is nothing to copy."""

    def space(self, names: dict[str, Any]) -> "Space":
        """Return what stands for the globals of a module of Python."""


class _KindOfType(type):
    """What `type` is in a space: twins' modules are of the kind that they say they are."""

    def __call__(cls, *given: Any, **rest: Any) -> Any:  # noqa: ANN401 - as `type` is called
        """Return the kind of one thing, or a new class."""
        return given[0].__class__ if len(given) == 1 else type(*given, **rest)

    def __instancecheck__(cls, one: object) -> bool:
        return isinstance(one, type)


_TYPE = _KindOfType("type", (type,), {"__class_getitem__": lambda _, kind: type[kind]})


class Space(dict[str, Any]):
    """Globals: copies of what is there. What a function sets stays here."""

    def __init__(self, names: dict[str, Any], copies: Copies) -> None:
        ours = {"__import__": self._import, "type": _TYPE, "len": copies.of(len)}
        super().__init__(__builtins__=vars(builtins) | ours)
        self.names, self._copies = names, copies

    def __missing__(self, name: str) -> Any:  # noqa: ANN401 - anything
        """Return the copy of a global.

        Raises:
            KeyError: If there is none of this name; Python then looks among its own.
        """
        if (id(self.names), name) in symbolic._wrapped_fns_to_patch:
            original = self.names[name] if name in self.names else getattr(builtins, name)
            return symbolic._create_wrapped_func(original)
        return self._copies.of(self.names[name])

    def _import(
        self,
        name: str,
        _space: object = None,
        _local: object = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> object:
        return self._copies.of(__import__(name, self.names, None, fromlist, level))


class Shadow(ModuleType):
    """A module of Python whose attributes are copies."""

    def __init__(self, original: ModuleType, copies: Copies) -> None:
        super().__init__(original.__name__)
        self.__dict__["_original"], self.__dict__["_copies"] = original, copies

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - anything
        """Return the copy of an attribute."""
        names = vars(self._original)
        if name in names:
            return self._copies.space(names)[name]
        return self._copies.of(getattr(self._original, name))
