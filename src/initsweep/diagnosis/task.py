"""A batch with something to compare a network's outputs with, checked before anything runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from initsweep.core.errors import InitsweepError
from initsweep.core.registry import did_you_mean
from initsweep.diagnosis.any_batch import taken
from initsweep.diagnosis.constants import constant_loss
from initsweep.diagnosis.endings import ending_of, with_graph
from initsweep.diagnosis.subject import outputs_of
from initsweep.diagnosis.targets import (
    KINDS,
    Kind,
    as_classes,
    as_numbers,
    drawn,
    entropy,
    is_binary,
    log_loss,
    probability_loss,
    squared,
)
from initsweep.graph.forms import (
    Inputs,
    answer,
    arguments,
    as_inputs,
    cast,
    own_loss,
    shapes,
    tensors_in,
)
from initsweep.graph.twins import apart
from initsweep.probes.passing import Loss, checked_loss

Numbers = Tensor | np.ndarray | Sequence[float]
WHOLE = {torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}
Targets = Numbers | Mapping[str, Any]
Batch = Numbers | tuple[Any, ...] | Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a network is looked at on.

    Attributes:
        features: Inputs, shape (batch, ...), or several such.
        targets: Class numbers or numbers to predict, as the loss takes them; the whole batch for
            a loss that takes it; None if the network computes its loss itself.
        loss: Mean loss from outputs and targets.
        constant_loss: What the best constant prediction costs; None for a loss of the user's.
        notes: What limits the numbers, in sentences.
        compared_with: What the targets are.
    """

    features: Inputs
    targets: Inputs
    loss: Loss
    constant_loss: float | None
    notes: list[str]
    compared_with: Literal["targets", "random targets", "the batch"] = "targets"


def checked_batch(batch: Batch) -> Inputs:
    """Return the batch as tensors on the CPU.

    Raises:
        InitsweepError: If it has fewer than two examples, holds NaN or infinities, or
            nothing but zeros.
    """
    features = as_inputs(batch, "batch")
    held = tensors_in(features)
    bare = isinstance(features, Tensor) and features.dim() < 2 and features.is_floating_point()
    if bare or max(map(len, held), default=0) < 2:
        raise InitsweepError(
            f"The batch must have shape (batch, ...) with at least 2 examples, received "
            f"{shapes(features)}."
        )
    real = [_values(one) for one in held if one.is_floating_point() or one.is_complex()]
    if bad := sum(int((~one.isfinite()).sum()) for one in real):
        raise InitsweepError(f"The batch holds {bad} values that are NaN or infinite.")
    looked_up = any(one.dtype in WHOLE for one in held)
    if real and not looked_up and not any(bool(one.any()) for one in real):
        raise InitsweepError(
            "Every value of the batch is 0: no signal enters the network, and nothing can be said "
            "of what becomes of it. Give real inputs, or random ones of their scale."
        )
    return cast(features, torch.float32)


def _values(one: Tensor) -> Tensor:
    """Return the numbers that a tensor holds, sparse ones too."""
    if one.layout == torch.strided:
        return one
    return one.coalesce().values() if one.layout == torch.sparse_coo else one.values()


def make_task(
    network: nn.Module,
    features: Inputs,
    targets: Targets | None,
    loss: Loss | None,
    kind: Kind | None = None,
) -> Task:
    """Return the task that targets and loss make, with defaults for both.

    Raises:
        InitsweepError: If the targets do not fit the batch or the outputs, or hold NaN or
            infinities.
    """
    notes: list[str] = []
    held = tensors_in(features)
    if all(one.layout == torch.strided and bool((one == one[:1]).all()) for one in held):
        notes.append(
            "all examples of the batch are the same: every unit looks dead, no rank is left"
        )
    _check_kind(kind, loss)
    if loss is not None:
        return _of_loss(network, features, targets, loss, notes)
    features = arguments(network, features)
    returned = outputs_of(network, features)
    if targets is None and kind is None and own_loss(returned) is not None:
        notes.append("the loss is the one that the network computes itself")
        return Task(features=features, targets=None, loss=_own, constant_loss=None, notes=notes)
    name, outputs = answer(returned)
    if name:
        notes.append(
            f"the network returns {type(returned).__name__}: '{name}' of it, of shape "
            f"{tuple(outputs.shape)}, is compared with the targets"
        )
    given = _drawn(outputs, held, kind, notes) if targets is None else _checked(targets, held)
    binary = kind is None and isinstance(given, Tensor) and is_binary(outputs, given)
    made = _binary(network, features, given, notes) if binary else _compared(given, outputs, kind)
    given, compared, constant = made
    return Task(
        features=features,
        targets=given,
        loss=lambda returned, targets: compared(answer(returned)[1], targets),
        constant_loss=constant,
        notes=notes,
        compared_with="random targets" if targets is None else "targets",
    )


