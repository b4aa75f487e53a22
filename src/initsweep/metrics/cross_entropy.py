"""The classification loss: mean negative log-likelihood of the true class under a softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from initsweep.metrics import METRICS, Metric

if TYPE_CHECKING:
    from torch import Tensor


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy in nats; ln(classes) for a uniform prediction.

    Source: Bishop (2006), Pattern Recognition and Machine Learning, eq. 4.108, over n.

    Args:
        outputs: Logits, shape (..., n, classes).
        targets: Class indices, int64, shape (n,) or (..., n).

    Returns:
        Shape (...).
    """
    true_class = targets.expand(outputs.shape[:-1]).unsqueeze(-2)
    # Examples last: over few classes torch's softmax is several times faster along another axis.
    log_likelihood = outputs.mT.log_softmax(-2).gather(-2, true_class)
    return -log_likelihood.squeeze(-2).mean(-1)


def constant(
    train: npt.NDArray[np.generic],
    targets: npt.NDArray[np.generic],
    weights: npt.NDArray[np.float64],
) -> float:
    """Return the cross-entropy, in nats, of the training class frequencies."""
    counts = np.bincount(train, minlength=len(weights))
    return float(-np.mean(np.log(counts / counts.sum())[targets]))


METRICS.add(
    "cross_entropy",
    Metric(
        name="cross_entropy",
        task="classification",
        function=cross_entropy,
        higher_is_better=False,
        role="loss",
        constant=constant,
        default=True,
        summary="minus the log of the probability given to the right class, mean",
        reference="Bishop (2006), Pattern Recognition and Machine Learning, eq. 4.108",
    ),
)
