"""Parameters in no layer that initializers know: which are weights, and how to list them."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, get_args

import torch
from torch import fx, nn
from torch.nn.utils.parametrize import ParametrizationList

from initsweep.core.errors import InitsweepError
from initsweep.graph.effects import effect_of
from initsweep.graph.kinds import declared_of, likeness_of
from initsweep.graph.traces import Trace, Traces
from initsweep.graph.vocabulary import KEEPING, TURNED, Effect, is_matrix
from initsweep.initializers.parts import Slot

Unknown = Literal["refuse", "keep"]
"""What becomes of weights that no initializer knows."""

_OF_SIGNALS = {"scaled_dot_product_attention", "softmax", "log_softmax"}
_UNREAD = {"unknown", "piecewise", "statistic"}


def unknown_weights(model: nn.Module, slots: Iterable[Slot], traces: Traces) -> list[Slot]:
    """Return the free parameters by which the network multiplies its signal.

    That is, those of two or more axes longer than 1 that go into a product in the module that has
    them, as far as that can be read. Where nothing of it can, one whose first axis is 1 is taken
    for a token or a position that is added to every example, and any other for a weight. Those of
    declared classes are none.
    """
    suspects = [
        slot
        for slot in slots
        if slot.kept == "free" and is_matrix(slot.shape) and _may_multiply(_owner(model, slot)[0])
        if not _is_looked_up(_owner(model, slot)[0], slot.shape)
    ]
    names = {slot.name for slot in suspects}
    multiplied: dict[str, bool] = {}
    for trace in traces() if suspects else ():
        for node in trace.nodes:
            if node.op == "get_attr" and (name := trace.path_of(node)) in names:
                use = _is_multiplied(trace, node)
                if use is not None:
                    multiplied[name] = multiplied.get(name, False) or use
    return [slot for slot in suspects if multiplied.get(slot.name, slot.shape[0] > 1)]


def _may_multiply(owner: nn.Module) -> bool:
    """Return whether a module can be one that multiplies a signal: it has to take one."""
    scripted = isinstance(owner, torch.jit.ScriptModule)  # whose class has no such function
    takes = scripted or len(inspect.signature(type(owner).forward).parameters) > 1
    return (takes or isinstance(owner, ParametrizationList)) and not declared_of(owner)


def _is_looked_up(owner: nn.Module, shape: Sequence[int]) -> bool:
    """Return whether a module has a buffer of numbers of a table's rows, up to the last one.

    Swin's and BEiT's tables of relative positions have one.
    """
    whole = [one for one in owner.buffers(recurse=False) if one.numel() > 1 and not one.is_meta]
    ends = [one.aminmax() for one in whole if one.dtype in (torch.int32, torch.int64)]
    return any(int(low) >= 0 and int(high) == shape[0] - 1 for low, high in ends)


def _is_multiplied(trace: Trace, parameter: fx.Node) -> bool | None:
    """Return whether a parameter goes into a product, or where it cannot be followed.

    Returns:
        None if the trace breaks off before it meets a signal.
    """
    same, met = {parameter}, not trace.broken  # it, and what is computed from it alone
    for node in trace.nodes:
        if same.isdisjoint(node.all_input_nodes):
            continue
        if node.op in {"call_module", "output"}:  # what a layer reads or a module gives is a signal
            met = True
            continue
        effect = effect_of(node, trace.modules)
        alone = all(one in same or one.op == "get_attr" for one in node.all_input_nodes)
        if _is_product(node, effect) or (effect in _UNREAD and not alone):
            return True
        viewed = effect in KEEPING or (effect == "shape" and node.args[-1] in TURNED)
        if alone or (viewed and any(one is first for one in same for first in node.args[:1])):
            same |= {node} if viewed or effect != "shape" else set()
        else:
            met = True
    return False if met else None


def _is_product(node: fx.Node, effect: Effect) -> bool:
    return effect == "reads" and getattr(node.target, "__name__", node.target) not in _OF_SIGNALS


def check_unknown(unknown: str) -> None:
    """Check what is to become of unknown weights.

    Raises:
        InitsweepError: If it is none of the choices.
    """
    if unknown not in get_args(Unknown):
        raise InitsweepError(f"unknown: received {unknown!r}. Give 'refuse' or 'keep'.")


def refuse_weights(model: nn.Module, weights: Sequence[Slot]) -> None:
    """Refuse to leave weights as they are.

    Raises:
        InitsweepError: If there are any, naming them all.
    """
    if weights:
        raise InitsweepError(
            "No initializer knows these weights, and schemes that all leave them alone could not "
            f"be compared: {parameters_by_class(model, weights, sizes)}. "
            f"{_way(*_owner(model, weights[0]))} Or "
            'keep them all: `unknown="keep"`.'
        )


def _way(owner: nn.Module, name: str) -> str:
    """Return what to do about a weight of a module."""
    kind = type(owner).__name__
    if type(owner).__module__.startswith("torch.nn."):
        return "Fill a parametrized layer first, and parametrize it then."
    if isinstance(owner, torch.jit.ScriptModule):
        return "Fill the network before `torch.jit.script` or `torch.jit.trace`."
    if likeness_of(owner):
        like = next(
            one.__name__ for one in type(owner).__mro__ if one.__module__[:9] == "torch.nn."
        )
        return (
            f"If what `nn.{like}` does not have is to stay as it is built, say so: "
            f"`initsweep.layer_kind({kind}, like=nn.{like})`."
        )
    weights = "" if name == "weight" else f", weights=({name!r},)"
    return (
        f"Say what such a class is like: `initsweep.layer_kind({kind}, like=nn.Linear{weights})`, "
        "with `transposed=True` if the weight is kept as (in, out), or with `like=None` if it is "
        "to stay as it is built."
    )


def parameters_by_class(
    model: nn.Module, slots: Iterable[Slot], about: Callable[[Sequence[Slot]], str]
) -> str:
    """Return how to call parameters: those of one class together."""
    groups: dict[str, list[Slot]] = {}
    for slot in slots:
        owner, name = _owner(model, slot)
        groups.setdefault(f"{type(owner).__name__}.{name}", []).append(slot)
    return ", ".join(
        f"{title} ({about(group)}, {len(group)} times)"
        if len(group) > 1
        else f"'{group[0].name}' ({about(group)})"
        for title, group in groups.items()
    )


def sizes(group: Sequence[Slot]) -> str:
    """Return the shapes of parameters, each once."""
    shapes = dict.fromkeys(slot.shape for slot in group)
    return " or ".join("x".join(map(str, shape)) or "one number" for shape in shapes)


def _owner(model: nn.Module, slot: Slot) -> tuple[nn.Module, str]:
    """Return the module that a parameter is one of, and its name there; not a list of them."""
    path = slot.module
    while path and isinstance(model.get_submodule(path), nn.ParameterList | nn.ParameterDict):
        path = path.rpartition(".")[0]
    return model.get_submodule(path), slot.name.removeprefix(path).lstrip(".")
