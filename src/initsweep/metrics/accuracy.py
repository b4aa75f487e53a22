"""The classification score: share of examples whose largest output is the true class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from initsweep.metrics import METRICS, Metric

if TYPE_CHECKING:
    from torch import Tensor


def accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the share of correct predictions, between 0 and 1.

    Source: Bishop (2006), Pattern Recognition and Machine Learning, section 1.5.1.

    Args:
        outputs: Logits, shape (..., n, classes).
        targets: Class indices, int64, shape (n,) or (..., n).

    Returns:
        Shape (...).
    """
    return (outputs.argmax(-1) == targets).double().mean(-1)


def constant(
    train: npt.NDArray[np.generic],
    targets: npt.NDArray[np.generic],
    weights: npt.NDArray[np.float64],
) -> float:
    """Return the share of `targets` that are of the most frequent training class."""
    frequent = np.bincount(train, minlength=len(weights)).argmax()
    return float(np.mean(targets == frequent))


METRICS.add(
    "accuracy",
    Metric(
        name="accuracy",
        task="classification",
        function=accuracy,
        higher_is_better=True,
        role="score",
        constant=constant,
        default=True,
        summary="share of rows whose class is predicted right",
        reference="Bishop (2006), Pattern Recognition and Machine Learning, section 1.5.1",
    ),
)
