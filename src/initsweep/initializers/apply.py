"""Fills a built network: one random stream per parameter name, so nothing else moves a weight."""

import warnings
from collections.abc import Collection, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from initsweep.errors import InitsweepError, InitsweepWarning
from initsweep.initializers.activations import Activations, activations_after, activations_before
from initsweep.initializers.arguments import (
    AnyInitializer,
    as_initializer,
    check_network,
    checked_seed,
)
from initsweep.initializers.base import Initializer
from initsweep.initializers.kept import (
    describe_free,
    frozen_names,
    kept_values,
    restart_norms,
)
from initsweep.initializers.layers import Layer, Neighbour
from initsweep.initializers.materialize import materialize
from initsweep.initializers.network import Inputs, Network
from initsweep.initializers.parts import Part, Slot
from initsweep.initializers.slots import slots_of
from initsweep.randomness import torch_stream

AnyModule = TypeVar("AnyModule", bound=nn.Module)


def layers_of(model: nn.Module) -> list[Layer]:
    """Return the layers to initialize, in the order of registration; tied weights once.

    The projections of attention and the gates of recurrent layers are layers each. Normalization
    layers are not among them, frozen layers are.

    Raises:
        InitsweepError: If a module has a weight that no initializer knows how to fill.
    """
    slots = slots_of(model, activations_after(model), frozen=frozen_names(model))
    parts = [part for slot in slots if not slot.kept for part in slot.parts]
    return [part.layer for part in parts if part.role == "weight"]


def initial_state(
    model: nn.Module,
    initializer: AnyInitializer,
    seed: int,
    *,
    inputs: Inputs | None = None,
    frozen: bool = False,
) -> dict[str, Tensor]:
    """Return initial values of all parameters, by name, without touching the network.

    Each parameter is drawn from a stream addressed by the seed and its own name, not by the
    scheme: for one seed, schemes of one family give scaled copies of the same draw, and no value
    depends on the order of modules, on the device, on the type of numbers or on torch's global
    generator. Normalization layers start at weight 1 and bias 0 under every scheme, PReLU at the
    slope it was built with, and the padding row of a lookup table at 0.

    Frozen parameters (`requires_grad=False`) have the values that the network has, and so do
    parameters in no layer of torch's own, such as a class token; a warning names the latter.

    Args:
        model: The network, on any device, "meta" included; its own values are ignored, those of
            frozen parameters excepted.
        initializer: As for `initialize_`.
        seed: The run's seed, a whole number from 0.
        inputs: Examples of what the network takes, for initializers that measure signals: a
            tensor or a NumPy array, or a tuple if `forward` takes several.
        frozen: Whether to fill frozen parameters too.

    Returns:
        Parameter name to float32 CPU tensor, in the order of `model.named_parameters()`.

    Raises:
        InitsweepError: If the network has a layer that no initializer knows how to fill or that
            this one refuses, the initializer returns something else than a finite float32 tensor
            of the right shape, needs inputs and gets none or unusable ones, or an argument is not
            what it should be.
    """
    check_network(model)
    kept = frozenset() if frozen else frozen_names(model)
    return _state(model, as_initializer(initializer), checked_seed(seed), inputs, kept)[0]


