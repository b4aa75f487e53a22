"""The loss of imbalanced classes: cross-entropy with a weight for each class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from initsweep.metrics import METRICS, Metric

if TYPE_CHECKING:
    from torch import Tensor


def weighted_cross_entropy(
    outputs: Tensor, targets: Tensor, *, class_weights: tuple[float, ...]
) -> Tensor:
    """Return the mean over examples of weight times cross-entropy, in nats.

    The sum is divided by the number of examples, not by the sum of their weights: with weights
    that average 1 over the training rows a batch's gradient is then unbiased, whatever classes it
    happens to hold.

    Source: King and Zeng (2001), Logistic regression in rare events data, eq. 22, over n.

    Args:
        outputs: Logits, shape (..., n, classes).
        targets: Class indices, int64, shape (n,) or (..., n).
        class_weights: One for each class.

    Returns:
        Shape (...).
    """
    true_class = targets.expand(outputs.shape[:-1])
    log_likelihood = outputs.mT.log_softmax(-2).gather(-2, true_class.unsqueeze(-2)).squeeze(-2)
    weights = outputs.new_tensor(class_weights)[true_class]
    return -(weights * log_likelihood).mean(-1)


def constant(
    train: npt.NDArray[np.generic],
    targets: npt.NDArray[np.generic],
    weights: npt.NDArray[np.float64],
) -> float:
    """Return the weighted cross-entropy of the weighted training class frequencies."""
    counts = np.bincount(train, minlength=len(weights)) * weights
    return float(-np.mean((weights * np.log(counts / counts.sum()))[targets]))


METRICS.add(
    "weighted_cross_entropy",
    Metric(
        name="weighted_cross_entropy",
        task="classification",
        function=weighted_cross_entropy,
        higher_is_better=False,
        role="loss",
        summary="cross entropy with the weights of `task.class_weights`",
        reference="King and Zeng (2001), Logistic regression in rare events data, eq. 22",
        constant=constant,
        needs="class_weights",
    ),
)
