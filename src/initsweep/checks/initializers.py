"""What every initializer promises, ours and other people's."""

from collections.abc import Callable
from functools import partial
from typing import get_args

import torch
from torch import Tensor, nn

from initsweep.checks.global_state import global_seeds, moved, snapshot
from initsweep.checks.outcome import BrokenPromiseError, Promise, UnusableError
from initsweep.checks.samples import sample_inputs, sample_layers, sample_networks
from initsweep.core.errors import InitsweepError
from initsweep.core.randomness import torch_stream
from initsweep.initializers import (
    Initializer,
    Layer,
    OptimizerKind,
    initial_state,
    multipliers_of,
)
from initsweep.initializers.base import FunctionInitializer


def initializer_promises(initializer: Initializer) -> list[Promise]:
    """Return the checks of an initializer, in the order in which to read them."""
    checks = {
        "fills layers of every kind, or refuses them": fills_layers,
        "the generator is the only source of randomness": draws_from_the_generator,
        "other generators give other draws, unless it is deterministic": generators_matter,
        "global state is left alone": leaves_global_state,
        "fills a whole network, the same for the same seed": fills_networks,
    }
    if initializer.scales_rates:
        checks["factors on rates and decays are usable by optimizers of every kind"] = gives_factors
    return [(title, partial(check, initializer)) for title, check in checks.items()]


def fills_layers(initializer: Initializer) -> str:
    """Check shape, type, device and values on layers of every kind.

    Returns:
        The kinds that it refuses, with its reasons.

    Raises:
        BrokenPromiseError: If a tensor is not proper.
        UnusableError: If that is so of the first layer that it does not refuse, or it refuses all.
    """
    refused: dict[str, str] = {}
    filled = False
    for kind, layers in sample_layers().items():
        for layer in layers:
            if reason := initializer.refuses(layer):
                refused[kind] = reason
                continue
            try:
                _fills_layer(initializer, layer, kind)
            except BrokenPromiseError as error:
                if filled:
                    raise
                raise UnusableError(str(error)) from error
            filled = True
    if not filled:
        raise UnusableError("it refuses every layer; return None from `refuses` for some")
    listed = "; ".join(f"{kind} ({reason.rstrip('.')})" for kind, reason in refused.items())
    return f"it refuses {listed}" if refused else ""


def _fills_layer(initializer: Initializer, layer: Layer, kind: str) -> None:
    """Check the weight and the bias of a layer."""
    weight = _attempt(initializer.weight, layer, kind)
    check_tensor(weight, layer.weight_shape, f"weight of a {kind} layer")
    bias = _attempt(initializer.bias, layer, kind)
    check_tensor(bias, layer.bias_shape or (0,), f"bias of a {kind} layer")


def check_tensor(tensor: object, shape: tuple[int, ...], what: str) -> None:
    """Check that a value is a finite float32 CPU tensor of this shape that records no gradient.

    Raises:
        BrokenPromiseError: If it is anything else.
    """
    if not isinstance(tensor, Tensor):
        raise BrokenPromiseError(f"the {what} must be a torch.Tensor, received {tensor!r}")
    if tuple(tensor.shape) != shape:
        raise BrokenPromiseError(
            f"the {what} must have shape {shape}, received {tuple(tensor.shape)}; take the shape "
            "from `layer.weight_shape`, in torch's order (out, in, ...)"
        )
    if tensor.dtype != torch.float32 or tensor.device.type != "cpu":
        raise BrokenPromiseError(
            f"the {what} must be torch.float32 on the cpu, received {tensor.dtype} on "
            f"{tensor.device}; end with `.to('cpu', torch.float32)`"
        )
    if not bool(tensor.isfinite().all()):
        raise BrokenPromiseError(f"the {what} holds values that are not finite")
    if tensor.requires_grad:
        raise BrokenPromiseError(f"the {what} records gradients; return it `.detach()`ed")


def draws_from_the_generator(initializer: Initializer) -> str:
    """Check that two draws from equal generators are equal, whatever the global generators do.

    Returns:
        Nothing to remark.

    Raises:
        BrokenPromiseError: If they differ.
    """
    layer = _usable(initializer)
    with global_seeds(0):
        before = snapshot()
        first = initializer.weight(layer, torch_stream("a"))
        sources = [name for name in moved(before) if "generator" in name or "random" in name]
    with global_seeds(1):
        again = initializer.weight(layer, torch_stream("a"))
    if not _same(first, again):
        source = f" It draws from {' and '.join(sources)}." if sources else ""
        raise BrokenPromiseError(
            f"two draws from equal generators differ.{source} Draw with "
            "`torch.randn(shape, generator=generator)`; torch.nn.init's functions take "
            "`generator` too"
        )
    return ""