def _of_loss(
    network: nn.Module, batch: Inputs, targets: Targets | None, loss: Loss, notes: list[str]
) -> Task:
    """Return the task that a loss of the user's makes, of targets or of the batch.

    Raises:
        InitsweepError: If there are no targets for one of torch's, or none that fit.
    """
    compared = apart(loss)
    if targets is not None:
        given, features = _checked(targets, tensors_in(batch)), arguments(network, batch)
        return Task(
            features=features, targets=given, loss=compared, constant_loss=None, notes=notes
        )
    if type(loss).__module__ == nn.modules.loss.__name__ or (
        getattr(loss, "__module__", "") == functional.__name__
    ):
        raise InitsweepError(
            "A loss needs targets: give them too, or a function of your own (outputs, batch) -> "
            "loss, to which the batch is handed."
        )
    return Task(
        features=taken(network, batch),
        targets=batch,
        loss=compared,
        constant_loss=None,
        notes=notes,
        compared_with="the batch",
    )


def _binary(
    network: nn.Module, features: Inputs, given: Tensor, notes: list[str]
) -> tuple[Tensor, Loss, float]:
    """Return what `_compared` does, for two classes told apart by one output."""
    outputs, given = answer(with_graph(network, features))[1], given.float()
    ending = ending_of(outputs)
    loss, words = log_loss, "with logits (nn.BCEWithLogitsLoss)"
    if ending is not None and ending.kind == "sigmoid":
        loss, words = probability_loss, "of probabilities (nn.BCELoss)"
    notes.append(f"one output, targets of 0 and 1: binary cross-entropy {words} is the loss")
    return given, loss, constant_loss(loss, outputs, given)


def _drawn(outputs: Tensor, batch: Sequence[Tensor], kind: Kind | None, notes: list[str]) -> Tensor:
    # Of several inputs, one that has as many places as the outputs tells which axis has classes.
    like = next((one for one in batch if one.shape[1:2] == outputs.shape[1:2]), batch[0])
    given, words = drawn(outputs, like, kind)
    notes.append(f"targets were drawn at random ({words}); losses and gradients are theirs")
    return given


def _compared(given: Tensor, outputs: Tensor, kind: Kind | None) -> tuple[Tensor, Loss, float]:
    """Return the targets for a loss, that loss, and what the best constant prediction costs."""
    if kind == "regression" or (kind is None and given.is_floating_point()):
        given = as_numbers(given, outputs)
        return given, squared, float(given.double().var(dim=0, correction=0).mean())
    given = as_classes(given, outputs)
    shares = torch.unique(given, return_counts=True)[1].double() / given.numel()
    return given, entropy, float(torch.special.entr(shares).sum())


def _own(returned: object, _: None) -> Tensor:
    """Return the loss that the network has computed itself.

    Raises:
        InitsweepError: If it has not.
    """
    return checked_loss(own_loss(returned))


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


def _checked(targets: Targets, batch: Sequence[Tensor]) -> Inputs:
    """Return the targets as tensors.

    Raises:
        InitsweepError: If they do not fit the batch, or hold NaN or infinities.
    """
    given = as_inputs(targets, "targets")
    if isinstance(given, Tensor) and not given.dim():
        raise InitsweepError("The targets must be one per example, received a single number.")
    counts = {len(one) for one in batch}
    if isinstance(given, Tensor) and len(counts) == 1 and len(given) not in counts:
        raise InitsweepError(f"{counts.pop()} examples, but {len(given)} targets.")
    held = tensors_in(given)
    if any(one.is_floating_point() and not bool(one.isfinite().all()) for one in held):
        raise InitsweepError("The targets hold values that are NaN or infinite.")
    return given.long() if isinstance(given, Tensor) and given.dtype == torch.bool else given
