"""Fills a built network: one random stream per parameter name, so nothing else moves a weight."""

import warnings
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

from initsweep.errors import InitsweepError, InitsweepWarning
from initsweep.initializers.activations import Activations, activations_after, activations_before
from initsweep.initializers.base import FunctionInitializer, Initializer
from initsweep.initializers.catalogue import make_initializer
from initsweep.initializers.layers import NORMS_WITH_STATISTICS, Layer, Neighbour
from initsweep.initializers.materialize import materialize
from initsweep.initializers.network import Inputs, Network
from initsweep.initializers.slots import Part, Slot, slots_of
from initsweep.randomness import torch_stream

AnyModule = TypeVar("AnyModule", bound=nn.Module)


def layers_of(model: nn.Module) -> list[Layer]:
    """Return the layers to initialize, in the order of registration; tied weights once.

    The projections of attention and the gates of recurrent layers are layers each. Normalization
    layers are not among them.

    Raises:
        InitsweepError: If a module has parameters that no initializer knows how to fill.
    """
    slots = slots_of(model, activations_after(model))
    return [part.layer for slot in slots for part in slot.parts if part.role == "weight"]


def initial_state(
    model: nn.Module, initializer: Initializer, seed: int, *, inputs: Inputs | None = None
) -> dict[str, Tensor]:
    """Return initial values of all parameters, by name, without touching the network.

    Each parameter is drawn from a stream addressed by the seed and its own name, not by the
    scheme: for one seed, schemes of one family give scaled copies of the same draw, and no value
    depends on the order of modules, on the device, on the type of numbers or on torch's global
    generator. Normalization layers start at weight 1 and bias 0 under every scheme, PReLU at the
    slope it was built with, and the padding row of a lookup table at 0.

    Args:
        model: The network, on any device, "meta" included; its own values are ignored.
        initializer: Fills weights and biases.
        seed: The run's seed.
        inputs: Examples of what the network takes, for initializers that measure signals; one
            tensor, or a tuple if `forward` takes several.

    Returns:
        Parameter name to float32 CPU tensor, in the order of `model.named_parameters()`.

    Raises:
        InitsweepError: If the network has a parameter that no initializer knows how to fill or
            that this one refuses, the initializer returns something else than a finite float32
            tensor of the right shape, or it needs inputs and gets none.
    """
    after = activations_after(model)
    before = activations_before(model) if initializer.reads == "incoming" else None
    slots = slots_of(model, after, before)
    _warn_of_unclear(slots, after if before is None else before, initializer)
    # A user's function may draw from torch's global generator; here that is harmless.
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        state = {slot.name: _filled(slot, initializer, seed) for slot in slots}
        network = Network(model=model, slots=slots, inputs=inputs, seed=seed)
        completed = dict(initializer.complete(network, state))
    return {
        slot.name: _checked(completed.get(slot.name), slot.shape, slot.name, initializer)
        for slot in slots
    }


def initialize_(
    model: AnyModule,
    initializer: Initializer | Callable[..., object] | str,
    seed: int,
    *,
    inputs: Inputs | None = None,
) -> AnyModule:
    """Fill the network in place and return it; running statistics of norm layers start afresh.

    Values are computed in float32 and rounded once to the type of each parameter. Modules on the
    "meta" device are given memory on the CPU first, lazy ones their sizes by one run on `inputs`.

    Args:
        model: The network, on any device.
        initializer: An initializer, the name of one that needs no options, or a function
            `(layer, generator) -> weight` of your own.
        seed: The run's seed.
        inputs: Examples of what the network takes; for lazy modules and for initializers that
            measure signals.

    Returns:
        The same network.

    Raises:
        InitsweepError: As `initial_state`; also if a lazy network is given no inputs, or a buffer
            on the "meta" device has values that only building the network elsewhere can give.
    """
    if isinstance(initializer, str):
        initializer = make_initializer(initializer, {})
    elif not isinstance(initializer, Initializer):
        initializer = FunctionInitializer(function=initializer, options={})
    materialize(model, inputs)
    state = initial_state(model, initializer, seed, inputs=inputs)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(state[name])
    for module in model.modules():
        if isinstance(module, NORMS_WITH_STATISTICS):
            module.reset_running_stats()
    return model


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
    names = {part.layer.name for slot in slots for part in slot.parts}
    unclear = {name: why for name, why in activations.unclear.items() if name in names}
    if unclear:
        listed = "; ".join(f"'{name}' ({why})" for name, why in unclear.items())
        warnings.warn(
            f"{initializer!r} takes its gain from the activation {_BESIDE[initializer.reads]}. It "
            f"is 1 where reading the network does not tell: {listed}.",
            InitsweepWarning,
            stacklevel=3,
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
