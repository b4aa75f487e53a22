"""The regression error in the units that the targets came in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from initsweep.metrics import METRICS, Metric, total

if TYPE_CHECKING:
    from torch import Tensor


def mae_original_units(outputs: Tensor, targets: Tensor, *, target_scale: float) -> Tensor:
    """Return the mean absolute value of the errors, in the units of the raw targets.

    Source: Bishop (2006), Pattern Recognition and Machine Learning, eq. 1.91.

    Args:
        outputs: Standardized predictions, shape (..., n, 1).
        targets: Standardized, shape (n,) or (..., n).
        target_scale: Raw units per standardized one.

    Returns:
        Shape (...).
    """
    errors = outputs.squeeze(-1) - targets
    return target_scale * (total(errors.abs()) / errors.shape[-1])


METRICS.add(
    "mae_original_units",
    Metric(
        name="mae_original_units",
        task="regression",
        function=mae_original_units,
        higher_is_better=False,
        role="measure",
        summary="mean absolute error, in the target's unit",
        reference="Bishop (2006), Pattern Recognition and Machine Learning, eq. 1.91",
        needs="target_scale",
    ),
)
