"""What the best predictions cost that are the same for every example."""

import math

import torch
from torch import Tensor

from initsweep.diagnosis.targets import class_axis
from initsweep.probes.passing import Loss


def constant_loss(loss: Loss, outputs: object, targets: object) -> float:
    """Return the smallest loss of the predictions that are the same for every example.

    Of those that are best for the usual losses: mean and median of numbers, their log-odds where
    they are between 0 and 1, and the logarithm of the classes' shares. NaN if the loss takes none.
    """
    if not isinstance(outputs, Tensor) or not isinstance(targets, Tensor):
        return math.nan
    values = [_value(loss, constant, targets) for constant in _constants(outputs.detach(), targets)]
    return min((value for value in values if math.isfinite(value)), default=math.nan)


def _constants(outputs: Tensor, targets: Tensor) -> list[Tensor]:
    axis = class_axis(outputs.shape, targets.shape)
    if axis is not None and not targets.is_floating_point():
        classes = outputs.shape[axis]
        known = targets[(targets >= 0) & (targets < classes)]  # others are ignored
        counts = torch.bincount(known.flatten(), minlength=classes)
        shares = (counts / counts.sum()).clamp_min(1e-9).log().to(outputs.dtype)
        return [shares.expand(outputs.movedim(axis, -1).shape).movedim(-1, axis)]
    numbers = targets.to(outputs.dtype)
    if numbers.shape != outputs.shape and numbers.numel() == outputs.numel():
        numbers = numbers.reshape(outputs.shape)
    if numbers.shape != outputs.shape:
        return [outputs.mean(0, keepdim=True).expand(outputs.shape)]
    mean = numbers.mean(0, keepdim=True)
    found = [mean, numbers.median(0, keepdim=True).values]
    if float(numbers.min()) >= 0 and float(numbers.max()) <= 1:
        found.append(torch.logit(mean.clamp(1e-6, 1 - 1e-6)))
    return [one.expand(outputs.shape) for one in found]


def _value(loss: Loss, outputs: Tensor, targets: Tensor) -> float:
    try:
        return float(loss(outputs, targets))
    except Exception:  # noqa: BLE001 - of the user's own code
        return math.nan
