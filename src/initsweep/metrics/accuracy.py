"""The classification score: share of examples whose largest output is the true class."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


METRICS.add(
    "accuracy",
    Metric(
        name="accuracy",
        task="classification",
        function=accuracy,
        higher_is_better=True,
        role="score",
        reference="Bishop (2006), Pattern Recognition and Machine Learning, section 1.5.1",
    ),
)
