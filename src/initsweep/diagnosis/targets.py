"""What a network's outputs are compared with, where the loss is not the user's own."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from initsweep.core.errors import InitsweepError
from initsweep.core.randomness import torch_stream

Kind = Literal["classification", "regression"]
KINDS: tuple[Kind, ...] = ("classification", "regression")


def drawn(outputs: Tensor, features: Tensor, kind: Kind | None) -> tuple[Tensor, str]:
    """Return random targets of the shape that the outputs call for, and what they are in words.

    Several outputs stand for classes unless `kind` says otherwise.

    Raises:
        InitsweepError: If there is only one output where there should be classes.
    """
    generator = torch_stream("targets")
    axis = _likely_axis(outputs, features)
    if kind == "classification" and (axis is None or outputs.shape[axis] < 2):
        raise InitsweepError(
            f"classification: the outputs, of shape {tuple(outputs.shape)}, hold one number per "
            "example; a network that tells classes apart has one output per class. Give a loss "
            "of your own with targets, or look at it as a regression."
        )
    if kind == "regression" or axis is None or outputs.shape[axis] < 2:
        return torch.randn(outputs.shape, generator=generator), "numbers"
    classes = int(outputs.shape[axis])
    shape = [*outputs.shape[:axis], *outputs.shape[axis + 1 :]]
    words = f"{classes} classes" + ("" if outputs.dim() == 2 else f" on axis {axis}")
    return torch.randint(classes, shape, generator=generator), words


def as_classes(targets: Tensor, outputs: Tensor) -> Tensor:
    """Return targets as class numbers.

    Raises:
        InitsweepError: If they are none, or the outputs are not one per class.
    """
    if targets.is_floating_point() and not bool((targets == targets.round()).all()):
        raise InitsweepError("classification: the targets hold numbers that are not whole.")
    numbers = targets.long()
    if bool((numbers < 0).any()):
        raise InitsweepError(
            f"Class numbers start at 0, received {int(numbers.min())}. For numbers to predict, "
            "say that the task is regression; or give your own loss."
        )
    axis = class_axis(outputs.shape, numbers.shape)
    if axis is None and outputs.numel() == numbers.numel():
        raise InitsweepError(
            "Whole-numbered targets are read as class numbers, but the network has only one "
            'output for each. Say task="regression" (--task regression) if they are numbers to '
            "predict; to tell classes apart, give the network one output per class, or a loss of "
            "your own."
        )
    if axis is None:
        raise InitsweepError(
            f"Class numbers of shape {tuple(numbers.shape)} do not fit outputs of shape "
            f"{tuple(outputs.shape)}: it takes (batch, classes), (batch, classes, ...) or "
            "(batch, ..., classes)."
        )
    if int(numbers.max()) >= outputs.shape[axis]:
        raise InitsweepError(
            f"The targets hold class number {int(numbers.max())}, but the network has "
            f"{outputs.shape[axis]} outputs, for classes 0 to {outputs.shape[axis] - 1}."
        )
    return numbers


def as_numbers(targets: Tensor, outputs: Tensor) -> Tensor:
    """Return targets as numbers to predict.

    Raises:
        InitsweepError: If there is not one for each output.
    """
    if targets.numel() != outputs.numel():
        raise InitsweepError(
            f"Numbers to predict of shape {tuple(targets.shape)} do not fit outputs of shape "
            f"{tuple(outputs.shape)}: it takes one per output."
        )
    return targets if targets.is_floating_point() else targets.float()


def class_axis(outputs: torch.Size, targets: torch.Size) -> int | None:
    """Return the axis of the outputs that runs over classes, given the shape of class numbers.

    Axis 1, as in torch's `cross_entropy`, if the targets have all others; else the last one, where
    transformers have it. None if neither fits, or
    there is only one output.
    """
    for axis in (1, len(outputs) - 1):
        others = outputs[:axis] + outputs[axis + 1 :]
        if 0 < axis < len(outputs) and outputs[axis] > 1 and others == targets:
            return axis
    # One column of class numbers for one row of outputs each.
    return 1 if len(outputs) == 2 and outputs[1] > 1 and targets == (outputs[0], 1) else None


def _likely_axis(outputs: Tensor, features: Tensor) -> int | None:
    """Return the axis of the outputs that runs over classes, where there are no class numbers.

    Axis 1, as in torch's `cross_entropy`, but the last one for sequences: outputs of shape
    (batch, places, classes) with as many places as the inputs have.
    """
    if outputs.dim() < 2:
        return None
    a_sequence = outputs.dim() == 3 and outputs.shape[1:2] == features.shape[1:2]
    same_places = features.shape[2:3] == outputs.shape[2:3]
    return 2 if a_sequence and not same_places else 1


def entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy, wherever the classes are.

    Raises:
        ValueError: If the shapes do not fit.
    """
    axis = class_axis(outputs.shape, targets.shape)
    if axis is None:
        raise ValueError(f"outputs {tuple(outputs.shape)}, class numbers {tuple(targets.shape)}")
    return functional.cross_entropy(outputs.movedim(axis, -1).flatten(0, -2), targets.flatten())


def is_binary(outputs: Tensor, targets: Tensor) -> bool:
    """Return whether there is one output per example, and a 0 or a 1 for each."""
    one_each = outputs.numel() == len(outputs) == targets.numel()
    return one_each and set(torch.unique(targets).tolist()) == {0, 1}


def log_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the binary cross-entropy of scores."""
    return functional.binary_cross_entropy_with_logits(
        outputs.flatten(), targets.to(outputs.dtype).flatten()
    )


def probability_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the binary cross-entropy of probabilities."""
    return functional.binary_cross_entropy(outputs.flatten(), targets.to(outputs.dtype).flatten())


def squared(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean squared error."""
    return functional.mse_loss(outputs.flatten(), targets.to(outputs.dtype).flatten())
