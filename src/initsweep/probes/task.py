"""A batch with something to compare a network's outputs with, checked before anything runs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from initsweep.errors import InitsweepError
from initsweep.probes.reading import Loss
from initsweep.randomness import torch_stream

Numbers = Tensor | np.ndarray | Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a network is looked at on.

    Attributes:
        features: Inputs, shape (batch, ...).
        targets: Class numbers or numbers to predict, as the loss takes them.
        loss: Mean loss from outputs and targets.
        constant_loss: What the best constant prediction costs; None for a loss of the user's.
        notes: What limits the numbers, in sentences.
    """

    features: Tensor
    targets: Tensor
    loss: Loss
    constant_loss: float | None
    notes: list[str]


def checked_batch(batch: Numbers) -> Tensor:
    """Return the batch as a tensor on the CPU.

    Raises:
        InitsweepError: If it has fewer than two examples, or holds NaN or infinities.
    """
    features = _tensor(batch, "batch")
    if features.dim() < 2 or len(features) < 2:
        raise InitsweepError(
            f"The batch must have shape (batch, ...) with at least 2 examples, received "
            f"{tuple(features.shape)}."
        )
    if features.is_floating_point() and not bool(features.isfinite().all()):
        bad = int((~features.isfinite()).sum())
        raise InitsweepError(f"The batch holds {bad} values that are NaN or infinite.")
    return features.float() if features.is_floating_point() else features


def _tensor(numbers: Numbers, what: str) -> Tensor:
    """Return numbers as a tensor on the CPU.

    Raises:
        InitsweepError: If they are none.
    """
    try:
        return torch.as_tensor(numbers).detach().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        first = str(error).partition("\n")[0]
        raise InitsweepError(f"The {what} must be numbers of one shape: {first}") from None


def make_task(
    network: nn.Module, features: Tensor, targets: Numbers | None, loss: Loss | None
) -> Task:
    """Return the task that targets and loss make, with defaults for both.

    Raises:
        InitsweepError: If the targets do not fit the batch, or hold NaN or infinities.
    """
    notes: list[str] = []
    if targets is None:
        if loss is not None:
            raise InitsweepError("A loss needs targets; give both or neither.")
        given = _drawn(network, features)
        notes.append("targets were drawn at random; losses and gradients are theirs")
    else:
        given = _checked(targets, len(features))
    if loss is not None:
        return Task(features=features, targets=given, loss=loss, constant_loss=None, notes=notes)
    if given.is_floating_point():
        constant = float(given.double().var(dim=0, correction=0).mean())
        return Task(
            features=features, targets=given, loss=_squared, constant_loss=constant, notes=notes
        )
    if bool((given < 0).any()):
        raise InitsweepError(
            f"Class numbers start at 0, received {int(given.min())}. Give numbers to predict as "
            "floats, or your own loss."
        )
    shares = torch.unique(given, return_counts=True)[1].double() / given.numel()
    constant = float(torch.special.entr(shares).sum())
    return Task(
        features=features, targets=given.long(), loss=_entropy, constant_loss=constant, notes=notes
    )


def _checked(targets: Numbers, examples: int) -> Tensor:
    """Return the targets as a tensor.

    Raises:
        InitsweepError: If they do not fit the batch, or hold NaN or infinities.
    """
    given = _tensor(targets, "targets")
    if not given.dim():
        raise InitsweepError("The targets must be one per example, received a single number.")
    if len(given) != examples:
        raise InitsweepError(f"{examples} examples, but {len(given)} targets.")
    if given.is_floating_point() and not bool(given.isfinite().all()):
        raise InitsweepError("The targets hold values that are NaN or infinite.")
    return given.long() if given.dtype == torch.bool else given


def _drawn(network: nn.Module, features: Tensor) -> Tensor:
    """Return random targets of the shape that the outputs call for.

    Raises:
        InitsweepError: If the network fails on the batch or returns something else than a tensor.
    """
    generator = torch_stream("targets")
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        with torch.no_grad():
            inputs = features
            dtype = next((p.dtype for p in network.parameters()), torch.float32)
            outputs = network(inputs.to(dtype) if inputs.is_floating_point() else inputs)
    except Exception as error:  # the user's own code may raise anything; it is chained
        first = str(error).partition("\n")[0]
        raise InitsweepError(
            f"{type(network).__name__} fails on a batch of shape {tuple(features.shape)}: {first}"
        ) from error
    finally:
        for module, training in modes.items():
            module.training = training
    if not isinstance(outputs, Tensor):
        raise InitsweepError(
            f"{type(network).__name__} returns {type(outputs).__name__}, not a tensor; give "
            "targets and a loss that takes it."
        )
    if outputs.dim() > 1 and outputs.shape[-1] > 1:
        return torch.randint(outputs.shape[-1], outputs.shape[:-1], generator=generator)
    return torch.randn(outputs.shape, generator=generator)


def _entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(outputs.flatten(0, -2), targets.flatten())


def _squared(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.mse_loss(outputs.flatten(), targets.to(outputs.dtype).flatten())
