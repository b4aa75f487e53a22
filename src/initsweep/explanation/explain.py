"""Explains a network: the law of each weight, and what a scheme would make of it."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.parameter import UninitializedParameter

from initsweep.core.errors import InitsweepError, unheard
from initsweep.explanation.laws import Law
from initsweep.explanation.observed import Observed, observed
from initsweep.explanation.rows import Explanation, LayerLaw, Neighbour
from initsweep.explanation.starts import start_of
from initsweep.graph.effects import name_of
from initsweep.graph.forms import Inputs
from initsweep.graph.formulas import Formula
from initsweep.graph.torch_generator import private_draws
from initsweep.graph.traces import traces_of
from initsweep.graph.twins import apart, twin_of
from initsweep.graph.vocabulary import ACTIVATIONS, EFFECTS
from initsweep.initializers import (
    INITIALIZERS,
    Activations,
    Initializer,
    Layer,
    activations_after,
    activations_before,
    forward_gain,
    initial_state,
    make_initializer,
)
from initsweep.initializers.kept import frozen_names
from initsweep.initializers.packed import packed_layers
from initsweep.initializers.parts import Slot
from initsweep.initializers.placing import placed
from initsweep.initializers.slots import slots_of

_KNOWN: Mapping[str, Callable[[Tensor], Tensor]] = {
    **{name: getattr(functional, name) for name in ACTIVATIONS}, "sin": torch.sin, "exp": torch.exp,
    "abs": torch.abs, "square": torch.square, "relu²": lambda z: functional.relu(z) ** 2,
}  # fmt: skip
"""By name, those that torch knows first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stock:
    """A network's parameters, and the activations around its layers."""

    slots: tuple[Slot, ...]
    after: Activations
    before: Activations
    tied: Mapping[str, tuple[str, ...]]


class _Scheme(NamedTuple):
    """The scheme compared with, and what to call it."""

    name: str
    initializer: Initializer

    def stated(self, layer: Layer) -> Law | None:
        """Return the law that the scheme says a layer has, None where it has to be measured."""
        std, mean = self.initializer.weight_std(layer), self.initializer.weight_mean(layer)
        adjusts = type(self.initializer).complete is not Initializer.complete
        if std is None or mean is None or adjusts:
            return None
        return Law(text=self.name, mean=mean, std=std)


def explain(
    model: nn.Module | Callable[[], nn.Module],
    scheme: Initializer | str | None = None,
    *,
    seed: int = 0,
    inputs: Inputs | None = None,
) -> Explanation:
    """Return what law each weight of a network has now, and under a scheme if one is given.

    Nothing is run or changed. Laws are recognized from the values alone, so it does not matter
    who drew them; after training they are mostly "no known law".

    Args:
        model: The network, with values, or a function or class that builds it.
        scheme: An initializer, or the name of one that needs no options, to compare with.
        seed: The seed under which the scheme's values are drawn, and torch's own if the network
            is built here.
        inputs: Examples of what the network takes, for a scheme that measures signals.

    Returns:
        One row per weight in the order of registration; `print` it for a table.

    Raises:
        InitsweepError: If the network cannot be built or has no values yet (meta device, lazy
            modules), or if the scheme refuses it.

    Examples:
        >>> from torch import nn
        >>> from initsweep import explain
        >>> found = explain(nn.Linear(400, 500), "he_normal")
        >>> found.rows[0].law.text, round(found.under_scheme[0].gain, 2)
        ('torch default U(±1/√fan_in)', 1.41)
    """
    model = model if isinstance(model, nn.Module) else _built(model, seed)
    traces = cache(partial(traces_of, model))
    after, before = activations_after(model, traces), activations_before(model, traces)
    packed = packed_layers(model, traces)
    values = _values_of(model)
    frozen = frozen_names(model)
    slots = slots_of(twin_of(model), after, before, packed=packed.sizes, frozen=frozen)
    slots = placed(slots, model, traces)
    stock = _Stock(slots=slots, after=after, before=before, tied=_tied(model))
    parts = observed(slots, values)
    now = _rows(stock, parts)
    known = {slot.name for slot in slots if slot.kept != "free"}
    found = Explanation(
        rows=tuple(now),
        unknown=tuple(name for name in values if name not in known),
        start=start_of(parts),
        zero=tuple(slot.name for slot in slots if slot.kept == "zero"),
        whole=tuple(f"{path} ({why})" for path, why in packed.unclear.items()),
    )
    if scheme is None:
        return found
    initializer = make_initializer(scheme, {}) if isinstance(scheme, str) else scheme
    name = scheme if isinstance(scheme, str) else _name_of(scheme)
    with unheard():  # of what the table shows and says
        state = initial_state(model, initializer, seed, inputs=inputs, unknown="keep")
    rows = _rows(stock, observed(slots, state), _Scheme(name, initializer))
    filled = {slot.name for slot in slots if slot.own and initializer.fills(slot.own)}
    return replace(
        found,
        unknown=tuple(name for name in found.unknown if name in frozen or name not in filled),
        scheme=name,
        under_scheme=tuple(rows),
        frozen=tuple(name for name in values if name in frozen),
    )


