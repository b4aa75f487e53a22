"""What the operations of a network do to a signal, in whatever form they are called."""

import operator
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from initsweep.graph.kinds import is_a
from initsweep.graph.vocabulary import EFFECTS, NORMS, WEIGHTED, Effect

_HOMES: tuple[ModuleType | type, ...] = (torch, functional, torch.special, Tensor, operator)


def forms_of(name: str) -> set[Callable[..., Any]]:
    """Return the functions and methods of a name, those that work in place included."""
    spelt = [(home, one) for home in _HOMES for one in (name, f"{name}_", f"i{name}")]
    spelt += [(Tensor, f"__{prefix}{name}__") for prefix in ("", "i", "r")]
    found = (getattr(home, one, None) for home, one in spelt if one != "isin")
    return {one for one in found if callable(one)}


def _effects() -> dict[object, Effect]:
    """Return effects by function, and by name for methods of tensors."""
    table: dict[object, Effect] = {getattr: "shape", len: "shape"}
    for name, effect in EFFECTS.items():
        table |= dict.fromkeys((name, f"{name}_", *forms_of(name)), effect)
    return table


_EFFECTS = _effects()
_OF_TWO = {"max", "min", *forms_of("max"), *forms_of("min")}


def _kinds(*effects: Effect) -> tuple[type[nn.Module], ...]:
    """Return the modules of torch whose names are those of functions of these effects."""
    names = {name.replace("_", "") for name, effect in EFFECTS.items() if effect in effects}
    found = (getattr(nn, name) for name in dir(nn) if name.lower() in names)
    return tuple(one for one in found if isinstance(one, type))


_KINDS: tuple[tuple[Effect, tuple[type[nn.Module], ...]], ...] = (
    ("norm", NORMS),
    ("activation", _kinds("activation")),
    ("passes", _kinds("passes", "view")),
    ("reads", (*WEIGHTED, *_kinds("reads"))),
)


def effect_of_call(target: object, tensors: int = 2) -> Effect:
    """Return what a function of torch, or the tensors' method of a name, does to a signal.

    Args:
        target: The function, or the name.
        tensors: How many tensors it is given: `max` of one is no function of each number.
    """
    return "statistic" if target in _OF_TWO and tensors < 2 else _EFFECTS.get(target, "unknown")


def effect_of(node: fx.Node, modules: Mapping[str, nn.Module]) -> Effect:
    """Return what a node does to its first argument."""
    if node.op == "call_module":
        module = modules[str(node.target)]
        return next((effect for effect, kinds in _KINDS if is_a(module, kinds)), "unknown")
    return effect_of_call(node.target, len(node.all_input_nodes))


def inputs_of(node: fx.Node) -> list[fx.Node]:
    """Return the values that a node reads, without parameters, buffers and shapes."""
    return [
        one
        for one in node.all_input_nodes
        if one.op != "get_attr" and _EFFECTS.get(one.target) != "shape"
    ]


def name_of(node: fx.Node) -> str:
    """Return how to call an operation in a message."""
    return f"'{getattr(node.target, '__name__', node.target)}'"
