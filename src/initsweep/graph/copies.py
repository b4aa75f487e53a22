"""Copies a network and what refers to its modules, as Python has it.

That is: containers, bound methods, functions with what they close over, the user's classes, and
objects of these or that lead to modules. Tensors that modules hold are copied too; the rest is
shared.
"""

import copy
import sys
from abc import ABCMeta
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from enum import Enum
from functools import partial
from types import (
    CellType,
    FunctionType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
    SimpleNamespace,
)
from typing import Any, TypeVar
from weakref import CallableProxyType, ProxyType, ReferenceType

import torch
from torch import Tensor, nn
from torch.jit import ScriptModule

from initsweep.graph.spaces import Shadow, Space

Held = TypeVar("Held")


def type_in(one: Tensor, dtype: torch.dtype | None) -> torch.dtype:
    """Return the type of a tensor's numbers where real ones, and pairs of them, are of `dtype`."""
    if dtype is None or not (one.is_floating_point() or one.is_complex()):
        return one.dtype
    return dtype.to_complex() if one.is_complex() else dtype


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
        self._strange: dict[int, object] = {}  # what leads nowhere
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
        copied = one.detach().to(type_in(one, self._dtype), copy=True)
        return copied.requires_grad_(one.requires_grad)

    def _module(self, one: nn.Module) -> nn.Module:
        twin: nn.Module = object.__new__(self._twin_class(type(one)))
        return self._filled(twin, one, self.of)

    def _object(self, one: object) -> object:
        if not self._refers(one):
            return one
        try:
            simple = isinstance(one, SimpleNamespace)
            copied = copy.copy(one) if simple else object.__new__(self._class(type(one)))
        except TypeError:  # it is C's, and hides what it leads to
            return one
        # All else is shared: it may be a data set.
        return self._filled(copied, one, lambda held: self.of(held) if self._refers(held) else held)

    def _filled(self, copied: Held, one: object, of: Callable[[Any], object]) -> Held:
        self._keep(one, copied)
        vars(copied).update({name: of(value) for name, value in _attributes(one).items()})
        for member, value in _slots(one).items():
            member.__set__(copied, of(value))
        return copied

    def _wrapper(self, one: Any) -> object:  # noqa: ANN401 - of functions
        return type(one)(*map(self.of, _functions_in(one)))

    def _reference(self, one: "ReferenceType[Any]") -> object:
        target = one()
        return one if target is None else type(one)(self.of(target))

    def _refers(self, one: object) -> bool:
        """Return whether something leads to modules or to what is copied of the user's code."""
        seen, waiting = dict[int, object](), [one]
        while waiting:
            item = waiting.pop()
            if type(item) in _PLAIN or id(item) in seen or id(item) in self._strange:
                continue
            copied = self._copies.get(id(item), (item, item))[1] is not item
            if copied or id(item) in self._given or self._is_copied(item):
                return True
            seen[id(item)] = item
            waiting += _parts_of(item)
        self._strange |= seen
        return False

    def _is_copied(self, one: object) -> bool:
        if isinstance(one, FunctionType):
            return self._moves(one)
        return isinstance(one, nn.Module | nn.Parameter) or _is_the_users(type(one))

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
        copied = copy.copy(one)  # in one go, as another thread may be appending
        self._keep(one, copied)
        for index, item in enumerate(list(copied)):
            copied[index] = self.of(item)
        return copied

    def _dict(self, one: dict[Any, object]) -> dict[Any, object]:
        copied = one.copy() if type(one) in (dict, OrderedDict) else copy.copy(one)
        self._keep(one, copied)
        if isinstance(copied, OrderedDict):
            values = self._mapped(copied)
            copied.clear()
            copied.update(values)
        elif copied:  # not by way of its class, which may have other keys in mind
            values = self._mapped(dict.copy(one))
            dict.clear(copied)
            dict.update(copied, values)
        return copied

    def _set(self, one: set[object]) -> set[object]:
        return type(one)(map(self.of, copy.copy(one)))

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

    def _class(self, kind: type) -> type:
        """Return a class of which the twin's modules and objects are instances.

        It has copies of the functions. In the order of resolution these stand right before their
        originals, so that `super()` finds them.
        """
        kind = _stood_for(kind)
        if kind is nn.Module or not (issubclass(kind, nn.Module) or _is_the_users(kind)):
            return kind
        if kind not in self._classes:
            bases = [new for old in kind.__bases__ if (new := self._class(old)) is not old]
            moved = {
                name: one
                for name, one in vars(kind).items()
                # What its own class answers for (as in pydantic) cannot be set.
                if self._is_moved(one) and not hasattr(getattr(type(kind), name, None), "__set__")
            }
            new = _derived(kind, (kind, *bases), {}) if moved or bases else kind
            self._classes[kind] = new
            for name, value in moved.items():
                type.__setattr__(new, name, self.of(value))
        return self._classes[kind]

    def _is_moved(self, value: object) -> bool:
        """Return whether a class is given a copy; modules and tables that it has are shared."""
        method = callable(value) or hasattr(value, "__get__")
        return method and not isinstance(value, nn.Module) and self._refers(value)

    def _twin_class(self, kind: type[nn.Module]) -> type:
        """Return the class of a copied module.

        In the order of resolution `apart` stands right before `nn.Module`. The module says that it
        is of the kind that copied functions take it for.
        """
        kind = _stood_for(kind)
        if kind not in self._twin_classes:
            said = self._class(kind)
            bases = (self._apart,) if kind is nn.Module else (said, self._apart)
            names: dict[str, object] = {"__class__": property(lambda _: said)}
            self._twin_classes[kind] = _derived(kind, bases, names)
        return self._twin_classes[kind]


