"""The regression loss: mean squared difference of prediction and target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from initsweep.metrics import METRICS, Metric

if TYPE_CHECKING:
    from torch import Tensor


def mean_squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean squared error, in squared units of the targets.

    Source: Bishop (2006), Pattern Recognition and Machine Learning, eq. 1.2, times 2 / n.

    Args:
        outputs: Predictions, shape (..., n, 1).
        targets: Shape (n,) or (..., n).

    Returns:
        Shape (...).
    """
    return (outputs.squeeze(-1) - targets).square().mean(-1)


METRICS.add(
    "mean_squared_error",
    Metric(
        name="mean_squared_error",
        task="regression",
        function=mean_squared_error,
        higher_is_better=False,
        role="loss",
        reference="Bishop (2006), Pattern Recognition and Machine Learning, eq. 1.2",
    ),
)