def generators_matter(initializer: Initializer) -> str:
    """Check that other generators give other weights, unless it says that it is deterministic.

    Returns:
        Whether it is deterministic.

    Raises:
        BrokenPromiseError: If it says one thing and does another.
    """
    layer = _usable(initializer)
    with global_seeds(0):
        before = snapshot()
        first = initializer.weight(layer, torch_stream("a"))
        drawn_elsewhere = bool(moved(before))
    with global_seeds(0):
        same = _same(first, initializer.weight(layer, torch_stream("b")))
    if same and drawn_elsewhere:
        return ""  # in a study the global generators are seeded by the stream
    if same == initializer.deterministic:
        return "it is, and says so" if same else ""
    if isinstance(initializer, FunctionInitializer) or initializer.by_place:  # of one part
        return "it is: every seed of a study starts from the same weights"
    raise BrokenPromiseError(
        "it gives the same weights whatever the generator; set `deterministic = True`"
        if same
        else "it says `deterministic = True` but its weights depend on the generator"
    )


def _same(one: Tensor, other: Tensor) -> bool:
    """Return whether two draws are the same; NaN equals NaN here."""
    return torch.equal(one.isnan(), other.isnan()) and torch.equal(
        one.nan_to_num(), other.nan_to_num()
    )


def leaves_global_state(initializer: Initializer) -> str:
    """Check that no global generator or setting is moved.

    Returns:
        Nothing to remark.

    Raises:
        BrokenPromiseError: Naming what was moved.
    """
    layer = _usable(initializer)
    with global_seeds(0):
        before = snapshot()
        initializer.weight(layer, torch_stream("a"))
        initializer.bias(layer, torch_stream("a"))
        changed = moved(before)
    if changed:
        raise BrokenPromiseError(
            f"it changes {' and '.join(changed)}, so that what it fills depends on what else runs; "
            "draw from `generator` and leave global settings as they are"
        )
    return ""


def fills_networks(initializer: Initializer) -> str:
    """Check a plain and a residual network: filled, reproducible, not touched.

    Returns:
        Which of the two it refuses, with its reason.

    Raises:
        BrokenPromiseError: If it refuses both or breaks its promise on one.
    """
    refusals = {
        name: reason
        for name, network in sample_networks().items()
        if (reason := _fills(initializer, network))
    }
    if len(refusals) == len(sample_networks()):
        raise BrokenPromiseError(next(iter(refusals.values())))
    return "; ".join(f"it refuses a {name} network ({why})" for name, why in refusals.items())


def _fills(initializer: Initializer, network: nn.Module) -> str:
    """Return why the initializer refuses the network, "" if it fills it as it should.

    Raises:
        BrokenPromiseError: If it fills it otherwise.
    """
    before = {name: one.clone() for name, one in network.state_dict().items()}
    try:
        state = initial_state(network, initializer, 0, inputs=sample_inputs())
    except InitsweepError as error:
        return str(error)
    again = initial_state(network, initializer, 0, inputs=sample_inputs())
    if any(not torch.equal(state[name], again[name]) for name in state):
        raise BrokenPromiseError("the same seed gives other values the second time")
    if list(state) != [name for name, _ in network.named_parameters()]:
        raise BrokenPromiseError("it returns other parameters than the network has")
    after = network.state_dict()
    if any(not torch.equal(before[name], after[name]) for name in before) or not network.training:
        raise BrokenPromiseError("it changes the network; return values instead")
    return ""


def gives_factors(initializer: Initializer) -> str:
    """Check the factors on rates and decays of the networks that it fills.

    Returns:
        Nothing to remark.

    Raises:
        BrokenPromiseError: If it fails, or an optimizer cannot use what it gives.
    """
    for name, network in sample_networks().items():
        if _fills(initializer, network):
            continue
        for kind in get_args(OptimizerKind):
            try:
                multipliers_of(network, initializer, kind)
            except Exception as error:  # other people's code may raise anything; it is chained
                raised = "" if isinstance(error, InitsweepError) else f"{type(error).__name__}: "
                raise BrokenPromiseError(
                    f"its `multipliers` fail on a {name} network under {kind} ({raised}{error})"
                ) from error
    return ""


def _usable(initializer: Initializer) -> Layer:
    """Return the first layer that it fills.

    Raises:
        BrokenPromiseError: If there is none.
    """
    for layers in sample_layers().values():
        for layer in layers:
            if not initializer.refuses(layer):
                return layer
    raise BrokenPromiseError("it refuses every layer")


def _attempt(fill: Callable[[Layer, torch.Generator], object], layer: Layer, kind: str) -> object:
    """Return what the initializer's `weight` or `bias` returns for a layer.

    Raises:
        BrokenPromiseError: If it fails.
    """
    try:
        return fill(layer, torch_stream("contract"))
    except Exception as error:  # other people's code may raise anything; it is chained
        raise BrokenPromiseError(
            f"it fails on a {kind} layer of shape {layer.weight_shape} ({type(error).__name__}: "
            f"{error}); a subclass of Initializer can say in `refuses` that it does not fill it"
        ) from error
