"""Looks at a network on a batch of any form, and says what it fails on."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from initsweep.core.errors import InitsweepError
from initsweep.diagnosis.subject import failure, outputs_of, subject
from initsweep.graph.forms import Inputs, arguments, as_inputs, cast
from initsweep.graph.twins import apart
from initsweep.probes.passing import Loss
from initsweep.probes.reading import Reading, look, read


def read_any(
    model: nn.Module,
    batch: Inputs,
    loss: Callable[[Any, Any], Tensor],
    *,
    with_sharpness: bool = True,
) -> Reading:
    """Return what one network shows on one batch, as it is initialized, without changing it.

    Args:
        model: The network, with values, on any device.
        batch: What `forward` takes, as for `diagnose`. Parts of a dictionary, or at the end of a
            tuple or list, that `forward` has no argument for are for the loss alone.
        loss: The batch's mean loss, one number, from what the network returns and the batch.
        with_sharpness: Whether to compute the curvature, the dearest of the numbers.

    Raises:
        InitsweepError: If the batch holds no numbers, network or loss fail on it, or the network
            has no layer that can be looked at.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from torch.nn.functional import cross_entropy
        >>> from initsweep.diagnosis.any_batch import read_any
        >>> network = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 3))
        >>> draws = torch.Generator().manual_seed(0)
        >>> batch = torch.randn(32, 8, generator=draws), torch.arange(32) % 3
        >>> found = read_any(network, batch, lambda scores, batch: cross_entropy(scores, batch[1]))
        >>> found.names
        ['0', '2']
    """
    network, _ = subject(model, 0)
    given = cast(as_inputs(batch, "batch"), torch.float32)
    state = dict(network.named_parameters())
    features = taken(network, given)
    return reading_of(network, state, features, given, apart(loss), with_sharpness=with_sharpness)


def taken(network: nn.Module, batch: Inputs) -> Inputs:
    """Return the part of a batch that a network takes, where a loss takes the batch too.

    A list is one argument if the network takes it as such, and several otherwise.

    Raises:
        InitsweepError: If the network fails on the batch.
    """
    found = arguments(network, batch, shared=True)
    if type(batch) is not list:
        return found
    try:
        outputs_of(network, found)
    except InitsweepError:
        return arguments(network, tuple(batch), shared=True)
    return found


def reading_of(
    network: nn.Module,
    state: Mapping[str, Tensor],
    features: Inputs,
    targets: Inputs,
    loss: Loss,
    *,
    with_sharpness: bool = True,
) -> Reading:
    """Return what a network shows under these parameters.

    Raises:
        InitsweepError: If network or loss fail, or no layer can be looked at.
    """
    given = (network, state, features, targets, loss)
    try:
        snapshot = look(*given)
    except InitsweepError:
        raise
    except Exception as error:  # the user's own code may raise anything; it is chained
        raise InitsweepError(failure(network, features, error, with_loss=True)) from error
    reading = read(*given, snapshot=snapshot, with_sharpness=with_sharpness)
    if reading is None:
        raise InitsweepError(
            f"{type(network).__name__} has no layer that can be looked at: torch's Linear, Conv1d "
            "to Conv3d and MultiheadAttention, and what is derived from them."
        )
    return reading
