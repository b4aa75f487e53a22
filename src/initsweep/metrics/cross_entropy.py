"""The classification loss: mean negative log-likelihood of the true class under a softmax."""

import torch
from torch import Tensor

from initsweep.metrics import METRICS, Metric


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy in nats; ln(classes) for a uniform prediction.

    Source: Bishop (2006), Pattern Recognition and Machine Learning, eq. 4.108, over n.

    Args:
        outputs: Logits, shape (..., n, classes).
        targets: Class indices, int64, shape (n,) or (..., n).

    Returns:
        Shape (...).
    """
    true_class = targets.expand(outputs.shape[:-1]).unsqueeze(-1)
    log_likelihood = torch.log_softmax(outputs, dim=-1).gather(-1, true_class)
    return -log_likelihood.squeeze(-1).mean(-1)


METRICS.add(
    "cross_entropy",
    Metric(
        name="cross_entropy",
        task="classification",
        function=cross_entropy,
        higher_is_better=False,
        role="loss",
        reference="Bishop (2006), Pattern Recognition and Machine Learning, eq. 4.108",
    ),
)
