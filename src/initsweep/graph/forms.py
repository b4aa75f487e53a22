"""Batches and outputs of any form: one tensor, several arguments, named ones, nested ones."""

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from initsweep.core.errors import InitsweepError
from initsweep.graph.copies import type_in

Inputs = Any
"""A tensor; a tuple, whose items are the arguments of `forward`; a dictionary of named arguments.

What is in them may be nested, also in dataclasses, and what is no tensor is handed on as it is.
"""


def mapped(function: Callable[[Any], object], inputs: Inputs) -> Inputs:
    """Return inputs of the same form with what a function makes of each tensor and other part."""

    def of(one: Any) -> object:  # noqa: ANN401 - anything
        if not is_dataclass(one) or isinstance(one, type):
            return function(one)
        copied = copy.copy(one)
        for field in fields(one):  # set like this, as it may be frozen
            object.__setattr__(copied, field.name, mapped(function, getattr(one, field.name)))
        return copied

    return tree_map(of, inputs)


def as_inputs(given: object, what: str) -> Inputs:
    """Return arrays as tensors on the CPU, in the form in which they were given.

    Args:
        given: Numbers of one shape, or tensors and arrays in a tuple, list or mapping.
        what: What they are, for messages.

    Raises:
        InitsweepError: If they are neither.
    """
    try:
        if isinstance(given, Mapping):
            return mapped(_tensor, dict(given))
        if is_dataclass(given):
            return mapped(_tensor, given)
        # A list of arrays may be one array of them.
        kinds = (Mapping, Tensor) if isinstance(given, list) else (Mapping, Tensor, np.ndarray)
        if isinstance(given, tuple | list) and any(_is_several(one, kinds) for one in given):
            return mapped(_tensor, given)
        return torch.as_tensor(given).detach().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        first = str(error).partition("\n")[0]
        raise InitsweepError(
            f"The {what} must be numbers of one shape: {first}. Several tensors come in a tuple, a "
            "list, a dictionary or a dataclass."
        ) from None


def _is_several(one: object, kinds: tuple[type, ...]) -> bool:
    if isinstance(one, list | tuple):
        return any(_is_several(part, (Mapping, Tensor)) for part in one)
    return isinstance(one, kinds) and getattr(one, "ndim", 1) > 0


def _tensor(one: object) -> object:
    return torch.as_tensor(one).detach().cpu() if isinstance(one, Tensor | np.ndarray) else one


def tensors_in(inputs: Inputs) -> list[Tensor]:
    """Return all tensors of some inputs that have an axis of examples."""
    found: list[object] = []
    mapped(found.append, inputs)
    return [one for one in found if isinstance(one, Tensor) and one.dim()]


def cast(inputs: Inputs, dtype: torch.dtype | None) -> Inputs:
    """Return copies, which a network may overwrite; real numbers are of `dtype`, if given."""
    return mapped(
        lambda one: one.to(type_in(one, dtype), copy=True) if isinstance(one, Tensor) else one,
        inputs,
    )


def first(inputs: Inputs, count: int) -> Inputs:
    """Return the first examples, or all where tensors do not agree on how many there are."""
    if len({len(one) for one in tensors_in(inputs)}) != 1:
        return inputs
    return mapped(lambda one: one[:count] if isinstance(one, Tensor) and one.dim() else one, inputs)


def called(network: nn.Module, inputs: Inputs) -> Any:  # noqa: ANN401 - whatever it returns
    """Return what a network returns for its inputs."""
    args, named = split(inputs)
    return network(*args, **named)


