"""One output per example and targets of 0 and 1: two classes told apart by one score."""

import torch
from torch import Tensor
from torch.nn import functional

from initsweep.probes.passing import Loss


def is_binary(outputs: Tensor, targets: Tensor) -> bool:
    """Return whether there is one output per example, and a 0 or a 1 for each."""
    one_each = outputs.numel() == len(outputs) == targets.numel()
    values = set(torch.unique(targets).tolist())
    return one_each and values == {0, 1}


def log_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the binary cross-entropy of scores."""
    return functional.binary_cross_entropy_with_logits(
        outputs.flatten(), targets.to(outputs.dtype).flatten()
    )


def probability_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the binary cross-entropy of probabilities."""
    return functional.binary_cross_entropy(outputs.flatten(), targets.to(outputs.dtype).flatten())


def binary_loss(*, probabilities: bool) -> tuple[Loss, str]:
    """Return the loss for such outputs, and what to say of it."""
    if probabilities:
        return probability_loss, "binary cross-entropy of probabilities (nn.BCELoss) is the loss"
    return log_loss, "binary cross-entropy with logits (nn.BCEWithLogitsLoss) is the loss"
