"""Fills a built network, or says what it would be filled with."""

import math
from collections.abc import Callable
from functools import cache, partial
from typing import TypeVar, get_args

import torch
from torch import Tensor, nn

from initsweep.core.errors import InitsweepError, unheard
from initsweep.core.multipliers import NONE, Multipliers, OptimizerKind
from initsweep.graph.forms import Inputs
from initsweep.graph.traces import traces_of
from initsweep.graph.twins import twin_of
from initsweep.initializers.adjacent import activations_after
from initsweep.initializers.arguments import (
    AnyInitializer,
    as_initializer,
    check_network,
    checked_seed,
)
from initsweep.initializers.filling import Filling
from initsweep.initializers.kept import frozen_names, restart_norms
from initsweep.initializers.layers import Layer
from initsweep.initializers.materialize import find_sizes, give_memory
from initsweep.initializers.packed import packed_layers
from initsweep.initializers.placing import placed
from initsweep.initializers.slots import slots_of
from initsweep.initializers.unknown import Unknown, check_unknown, refuse_weights, unknown_weights

AnyModule = TypeVar("AnyModule", bound=nn.Module)


def layers_of(model: nn.Module, *, unknown: Unknown = "refuse") -> list[Layer]:
    """Return the layers to initialize, in the order of registration; tied weights once.

    The projections of attention, where they can be told apart, and the gates of recurrent layers
    are layers each. Normalization
    layers are not among them, frozen layers are.

    Args:
        model: The network.
        unknown: As for `initialize_`.

    Raises:
        InitsweepError: If weights are of modules that no initializer knows.
    """
    check_unknown(unknown)
    traces = cache(partial(traces_of, model))
    after = activations_after(model, traces)
    packed = packed_layers(model, traces).sizes
    slots = slots_of(twin_of(model), after, packed=packed, frozen=frozen_names(model))
    slots = placed(slots, model, traces)
    if unknown == "refuse":
        refuse_weights(model, unknown_weights(model, slots, traces))
    parts = [part for slot in slots if not slot.kept for part in slot.parts]
    return [part.layer for part in parts if part.role == "weight"]


def initial_state(
    model: nn.Module,
    initializer: AnyInitializer,
    seed: int,
    *,
    inputs: Inputs | None = None,
    frozen: bool = False,
    unknown: Unknown = "refuse",
) -> dict[str, Tensor]:
    """Return initial values of all parameters, by name, without touching the network.

    Each parameter is drawn from a stream addressed by the seed and its own name, not by the
    scheme: for one seed, schemes of one family give scaled copies of the same draw, and no value
    depends on the order of modules, on the device, on the type of numbers or on torch's global
    generator. Normalization layers start at weight 1 and bias 0 under every scheme, PReLU at the
    slope it was built with, and the padding row of a lookup table at 0.

    Frozen parameters (`requires_grad=False`) have the values that the network has, and so do
    parameters of modules that initializers do not know, such as a class token or the weight of an
    own norm; a warning names the latter. Weights among them, by which the network multiplies its
    signal, are refused unless `unknown="keep"`; see `layer_kind`.

    Args:
        model: The network, on any device, "meta" included; its own values are ignored, those of
            frozen parameters excepted.
        initializer: As for `initialize_`.
        seed: The run's seed, a whole number from 0.
        inputs: Examples of what the network takes, for initializers that measure signals: a
            tensor or a NumPy array, a tuple if `forward` takes several, a dictionary for named
            ones; what is in them may be nested.
        frozen: Whether to fill frozen parameters too.
        unknown: As for `initialize_`.

    Returns:
        Parameter name to float32 CPU tensor, in the order of `model.named_parameters()`.

    Raises:
        InitsweepError: If the network has a layer that no initializer knows how to fill or that
            this one refuses, the initializer returns something else than a finite float32 tensor
            of the right shape, needs inputs and gets none or unusable ones, or an argument is not
            what it should be.

    Examples:
        >>> from torch import nn
        >>> from initsweep import initial_state
        >>> state = initial_state(nn.Linear(400, 500), "he_normal", seed=0)
        >>> {name: tuple(values.shape) for name, values in state.items()}
        {'weight': (500, 400), 'bias': (500,)}
        >>> round(state["weight"].std().item(), 3)  # sqrt(2 / 400)
        0.071
    """
    check_network(model)
    check_unknown(unknown)
    initializer, seed = as_initializer(initializer), checked_seed(seed)
    kept = frozenset() if frozen else frozen_names(model)
    return Filling.of(model, initializer, inputs, kept, unknown).state(seed)


