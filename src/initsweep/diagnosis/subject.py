"""The network that is looked at: built, with values, on the CPU; and what it answers."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from initsweep.core.errors import InitsweepError
from initsweep.graph.forms import Inputs, called, shapes, tensors_in
from initsweep.graph.torch_generator import private_draws
from initsweep.graph.twins import copy_of, twin_of
from initsweep.probes.passing import error_in_words, typed

LOOKUPS = (nn.Embedding, nn.EmbeddingBag)


def subject(model: nn.Module | Callable[[], nn.Module], seed: int) -> tuple[nn.Module, list[str]]:
    """Return the network itself, or the one that a function builds under this seed.

    Of what torch wraps around a network, what is inside.

    Returns:
        The network, and what to note of it, in sentences.

    Raises:
        InitsweepError: If it is neither, building it fails, it has no values yet, or it is
            scripted.
    """
    if not isinstance(model, nn.Module) and not callable(model):
        raise InitsweepError(f"The model must be a network or build one, received {model!r}.")
    network, notes = _unwrapped(model if isinstance(model, nn.Module) else _built(model, seed))
    _check_open(network)
    values = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    lazy = next((name for name, one in values.items() if nn.parameter.is_lazy(one)), None)
    if lazy is not None:
        raise InitsweepError(
            f"'{lazy}' has no shape yet. Call the network on one batch before it is looked at."
        )
    empty = next((name for name, one in values.items() if one.is_meta), None)
    if empty is not None:
        raise InitsweepError(
            f"'{empty}' is on the meta device and has no values. Build the network on the CPU, or "
            'fill it: `network.to_empty(device="cpu")`, then `initialize_(network, "he_normal", '
            "0)`."
        )
    elsewhere = any(parameter.device.type != "cpu" for parameter in network.parameters())
    return copy_of(network).cpu() if elsewhere else network, notes


WRAPPERS = {
    "torch._dynamo.eval_frame.OptimizedModule": "_orig_mod",
    "torch.nn.parallel.data_parallel.DataParallel": "module",
    "torch.nn.parallel.distributed.DistributedDataParallel": "module",
}
"""By name, as the first is slow to import; and where they have the network."""


def _unwrapped(network: nn.Module) -> tuple[nn.Module, list[str]]:
    kind = type(network)
    inside = WRAPPERS.get(f"{kind.__module__}.{kind.__qualname__}")
    if inside is None:
        return network, []
    found, notes = _unwrapped(getattr(network, inside))
    return found, [f"looked at the network inside the {kind.__name__}", *notes]


def _check_open(network: nn.Module) -> None:
    """Check that all layers can be looked inside.

    Raises:
        InitsweepError: If there is a scripted module with values.
    """
    for path, module in network.named_modules():
        if isinstance(module, torch.jit.ScriptModule) and (
            any(True for _ in module.parameters()) or any(True for _ in module.buffers())
        ):
            where = f"'{path}' of {type(network).__name__}" if path else "The network"
            raise InitsweepError(
                f"{where} is scripted or traced (torch.jit): compiled code cannot be looked "
                "inside. Give the network as it was before torch.jit.script or torch.jit.trace."
            )


def _built(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    with private_draws(seed):
        try:
            network = build()
        except Exception as error:  # the user's own code may raise anything; it is chained
            raise InitsweepError(
                f"The function that builds the network fails: {type(error).__name__}: {error}"
            ) from error
    if not isinstance(network, nn.Module):
        raise InitsweepError(f"The model must be a torch.nn.Module, received {network!r}.")
    return network


def outputs_of(network: nn.Module, features: Inputs) -> Any:  # noqa: ANN401 - whatever it returns
    """Return what the network makes of a batch in training.

    Raises:
        InitsweepError: If the network fails on the batch.
    """
    twin = twin_of(network).train()
    try:
        with torch.no_grad(), private_draws(0):
            return called(twin, typed(dict(network.named_parameters()), features, None))
    except Exception as error:  # the user's own code may raise anything; it is chained
        raise InitsweepError(failure(network, features, error)) from error


def failure(
    network: nn.Module, features: Inputs, error: Exception, *, with_loss: bool = False
) -> str:
    """Return on what a network fails, and why if that is known."""
    who = f"{type(network).__name__} or its loss" if with_loss else type(network).__name__
    text = f"{who} fails on a batch of shape {shapes(features)}: {error_in_words(error)}"
    if type(features) is list:
        text += ". A list is one argument of `forward`; give several in a tuple"
    looks_up = any(isinstance(module, LOOKUPS) for module in network.modules())
    given = tensors_in(features)
    if not looks_up and not any(one.is_floating_point() or one.is_complex() for one in given):
        kinds = ", ".join(sorted({str(one.dtype).removeprefix("torch.") for one in given}))
        text += (
            f". The batch holds whole numbers ({kinds}), as for a lookup table, and the network "
            "has none: give them as floats."
        )
    return text