def _built(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Return the network that a function builds; torch's global generator is left as it was.

    Raises:
        InitsweepError: If it fails, or returns something else.
    """
    name = getattr(build, "__qualname__", repr(build))
    if not callable(build):
        raise InitsweepError(f"explain takes a network or what builds one, received {build!r}.")
    with private_draws(seed):
        try:
            model = build()
        except Exception as error:  # the user's own code may raise anything; it is chained
            raise InitsweepError(
                f"'{name}' fails without arguments ({type(error).__name__}: {error}). If it takes "
                "some: `explain(lambda: build(64, 10))`."
            ) from error
    if not isinstance(model, nn.Module):
        raise InitsweepError(f"'{name}' must return a torch.nn.Module, received {model!r}.")
    return model


def _name_of(initializer: Initializer) -> str:
    named = (name for name, entry in INITIALIZERS if entry is type(initializer))
    return next(named, type(initializer).__name__)


def _values_of(model: nn.Module) -> dict[str, nn.Parameter]:
    """Return the values of all parameters.

    Raises:
        InitsweepError: If there are none yet.
    """
    values = dict(model.named_parameters())
    for name, one in values.items():
        if isinstance(one, UninitializedParameter):
            raise InitsweepError(f"'{name}' has no shape yet: run the network once on a batch.")
    if empty := next((name for name, one in values.items() if one.is_meta), None):
        raise InitsweepError(
            f"'{empty}' is on the meta device and has no values to explain. Fill the network "
            "first, with `initialize_(model, scheme, seed)`, or build it on the cpu."
        )
    return values


def _tied(model: nn.Module) -> dict[str, tuple[str, ...]]:
    """Return the further names of parameters that have several, by their first."""
    names: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    return {first: tuple(others) for first, *others in names.values() if others}


def _rows(
    stock: _Stock, parts: Iterable[Observed], scheme: _Scheme | None = None
) -> list[LayerLaw]:
    inside = [part for part in parts if part.slot.parts]
    biases = {part.layer.name: part.law for part in inside if part.role == "bias"}
    rows = []
    for part in inside:
        if part.role == "weight":
            law = scheme.stated(part.layer) if scheme and not part.slot.kept else None
            row = _row(part.layer, law or part.law, biases.get(part.layer.name), stock)
            rows.append(replace(row, also=stock.tied.get(part.slot.name, ())))
    return rows


def _row(layer: Layer, law: Law, bias: Law | None, stock: _Stock) -> LayerLaw:
    return LayerLaw(
        layer=layer.name or "(the network)",
        law=law,
        bias=bias,
        fan_in=layer.fan_in,
        fan_out=layer.fan_out,
        after=_neighbour(layer, layer.activation, stock.after),
        reads=_neighbour(layer, layer.incoming, stock.before),
    )


def _neighbour(layer: Layer, phi: Callable[..., Any] | None, around: Activations) -> Neighbour:
    if layer.kind == "recurrent":
        return Neighbour(name="gate", gain=None)
    if why := around.unclear.get(layer.stem):
        return Neighbour(name="?", gain=None, why=why)
    if phi is None:
        return Neighbour(name="linear", gain=1.0)
    try:
        return Neighbour(name=_called(phi), gain=forward_gain(phi))
    except InitsweepError:  # not elementwise, or lets nothing through: there is no gain
        return Neighbour(name=_called(phi), gain=None)


def _called(phi: Callable[..., Any]) -> str:
    """Return what to call a function: one of torch's if it has the values of one."""
    grid = torch.linspace(-8, 8, 161, dtype=torch.float64)
    with suppress(Exception):  # it may be the user's own, and not elementwise
        values = apart(phi)(grid.clone())
        return next(one for one, known in _KNOWN.items() if torch.allclose(known(grid), values))
    if isinstance(phi, Formula):
        names = [name_of(node).strip("'_") for node, _ in phi.steps]
        return names[0] if len(names) == 1 else "composed"
    name = str(getattr(phi, "__name__", type(phi).__name__)).strip("_").lower()
    plain = (one for one in EFFECTS if one.replace("_", "") == name)
    return "composed" if name == "<lambda>" else next(plain, name)
