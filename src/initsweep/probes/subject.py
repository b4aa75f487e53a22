"""The network that is looked at: built, with values, on the CPU; and what it answers."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from initsweep.errors import InitsweepError
from initsweep.graph.draws import private_draws
from initsweep.graph.strays import check_registered
from initsweep.graph.twins import copy_of, twin_of

LOOKUPS = (nn.Embedding, nn.EmbeddingBag)


def subject(model: nn.Module | Callable[[], nn.Module], seed: int) -> nn.Module:
    """Return the network itself, or the one that a function builds under this seed.

    Raises:
        InitsweepError: If it is neither, building it fails, it has no values yet, or layers of it
            are where torch does not find them.
    """
    if not isinstance(model, nn.Module) and not callable(model):
        raise InitsweepError(f"The model must be a network or build one, received {model!r}.")
    network = model if isinstance(model, nn.Module) else _built(model, seed)
    check_registered(network, type(network).__name__)
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
    return copy_of(network).cpu() if elsewhere else network


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


def outputs_of(network: nn.Module, features: Tensor) -> Tensor:
    """Return what the network makes of a batch.

    Raises:
        InitsweepError: If the network fails on the batch or returns something else than a tensor.
    """
    twin = twin_of(network).eval()
    try:
        with torch.no_grad(), private_draws(0):
            dtype = next((p.dtype for p in network.parameters()), torch.float32)
            outputs = twin(features.to(dtype) if features.is_floating_point() else features)
    except Exception as error:  # the user's own code may raise anything; it is chained
        raise InitsweepError(failure(network, features, error)) from error
    if not isinstance(outputs, Tensor):
        raise InitsweepError(
            f"{type(network).__name__} returns {type(outputs).__name__}, not a tensor; give "
            "targets and a loss that takes it."
        )
    return outputs


def failure(
    network: nn.Module, features: Tensor, error: Exception, *, with_loss: bool = False
) -> str:
    """Return on what a network fails, and why if that is known."""
    first = str(error).partition("\n")[0]
    who = f"{type(network).__name__} or its loss" if with_loss else type(network).__name__
    text = f"{who} fails on a batch of shape {tuple(features.shape)}: {first}"
    looks_up = any(isinstance(module, LOOKUPS) for module in network.modules())
    if not features.is_floating_point() and not looks_up:
        text += (
            f". The batch holds whole numbers ({str(features.dtype).removeprefix('torch.')}), as "
            "for a lookup table, and the network has none: give them as floats."
        )
    return text
