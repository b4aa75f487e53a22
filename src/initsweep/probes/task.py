"""A batch with something to compare a network's outputs with, checked before anything runs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from initsweep.errors import InitsweepError
from initsweep.graph.twins import apart
from initsweep.probes.reading import Loss
from initsweep.probes.subject import outputs_of
from initsweep.probes.targets import (
    KINDS,
    Kind,
    as_classes,
    as_numbers,
    drawn,
    entropy,
    squared,
)
from initsweep.registry import did_you_mean

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
        InitsweepError: If it has fewer than two examples, holds NaN or infinities, or
            nothing but zeros.
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
    if features.is_floating_point() and not bool(features.any()):
        raise InitsweepError(
            "Every value of the batch is 0: no signal enters the network, and nothing can be said "
            "of what becomes of it. Give real inputs, or random ones of their scale."
        )
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
    network: nn.Module,
    features: Tensor,
    targets: Numbers | None,
    loss: Loss | None,
    kind: Kind | None = None,
) -> Task:
    """Return the task that targets and loss make, with defaults for both.

    Raises:
        InitsweepError: If the targets do not fit the batch or the outputs, or hold NaN or
            infinities.
    """
    notes: list[str] = []
    if bool((features == features[:1]).all()):
        notes.append(
            "all examples of the batch are the same: every unit looks dead, no rank is left"
        )
    _check_kind(kind, loss)
    if loss is not None:
        if targets is None:
            raise InitsweepError("A loss needs targets; give both or neither.")
        given = _checked(targets, len(features))
        return Task(
            features=features, targets=given, loss=apart(loss), constant_loss=None, notes=notes
        )
    outputs = outputs_of(network, features)
    if targets is None:
        given, words = drawn(outputs, features, kind)
        notes.append(f"targets were drawn at random ({words}); losses and gradients are theirs")
    else:
        given = _checked(targets, len(features))
    if kind == "regression" or (kind is None and given.is_floating_point()):
        given = as_numbers(given, outputs)
        constant = float(given.double().var(dim=0, correction=0).mean())
        return Task(
            features=features, targets=given, loss=squared, constant_loss=constant, notes=notes
        )
    given = as_classes(given, outputs)
    shares = torch.unique(given, return_counts=True)[1].double() / given.numel()
    constant = float(torch.special.entr(shares).sum())
    return Task(features=features, targets=given, loss=entropy, constant_loss=constant, notes=notes)


def _check_kind(kind: str | None, loss: Loss | None) -> None:
    if kind is None:
        return
    if kind not in KINDS:
        raise InitsweepError(
            f"task: received {kind!r}. Use {' or '.join(map(repr, KINDS))}."
            f"{did_you_mean(str(kind), list(KINDS))}"
        )
    if loss is not None:
        raise InitsweepError("A loss of your own says what the task is; leave out one of the two.")


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