def split(inputs: Inputs) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of `forward` by place and by name that some inputs are."""
    if isinstance(inputs, dict):
        return (), inputs
    # Not a named one, such as a packed sequence.
    return inputs if type(inputs) is tuple else (inputs,), {}


def arguments(network: nn.Module, inputs: Inputs, *, shared: bool = False) -> Inputs:
    """Return inputs in the form in which `called` hands them to a network's `forward`.

    A dictionary or tuple may be the one argument that `forward` takes.

    Args:
        network: The network.
        inputs: What is given.
        shared: Whether a loss takes the inputs too, so that some of them may be meant for it: what
            `forward` has no argument for is left out then.
    """
    try:
        signature = inspect.signature(network.forward)
    except (TypeError, ValueError):
        return inputs
    forms = [inputs]
    if isinstance(inputs, dict):
        known = {name: one for name, one in inputs.items() if name in signature.parameters}
        forms += ([known] if shared else []) if known else [(inputs,)]
    elif type(inputs) is tuple:
        forms += [inputs[:count] for count in range(len(inputs) - 1, 0, -1)] if shared else []
        forms.append((inputs,))
    return next((one for one in forms if _binds(signature, one)), inputs)


def _binds(signature: inspect.Signature, inputs: Inputs) -> bool:
    args, named = split(inputs)
    try:
        signature.bind(*args, **named)
    except TypeError:  # also where names are no texts
        return False
    return True


def in_order(network: nn.Module, inputs: Inputs) -> tuple[Any, ...]:
    """Return the arguments of a network's `forward` by their places."""
    args, named = split(inputs)
    bound = inspect.signature(type(network).forward).bind(network, *args, **named)
    bound.apply_defaults()
    return bound.args[1:]


def shapes(inputs: Inputs) -> str:
    """Return the shape of one tensor, or the shapes of several."""
    if isinstance(inputs, dict):
        return ", ".join(f"{name} {shapes(one)}" for name, one in inputs.items())
    if isinstance(inputs, Tensor):
        return str(tuple(inputs.shape))
    return " and ".join(str(tuple(one.shape)) for one in tensors_in(inputs)) or repr(inputs)


def answer(outputs: object) -> tuple[str, Tensor]:
    """Return the tensor of a network's outputs that predicts something, and its name there.

    "logits" if there are such, else the first with examples; the name of a mere tensor is "".

    Raises:
        InitsweepError: If there is none of real numbers.
    """
    found = outputs_in(outputs)
    real = {name: one for name, one in found.items() if one.is_floating_point()}
    whole = {name: one for name, one in real.items() if one.dim()}
    for name in ("logits", *whole, *real):
        if name in real:
            return name, real[name]
    kinds = sorted({str(one.dtype).removeprefix("torch.") for one in found.values()})
    raise InitsweepError(
        f"The network returns {type(outputs).__name__} with {' and '.join(kinds) or 'no tensor'}, "
        "and no real numbers to compare with targets; give targets and a loss that takes it."
    )


def own_loss(outputs: object) -> Tensor | None:
    """Return the loss that a network computes itself: `loss` of what it returns, or all of it."""
    found = outputs_in(outputs)
    one = found.get("loss", found.get(""))
    return one if one is not None and one.is_floating_point() and one.numel() == 1 else None


def outputs_in(outputs: object) -> dict[str, Tensor]:
    """Return the tensors in what a network returns, by name; "" for what is but a tensor."""
    return dict(_named(outputs, ""))


def _named(outputs: object, path: str) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors in what a network returns, with their names."""
    if isinstance(outputs, Tensor):
        yield path, outputs
        return
    parts: Mapping[Any, object] = {}
    if isinstance(outputs, Mapping):
        parts = outputs
    elif isinstance(outputs, tuple | list):
        parts = dict(zip(getattr(outputs, "_fields", range(len(outputs))), outputs, strict=True))
    elif is_dataclass(outputs) or not path:  # an object of any other class is looked into once
        held = [*getattr(outputs, "__dict__", ()), *getattr(type(outputs), "__slots__", ())]
        names = dict.fromkeys(("logits", "loss", *held))  # those two may be properties
        parts = {name: getattr(outputs, name) for name in names if hasattr(outputs, name)}
    for name, part in parts.items():
        yield from _named(part, f"{path}.{name}".lstrip("."))