def initialize_(
    model: AnyModule,
    initializer: AnyInitializer,
    seed: int,
    *,
    inputs: Inputs | None = None,
    frozen: bool = False,
) -> AnyModule:
    """Fill the network in place and return it; running statistics of norm layers start afresh.

    Values are computed in float32 and rounded once to the type of each parameter. Modules on the
    "meta" device are given memory on the CPU first, lazy ones their sizes by one run on `inputs`.
    Frozen parameters keep their values, and norms around which all is frozen their statistics;
    parameters in no layer of torch's own keep theirs, and are named in a warning.

    Args:
        model: The network, on any device.
        initializer: An initializer, the name of one that needs no options, or a function
            `(layer, generator) -> weight` of your own.
        seed: The run's seed, a whole number from 0.
        inputs: Examples of what the network takes; for lazy modules and for initializers that
            measure signals.
        frozen: Whether to fill frozen parameters too.

    Returns:
        The same network.

    Raises:
        InitsweepError: As `initial_state`; also if a lazy network is given no inputs, or a buffer
            on the "meta" device has values that only building the network elsewhere can give.
    """
    check_network(model)
    initializer, seed = as_initializer(initializer), checked_seed(seed)
    # Asked before they are given memory: what has no values yet has none to keep.
    fixed = frozenset() if frozen else frozen_names(model)
    materialize(model, inputs)
    state, kept = _state(model, initializer, seed, inputs, fixed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name not in kept:
                parameter.copy_(state[name])
    restart_norms(model, fixed)
    return model


def _state(
    model: nn.Module,
    initializer: Initializer,
    seed: int,
    inputs: Inputs | None,
    frozen: Collection[str],
) -> tuple[dict[str, Tensor], Collection[str]]:
    """Return the values of all parameters, and the names of those that are the network's own."""
    after = activations_after(model)
    before = activations_before(model) if initializer.reads == "incoming" else None
    slots = slots_of(model, after, before, frozen=frozen)
    kept = kept_values(model, slots)
    _warn_of_kept(slots, kept)
    _warn_of_unclear(slots, after if before is None else before, initializer)
    # A user's function may draw from torch's global generator; here that is harmless.
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        state = {
            slot.name: kept[slot.name] if slot.kept else _filled(slot, initializer, seed)
            for slot in slots
        }
        network = Network(model=model, slots=slots, inputs=inputs, seed=seed)
        completed = dict(initializer.complete(network, state)) | kept
    checked = {
        slot.name: _checked(completed.get(slot.name), slot.shape, slot.name, initializer)
        for slot in slots
        if not slot.kept
    }
    return {slot.name: (checked | kept)[slot.name] for slot in slots}, kept


def _warn_of_kept(slots: tuple[Slot, ...], kept: Mapping[str, Tensor]) -> None:
    if listed := describe_free(slots, kept):
        warnings.warn(
            "These parameters are in no layer that initializers know, and keep the values they "
            f"were built with: {listed}.",
            InitsweepWarning,
            stacklevel=4,
        )
    if slots and all(slot.kept == "frozen" for slot in slots):
        warnings.warn(
            "Every parameter of the network is frozen, so all keep their values; `frozen=True` "
            "fills them.",
            InitsweepWarning,
            stacklevel=4,
        )


def _filled(slot: Slot, initializer: Initializer, seed: int) -> Tensor:
    if not slot.parts:
        return torch.full(slot.shape, slot.constant)
    value = torch.cat([_drawn(slot, part, initializer, seed) for part in slot.parts])
    value = value.reshape(slot.shape)
    if slot.blank_row is not None:
        value[slot.blank_row] = 0
    return value


def _drawn(slot: Slot, part: Part, initializer: Initializer, seed: int) -> Tensor:
    """Return the values of some rows of a parameter.

    Raises:
        InitsweepError: If the initializer refuses the layer or returns no proper values.
    """
    if reason := initializer.refuses(part.layer):
        raise InitsweepError(f"Initializer {initializer!r} cannot fill '{slot.name}': {reason}")
    fill = initializer.weight if part.role == "weight" else initializer.bias
    generator = torch_stream("weights", seed, part.address)
    torch.default_generator.manual_seed(generator.initial_seed())
    shape = part.layer.weight_shape if part.role == "weight" else part.layer.bias_shape or (0,)
    return _checked(fill(part.layer, generator), shape, part.address, initializer)


_BESIDE: dict[Neighbour, str] = {
    "activation": "after each layer (or from the network's `activation_after`)",
    "incoming": "that each layer reads",
}


def _warn_of_unclear(
    slots: tuple[Slot, ...], activations: Activations, initializer: Initializer
) -> None:
    if initializer.reads is None:
        return
    names = {part.layer.name for slot in slots if not slot.kept for part in slot.parts}
    unclear = {name: why for name, why in activations.unclear.items() if name in names}
    if unclear:
        listed = "; ".join(f"'{name}' ({why})" for name, why in unclear.items())
        warnings.warn(
            f"{initializer!r} takes its gain from the activation {_BESIDE[initializer.reads]}. It "
            f"is 1 where reading the network does not tell: {listed}.",
            InitsweepWarning,
            stacklevel=4,
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
