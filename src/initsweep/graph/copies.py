"""Copies a network and what refers to its modules, as Python has it.

That is: containers, bound methods, functions with what they close over, and objects that hold
modules. Tensors that are no parameters are copied too; the rest is shared.
"""

import copy
from abc import ABCMeta
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from functools import partial
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from initsweep.graph.spaces import Shadow, Space


class Copier:
    """Copies a network and whatever refers to its modules, each thing once."""

    def __init__(
        self, apart: type[nn.Module], given: Mapping[int, object], dtype: torch.dtype | None = None
    ) -> None:
        """Prepare.

        Args:
            apart: Where calls and lookups of the copied modules end.
            given: Copies that are there before, by the `id` of what they stand for.
            dtype: Type of all other numbers.
        """
        self._apart, self._given, self._dtype = apart, given, dtype
        # Beside each copy the original, lest its id be given to something else.
        self._copies: dict[int, tuple[object, Any]] = {}
        self._classes: dict[type, type] = {}
        self._twin_classes: dict[type, type] = {}
        self._spaces: dict[int, Space] = {}

    def of(self, one: Any) -> Any:  # noqa: ANN401 - anything
        """Return the copy of something, or itself where there is nothing to copy."""
        if type(one) in _PLAIN:
            return one
        if id(one) in self._given:
            return self._given[id(one)]
        if id(one) not in self._copies:
            name = _BY_TYPE.get(type(one)) or next(
                (name for kinds, name in _BY_KIND if isinstance(one, kinds)), "_object"
            )
            self._keep(one, getattr(self, name)(one))
        return self._copies[id(one)][1]

    def space(self, names: dict[str, Any]) -> Space:
        """Return what stands for the globals of a module of Python."""
        names = names.names if isinstance(names, Space) else names
        return self._spaces.setdefault(id(names), Space(names, self))

    def _keep(self, one: object, copied: object) -> None:
        self._copies.setdefault(id(one), (one, copied))

    def _itself(self, one: object) -> object:
        return one

    def _parameter(self, one: Tensor) -> Tensor:
        return one if self._dtype is None else self._tensor(one)

    def _tensor(self, one: Tensor) -> Tensor:
        dtype = self._dtype if one.is_floating_point() else None
        return one.detach().to(dtype or one.dtype, copy=True).requires_grad_(one.requires_grad)

    def _module(self, one: nn.Module) -> nn.Module:
        twin: nn.Module = self._filled(object.__new__(self._twin_class(type(one))), one)
        return twin

    def _object(self, one: object) -> object:
        held = [*getattr(one, "__dict__", {}).values()]
        if not any(isinstance(value, nn.Module) for value in held):
            return one
        copied = copy.copy(one)
        return one if copied is one else self._filled(copied, one)

    def _filled(self, copied: Any, one: object) -> Any:  # noqa: ANN401 - of the kind of `one`
        self._keep(one, copied)
        # `dict` copies in one go: another thread may be setting an attribute.
        vars(copied).update(self._mapped(dict(vars(one))))
        return copied

    def _mapped(self, values: Mapping[Any, object]) -> dict[Any, Any]:
        return {self.of(key): self.of(value) for key, value in values.items()}

    def _method(self, one: MethodType) -> MethodType:
        return MethodType(self.of(one.__func__), self.of(one.__self__))

    def _partial(self, one: partial[object]) -> partial[object]:
        return partial(self.of(one.func), *map(self.of, one.args), **self._mapped(one.keywords))

    def _tuple(self, one: tuple[object, ...]) -> tuple[object, ...]:
        copied = [self.of(item) for item in one]
        same = all(new is old for new, old in zip(copied, one, strict=True))
        return one if same else tuple.__new__(type(one), copied)

    def _list(self, one: list[object] | deque[object]) -> list[object] | deque[object]:
        copied = copy.copy(one)
        self._keep(one, copied)
        for index, item in enumerate(copy.copy(one)):
            copied[index] = self.of(item)
        return copied

    def _dict(self, one: dict[Any, object]) -> dict[Any, object]:
        copied = one.copy() if type(one) in (dict, OrderedDict) else copy.copy(one)
        self._keep(one, copied)
        if copied:
            values = self._mapped(copied)
            copied.clear()
            copied.update(values)
        return copied

    def _set(self, one: set[object]) -> set[object]:
        return type(one)(map(self.of, one))

    def _function(self, one: FunctionType) -> object:
        if compiled := getattr(one, "_torchdynamo_orig_callable", None):
            return self.of(compiled)  # of which a twin would see as little as its network
        if not self._moves(one):
            return one
        cells = tuple(CellType() for _ in one.__closure__ or ())
        copied = FunctionType(one.__code__, self.space(one.__globals__), one.__name__, None, cells)
        self._keep(one, copied)
        for name in ("__module__", "__qualname__", "__doc__", "__annotations__"):
            setattr(copied, name, getattr(one, name))
        for name in ("__defaults__", "__kwdefaults__"):
            setattr(copied, name, self.of(getattr(one, name)))
        vars(copied).update(vars(one))
        for cell, (name, value) in zip(cells, _closed_over(one), strict=True):
            if value is not _NOTHING:
                # `super()` goes by the class that has the original.
                cell.cell_contents = value if name == "__class__" else self.of(value)
        return copied

    def _moves(self, one: object) -> bool:
        """Return whether a function is copied: for its globals, or for what it closes over."""
        if not isinstance(one, FunctionType):
            return False
        values = [value for name, value in _closed_over(one) if name != "__class__"]
        theirs = not f"{one.__module__}.".startswith(_NOT_THE_USERS)
        return theirs or any(isinstance(value, nn.Module) for value in values)

    def _python_module(self, one: ModuleType) -> ModuleType:
        return Shadow(one, self)

    def _type(self, kind: type) -> type:
        return self._class(kind) if issubclass(kind, nn.Module) else kind

    def _class(self, kind: type) -> type:
        """Return a class of which modules of the twin are instances, with copied functions."""
        if kind not in self._classes:
            moved = {
                name: value
                for name, value in vars(kind).items()
                if any(map(self._moves, _functions_in(value)))
            }
            self._classes[kind] = _derived(kind, (kind,), {}) if moved else kind
            for name, value in moved.items():
                type.__setattr__(self._classes[kind], name, self._attribute(value))
        return self._classes[kind]

    def _attribute(self, value: Any) -> Any:  # noqa: ANN401 - whatever holds functions
        if isinstance(value, property):
            return property(*map(self.of, _functions_in(value)))
        if isinstance(value, staticmethod | classmethod):
            return type(value)(self.of(value.__func__))
        return self.of(value)

    def _twin_class(self, kind: type[nn.Module]) -> type:
        """Return the class of a copied module.

        In the order of resolution copied functions stand right before their originals, so that
        `super()` finds them, and `apart` stands right before `nn.Module`. The module says that it
        is of the kind that copied functions take it for.
        """
        if kind not in self._twin_classes:
            own = kind.__mro__[: kind.__mro__.index(nn.Module)]
            first, rest = own[:1], [old for old in own[1:] if self._class(old) is not old]
            bases, said = map(self._class, (*first, *rest)), self._class(kind)
            names: dict[str, object] = {"__class__": property(lambda _: said)}
            self._twin_classes[kind] = _derived(kind, (*bases, self._apart), names)
        return self._twin_classes[kind]


