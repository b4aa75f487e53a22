"""The regression loss: mean squared difference of prediction and target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

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


def constant(
    train: npt.NDArray[np.generic],
    targets: npt.NDArray[np.generic],
    weights: npt.NDArray[np.float64],  # noqa: ARG001
) -> float:
    """Return the squared error of the training mean."""
    return float(np.mean((targets.astype(np.float64) - train.astype(np.float64).mean()) ** 2))


METRICS.add(
    "mean_squared_error",
    Metric(
        name="mean_squared_error",
        task="regression",
        function=mean_squared_error,
        higher_is_better=False,
        role="loss",
        constant=constant,
        default=True,
        summary="mean squared error, in variances of the training targets",
        reference="Bishop (2006), Pattern Recognition and Machine Learning, eq. 1.2",
    ),
)
