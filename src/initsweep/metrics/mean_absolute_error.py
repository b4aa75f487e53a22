"""A regression loss that outliers move less: the mean absolute difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from initsweep.metrics import METRICS, Metric

if TYPE_CHECKING:
    from torch import Tensor


def mean_absolute_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean absolute error, in units of the targets.

    Source: Bishop (2006), Pattern Recognition and Machine Learning, section 1.5.5, eq. 1.91 with
    q = 1.

    Args:
        outputs: Predictions, shape (..., n, 1).
        targets: Shape (n,) or (..., n).

    Returns:
        Shape (...).
    """
    return (outputs.squeeze(-1) - targets).abs().mean(-1)


def constant(
    train: npt.NDArray[np.generic],
    targets: npt.NDArray[np.generic],
    weights: npt.NDArray[np.float64],  # noqa: ARG001
) -> float:
    """Return the absolute error of the training median."""
    median = np.median(train.astype(np.float64))
    return float(np.mean(np.abs(targets.astype(np.float64) - median)))


METRICS.add(
    "mean_absolute_error",
    Metric(
        name="mean_absolute_error",
        task="regression",
        function=mean_absolute_error,
        higher_is_better=False,
        role="loss",
        summary="mean absolute error, in standard deviations of the training targets",
        reference="Bishop (2006), Pattern Recognition and Machine Learning, eq. 1.91",
        constant=constant,
    ),
)