_NOTHING = object()
_NOT_THE_USERS = ("torch.", f"{__package__}.")


def _closed_over(function: FunctionType) -> list[tuple[str, object]]:
    """Return what a function closes over, by name; `_NOTHING` is what has no value yet."""
    empty = CellType()
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return [(name, _NOTHING if cell == empty else cell.cell_contents) for name, cell in cells]


def _functions_in(value: object) -> Iterable[object]:
    if isinstance(value, property):
        return value.fget, value.fset, value.fdel
    return (value.__func__ if isinstance(value, staticmethod | classmethod) else value,)


def _derived(kind: type, bases: tuple[type, ...], names: dict[str, object]) -> type:
    """Return a class of the same name, of which nothing of the user's learns.

    Neither `__init_subclass__` nor a metaclass is run: either may keep a list of classes.
    """

    class Unannounced:
        def __init_subclass__(cls) -> None:
            pass

    meta = type(kind)
    new = ABCMeta.__new__ if issubclass(meta, ABCMeta) else type.__new__
    names |= {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    derived: type = new(meta, kind.__name__, (Unannounced, *bases), names)
    return derived


_PLAIN = frozenset({type(None), bool, int, float, str, bytes})
_BY_KIND: tuple[tuple[tuple[type, ...], str], ...] = (
    ((nn.UninitializedParameter, nn.UninitializedBuffer, torch.jit.ScriptModule), "_itself"),
    ((nn.Parameter,), "_parameter"),
    ((Tensor,), "_tensor"),
    ((nn.Module,), "_module"),
    ((FunctionType,), "_function"),
    ((MethodType,), "_method"),
    ((partial,), "_partial"),
    ((tuple,), "_tuple"),
    ((list, deque), "_list"),
    ((dict, OrderedDict), "_dict"),
    ((set, frozenset), "_set"),
    ((type,), "_type"),
    ((ModuleType,), "_python_module"),
)
"""The method of `Copier` for each kind of thing; `_object` for all others."""
_BY_TYPE = {one: name for kinds, name in _BY_KIND for one in kinds if one is not Tensor}
