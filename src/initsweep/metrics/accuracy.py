"""The classification score: share of examples whose largest output is the true class."""

import torch
from torch import Tensor

from initsweep.metrics import METRICS, Metric


def accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the share of correct predictions, between 0 and 1.

    Source: Bishop (2006), Pattern Recognition and Machine Learning, section 1.5.1.

    Args:
        outputs: Logits, shape (..., n, classes).
        targets: Class indices, int64, shape (n,) or (..., n).

    Returns:
        Shape (...).
    """
    return (outputs.argmax(-1) == targets).to(torch.float64).mean(-1)


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
