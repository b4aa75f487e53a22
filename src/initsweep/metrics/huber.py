"""A regression loss between the squared and the absolute error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from initsweep.metrics import METRICS, Metric

if TYPE_CHECKING:
    from torch import Tensor


STEPS = 60
"""Halvings of the interval that holds the best constant: as many as float64 has digits."""


def huber(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean of error**2 / 2 for errors up to 1, of |error| - 1/2 beyond.

    Targets are standardized, so the bend lies at one standard deviation of the training targets.

    Source: Huber (1964), Robust estimation of a location parameter, Ann. Math. Statist. 35, with
    k = 1.

    Args:
        outputs: Predictions, shape (..., n, 1).
        targets: Shape (n,) or (..., n).

    Returns:
        Shape (...).
    """
    error = (outputs.squeeze(-1) - targets).abs()
    return (error.clamp(max=1) * (error - error.clamp(max=1) / 2)).mean(-1)


def constant(
    train: npt.NDArray[np.generic],
    targets: npt.NDArray[np.generic],
    weights: npt.NDArray[np.float64],  # noqa: ARG001
) -> float:
    """Return the loss of Huber's estimate of location on the training targets."""
    known, exact = train.astype(np.float64), targets.astype(np.float64)
    low, high = float(known.min()), float(known.max())
    for _ in range(STEPS):  # the mean clipped residual falls where the constant rises
        middle = (low + high) / 2
        below = np.clip(known - middle, -1, 1).mean() > 0
        low, high = (middle, high) if below else (low, middle)
    error = np.abs(exact - (low + high) / 2)
    return float(np.mean(np.minimum(error, 1) * (error - np.minimum(error, 1) / 2)))


METRICS.add(
    "huber",
    Metric(
        name="huber",
        task="regression",
        function=huber,
        higher_is_better=False,
        role="loss",
        summary="mean of squared errors up to one standard deviation, of absolute ones beyond",
        reference="Huber (1964), Robust estimation of a location parameter",
        constant=constant,
    ),
)
