"""Draws a network's parameters: one random stream per name, so nothing else moves a weight."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cache, partial
from math import prod

import torch
from torch import Tensor, nn

from initsweep.core.errors import InitsweepError, warn
from initsweep.core.randomness import torch_stream
from initsweep.graph.forms import Inputs
from initsweep.graph.torch_generator import private_draws
from initsweep.graph.traces import traces_of
from initsweep.graph.twins import twin_of
from initsweep.initializers.adjacent import Activations, activations_after, activations_before
from initsweep.initializers.base import FunctionInitializer, Initializer
from initsweep.initializers.kept import describe_free, kept_values
from initsweep.initializers.layers import Neighbour
from initsweep.initializers.network import Network
from initsweep.initializers.packed import Packed, packed_layers
from initsweep.initializers.parts import Part, Slot
from initsweep.initializers.placing import placed
from initsweep.initializers.slots import slots_of
from initsweep.initializers.unknown import Unknown, refuse_weights, unknown_weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """All that the states of a network under one initializer share, whatever the seed.

    Attributes:
        initializer: What fills the layers.
        network: The network as `complete` sees it, but itself, and under no seed yet.
        kept: Values that are the network's own, by parameter name.
    """

    initializer: Initializer
    network: Network
    kept: Mapping[str, Tensor]

    @classmethod
    def of(
        cls,
        model: nn.Module,
        initializer: Initializer,
        inputs: Inputs | Callable[[int], Inputs] | None,
        frozen: Collection[str],
        unknown: Unknown,
    ) -> "Filling":
        """Return what reading the network tells; a warning says what it does not."""
        traces = cache(partial(traces_of, model))
        after = activations_after(model, traces)
        before = activations_before(model, traces) if initializer.reads == "incoming" else None
        packed = packed_layers(model, traces)
        # Of a twin, whose layers say what they hold even while somebody traces the network.
        slots = slots_of(twin_of(model), after, before, packed=packed.sizes, frozen=frozen)
        if initializer.by_place:
            slots = placed(slots, model, traces)
        slots = tuple(_named(slot, initializer) for slot in slots)
        weights = unknown_weights(model, slots, traces)
        if unknown == "refuse":
            refuse_weights(model, weights)
        kept = kept_values(model, slots)
        _warn_of_kept(model, slots, kept, weights, packed)
        _warn_of_unclear(slots, after if before is None else before, initializer)
        network = Network(model=model, traces=traces, slots=slots, inputs=inputs, seed=0)
        _warn_of_remarks(network, initializer)
        return cls(initializer=initializer, network=network, kept=kept)

    def state(self, seed: int) -> dict[str, Tensor]:
        """Return the values of all parameters.

        Raises:
            InitsweepError: If the initializer refuses a layer, or returns no proper values.
        """
        slots, kept = self.network.slots, self.kept
        with torch.no_grad():
            state = {
                slot.name: kept[slot.name] if slot.kept else self._filled(slot, seed)
                for slot in slots
            }
            completed = self._completed(state, seed)
        return {
            slot.name: kept[slot.name]
            if slot.kept
            else _checked(completed.get(slot.name), slot.shape, slot.name, self.initializer)
            for slot in slots
        }

    def _draws(self, seed: int) -> AbstractContextManager[object]:
        """Return a context in which the user's own code may draw from torch's global generator.

        Our own code does not.
        """
        kind = type(self.initializer)
        ours = kind.__module__.startswith("initsweep.") and kind is not FunctionInitializer
        ours = ours and not kind.by_place  # the rules of which may name the user's
        return nullcontext() if ours else private_draws(seed)

    def _completed(self, state: Mapping[str, Tensor], seed: int) -> Mapping[str, Tensor]:
        if type(self.initializer).complete is Initializer.complete:
            return state
        network = replace(self.network, model=twin_of(self.network.model), seed=seed)
        with self._draws(seed):
            return self.initializer.complete(network, state)

    def _filled(self, slot: Slot, seed: int) -> Tensor:
        if not slot.parts:
            return torch.full(slot.shape, slot.constant)
        value = slot.from_rows(torch.cat([self._drawn(slot, part, seed) for part in slot.parts]))
        if slot.blank_row is not None:
            value[slot.blank_row] = 0
        return value

    def _drawn(self, slot: Slot, part: Part, seed: int) -> Tensor:
        """Return the values of some rows of a parameter.

        Raises:
            InitsweepError: If the initializer refuses the layer or returns no proper values.
        """
        initializer = self.initializer
        if reason := initializer.refuses(part.layer):
            raise InitsweepError(f"Initializer {initializer!r} cannot fill '{slot.name}': {reason}")
        fill = initializer.weight if part.role == "weight" else initializer.bias
        generator = torch_stream("weights", seed, part.address)
        with self._draws(generator.initial_seed()):
            drawn = fill(part.layer, generator)
        shape = part.layer.weight_shape if part.role == "weight" else part.layer.bias_shape or (0,)
        return _checked(drawn, shape, part.address, initializer)


def _named(slot: Slot, initializer: Initializer) -> Slot:
    """Return the parameter as one that is filled, if it is in no layer and the scheme names it."""
    if slot.own is None or slot.kept in {"frozen", "zero"} or not initializer.fills(slot.own):
        return slot
    part = Part(layer=slot.own, role="weight", address=slot.name)
    return replace(slot, kept="", parts=(part,))


def _warn_of_remarks(network: Network, initializer: Initializer) -> None:
    for remark in initializer.remarks(network):
        warn(remark, stacklevel=5)


def _warn_of_kept(
    model: nn.Module,
    slots: tuple[Slot, ...],
    kept: Mapping[str, Tensor],
    weights: list[Slot],
    packed: Packed,
) -> None:
    told = []
    if weights:
        share = _count(weights) / _count(slots)
        told.append(
            f"No scheme changes these weights, {share:.0%} of all parameters, because no "
            f"initializer knows their modules: {describe_free(model, weights, kept)}. "
            "`layer_kind` says what a class is like."
        )
    if listed := describe_free(model, (slot for slot in slots if slot not in weights), kept):
        told.append(
            "These parameters are in no layer that initializers know, and keep the values they "
            f"were built with: {listed}."
        )
    told += _pairs_and_projections(slots, packed)
    if told:
        warn(" ".join(told), stacklevel=5)
    if slots and all(slot.kept for slot in slots):
        warn(
            "Every parameter of the network is frozen or in no layer that initializers know, so "
            "all keep their values; `frozen=True` fills frozen ones.",
            stacklevel=5,
        )


def _pairs_and_projections(slots: tuple[Slot, ...], packed: Packed) -> Iterator[str]:
    if zeros := ", ".join(f"'{slot.name}'" for slot in slots if slot.kept == "zero"):
        yield f"These end a branch of low rank (LoRA) and keep their zeros: {zeros}."
    filled = {slot.module for slot in slots if slot.parts and not slot.kept}
    whole = {path: why for path, why in packed.unclear.items() if path in filled}
    if listed := "; ".join(f"'{path}' ({why})" for path, why in whole.items()):
        yield (
            "These may hold several projections of an attention, and are filled as one layer each: "
            f"{listed}."
        )


def _count(slots: Iterable[Slot]) -> int:
    return sum(prod(slot.shape) for slot in slots)


_BESIDE: dict[Neighbour, str] = {
    "activation": "after each layer (or from the network's `activation_after`)",
    "incoming": "that each layer reads",
}


def _warn_of_unclear(
    slots: tuple[Slot, ...], activations: Activations, initializer: Initializer
) -> None:
    if initializer.reads is None:
        return
    names = {part.layer.stem for slot in slots if not slot.kept for part in slot.parts}
    unclear = {name: why for name, why in activations.unclear.items() if name in names}
    if unclear:
        listed = "; ".join(f"'{name}' ({why})" for name, why in unclear.items())
        warn(
            f"{initializer!r} takes its gain from the activation {_BESIDE[initializer.reads]}. It "
            f"is 1 where reading the network does not tell: {listed}.",
            stacklevel=5,
        )


def _checked(
    drawn: object, shape: tuple[int, ...], address: str, initializer: Initializer
) -> Tensor:
    """Return `drawn` if it is a finite float32 CPU tensor of this shape.

    Raises:
        InitsweepError: If it is anything else.
    """
    who = f"Initializer {initializer!r} for '{address}'"
    if not isinstance(drawn, Tensor):
        raise InitsweepError(f"{who} must return a tensor, received {drawn!r}.")
    found = (tuple(drawn.shape), drawn.dtype, drawn.device.type)
    if found != (shape, torch.float32, "cpu"):
        raise InitsweepError(
            f"{who} must return shape {shape}, torch.float32, on the cpu; received shape "
            f"{found[0]}, {found[1]}, on {found[2]}."
        )
    if not bool(drawn.isfinite().all()):
        raise InitsweepError(f"{who} returned values that are not finite.")
    return drawn.detach()