def initial_states(
    model: nn.Module,
    initializer: AnyInitializer,
    *,
    inputs: Inputs | Callable[[int], Inputs] | None = None,
    frozen: bool = False,
    unknown: Unknown = "refuse",
) -> Callable[[int], dict[str, Tensor]]:
    """Return a function from seeds to initial states; the network is read here, once for all.

    Args:
        model: As for `initial_state`; not to be changed as long as the function is used.
        initializer: As for `initialize_`.
        inputs: As for `initial_state`, or a function from seeds to such examples.
        frozen: As for `initial_state`.
        unknown: As for `initialize_`.

    Raises:
        InitsweepError: As `initial_state`, what depends on drawn values excepted.
    """
    check_network(model)
    check_unknown(unknown)
    kept = frozenset() if frozen else frozen_names(model)
    filling = Filling.of(model, as_initializer(initializer), inputs, kept, unknown)
    return lambda seed: filling.state(checked_seed(seed))


def multipliers_of(
    model: nn.Module,
    initializer: AnyInitializer,
    kind: OptimizerKind,
    *,
    unknown: Unknown = "refuse",
) -> dict[str, Multipliers]:
    """Return the factors that a scheme puts on rates and decays, of every parameter by name.

    Args:
        model: As for `initial_state`.
        initializer: As for `initialize_`.
        kind: How the optimizer's updates depend on the size of gradients.
        unknown: As for `initialize_`.

    Returns:
        In the order of `model.named_parameters()`; 1 and 1 for whatever the scheme says nothing of.

    Raises:
        InitsweepError: As `initial_state`; also if a factor is negative or not finite, or its
            parameter is none of the network's.
    """
    check_network(model)
    check_unknown(unknown)
    if kind not in get_args(OptimizerKind):
        raise InitsweepError(
            f"kind: received {kind!r}. Give one of {', '.join(get_args(OptimizerKind))}, or ask "
            "`parameter_groups`, which takes an optimizer's name."
        )
    initializer = as_initializer(initializer)
    if not initializer.scales_rates:  # nothing has to be read
        return {name: NONE for name, _ in model.named_parameters()}
    with unheard():  # what is kept is told by those who fill
        filling = Filling.of(model, initializer, None, frozen_names(model), unknown)
    given = filling.initializer.multipliers(filling.network, kind)
    known = [slot.name for slot in filling.network.slots]
    for name, one in given.items():
        if name not in known or not all(math.isfinite(factor) and factor >= 0 for factor in one):
            raise InitsweepError(
                f"Initializer {filling.initializer!r} gives '{name}' the multipliers {one}: they "
                "must be of a parameter of the network, finite and not negative."
            )
    return {name: Multipliers(*given.get(name, ())) for name in known}


def initialize_(
    model: AnyModule,
    initializer: AnyInitializer,
    seed: int,
    *,
    inputs: Inputs | None = None,
    frozen: bool = False,
    unknown: Unknown = "refuse",
) -> AnyModule:
    """Fill the network in place and return it; running statistics of norm layers start afresh.

    Values are computed in float32 and rounded once to the type of each parameter. Modules on the
    "meta" device are given memory on the CPU first, lazy ones their sizes by one run on `inputs`.
    Frozen parameters keep their values, and norms around which all is frozen their statistics;
    parameters of modules that initializers do not know keep theirs, the zeros at the end of a
    branch of low rank (LoRA) too, and one warning names all that is passed over.

    Args:
        model: The network, on any device.
        initializer: An initializer, the name of one that needs no options, or a function
            `(layer, generator) -> weight` of your own.
        seed: The run's seed, a whole number from 0.
        inputs: Examples of what the network takes; for lazy modules and for initializers that
            measure signals.
        frozen: Whether to fill frozen parameters too.
        unknown: What to do about weights that no initializer knows, as other parameters of such
            modules keep their values anyway: "refuse" raises an error that names them all, "keep"
            leaves them as they are.

    Returns:
        The same network.

    Raises:
        InitsweepError: As `initial_state`; also if a lazy network is given no inputs, or a buffer
            on the "meta" device has values that only building the network elsewhere can give.

    Examples:
        >>> from torch import nn
        >>> from initsweep import initialize_
        >>> network = nn.Sequential(nn.Linear(400, 500), nn.ReLU(), nn.Linear(500, 10))
        >>> network = initialize_(network, "he_normal", seed=0)
        >>> round(network[0].weight.std().item(), 3)  # sqrt(2 / 400)
        0.071
    """
    check_network(model)
    check_unknown(unknown)
    initializer, seed = as_initializer(initializer), checked_seed(seed)
    # Asked before they are given memory: what has no values yet has none to keep.
    fixed = frozenset() if frozen else frozen_names(model)
    find_sizes(model, inputs)
    filling = Filling.of(model, initializer, inputs, fixed, unknown)
    give_memory(model)
    state = filling.state(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name not in filling.kept:
                parameter.copy_(state[name])
    restart_norms(model, fixed)
    return model
