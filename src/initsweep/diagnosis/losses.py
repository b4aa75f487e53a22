"""What a loss expects of the outputs, found out by asking it about outputs that we make up."""

from typing import Literal

import torch
from torch import Tensor

from initsweep.diagnosis.targets import class_axis
from initsweep.probes.passing import Loss

Expected = Literal["scores", "log-odds", "log-probabilities", "nothing", "anything"]
"""Scores for a softmax, one for a sigmoid, logarithms of probabilities; nothing if outputs do not
matter; or no more is known."""


SOME = 8  # examples


def expects(loss: Loss, outputs: Tensor, targets: Tensor) -> Expected:
    """Return what a loss expects.

    A cross-entropy does not change when all scores of an example do by the same amount; one of a
    single score falls to nothing as the scores grow in the targets' direction, and is not at rest
    where they equal the targets; minus a log-probability is linear.
    """
    try:
        with torch.no_grad():
            return _asked(loss, outputs.detach(), targets)
    except Exception:  # noqa: BLE001 - of the user's own code
        return "anything"


def _asked(loss: Loss, outputs: Tensor, targets: Tensor) -> Expected:
    drawn = torch.randn(outputs.shape, generator=torch.Generator().manual_seed(0))
    made = drawn.to(outputs.dtype)
    if len({float(loss(one, targets)) for one in (made, 2 * made + 1, -made, made.square())}) == 1:
        return "nothing"
    axis = class_axis(outputs.shape, targets.shape)
    if axis is None and targets.shape == outputs.shape and outputs.dim() > 1:
        axis = 1  # shares of classes as targets
    if axis is not None and outputs.shape[axis] > 1:
        value, double, opposite = loss(made, targets), loss(2 * made, targets), loss(-made, targets)
        if _near(double, 2 * value) and _near(opposite, -value) and not _near(value, 0 * value):
            return "log-probabilities"
        shifted = loss(made + made.sum(axis, keepdim=True), targets)
        if _near(shifted, value) and not _near(double, value):
            return "scores"
    numbers = targets.to(outputs.dtype)
    if numbers.numel() == outputs.numel() and bool(((numbers == 0) | (numbers == 1)).all()):
        numbers = numbers.reshape(outputs.shape)
        sure = loss(60 * numbers - 30, targets)
        if float(sure) < 1e-6 and float(loss(numbers, targets)) > 0.1:
            return "log-odds"
    return "anything"


def _near(one: Tensor, other: Tensor) -> bool:
    return bool(torch.isclose(one, other, rtol=1e-4, atol=1e-6))


def is_additive(loss: Loss, outputs: Tensor, targets: Tensor) -> bool:
    """Return whether a loss is the mean or the sum of what its examples cost alone."""
    outputs, targets = outputs[:SOME], targets[:SOME]
    alone = [loss(outputs[i : i + 1], targets[i : i + 1]) for i in range(len(outputs))]
    whole, total = loss(outputs, targets), torch.stack(alone).sum()
    return _near(whole, total) or _near(whole, total / len(alone))