_NOTHING = object()
_NOT_THE_USERS = ("torch.", f"{__package__}.")
_LIBRARIES = sys.stdlib_module_names | {"torch", "numpy"}


def _is_the_users(kind: type) -> bool:
    """Return whether objects of a class are copied: plain ones, of the user's code."""
    if f"{kind.__module__}".partition(".")[0] in _LIBRARIES or issubclass(kind, Enum):
        return False
    return all(base is object or base.__flags__ & 1 << 9 for base in kind.__mro__)  # not of C's


def _attributes(one: object) -> dict[str, object]:
    held = getattr(one, "__dict__", None)
    return held.copy() if type(held) is dict else {}  # aliases such as `list[int]` have a class's


def _slots(one: object) -> dict[MemberDescriptorType, object]:
    """Return the values of an object that are not in its dictionary."""
    found = {}
    for base in type(one).__mro__:
        for member in vars(base).values() if "__slots__" in vars(base) else ():
            if isinstance(member, MemberDescriptorType):
                with suppress(AttributeError):  # it has no value yet
                    found[member] = member.__get__(one)
    return found


def _parts_of(one: object) -> Iterable[object]:
    """Return what something leads to."""
    for kinds, parts in _PARTS:
        if isinstance(one, kinds):
            return parts(one)
    return [*_attributes(one).values(), *_slots(one).values()]


_PARTS: tuple[tuple[tuple[type, ...], Callable[[Any], Iterable[object]]], ...] = (
    ((type, ModuleType, Tensor), lambda _: ()),
    ((dict,), lambda one: [*one, *one.values()]),
    ((list, tuple, set, frozenset, deque), list),
    ((partial,), lambda one: [one.func, *one.args, *one.keywords.values()]),
    ((MethodType,), lambda one: [one.__func__, one.__self__]),
    ((FunctionType,), lambda one: [value for _, value in _closed_over(one)]),
    ((ReferenceType,), lambda one: [one()]),
    ((property, staticmethod, classmethod), lambda one: _functions_in(one)),
)


def _closed_over(function: FunctionType) -> list[tuple[str, object]]:
    """Return what a function closes over, by name; `_NOTHING` is what has no value yet."""
    empty = CellType()
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return [(name, _NOTHING if cell == empty else cell.cell_contents) for name, cell in cells]


def _functions_in(value: object) -> Iterable[object]:
    if isinstance(value, property):
        return value.fget, value.fset, value.fdel
    return (value.__func__ if isinstance(value, staticmethod | classmethod) else value,)


def _stood_for(kind: type) -> type:
    """Return the user's class: a twin of a twin is of the kind that its network is of."""
    original: type = vars(kind).get("_stands_for", kind)
    return original


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
    names["_stands_for"] = kind
    derived: type = new(meta, kind.__name__, (Unannounced, *bases), names)
    return derived


_PLAIN = frozenset({type(None), bool, int, float, str, bytes, ProxyType, CallableProxyType})
_BY_KIND: tuple[tuple[tuple[type, ...], str], ...] = (
    ((nn.UninitializedParameter, nn.UninitializedBuffer, ScriptModule, Enum), "_itself"),
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
    ((ReferenceType,), "_reference"),
    ((property, staticmethod, classmethod), "_wrapper"),
    ((type,), "_class"),
    ((ModuleType,), "_python_module"),
)
"""The method of `Copier` for each kind of thing; `_object` for all others."""
_BY_TYPE = {one: name for kinds, name in _BY_KIND for one in kinds if one is not Tensor}
