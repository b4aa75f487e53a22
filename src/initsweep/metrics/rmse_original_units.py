"""The regression error in the units that the targets came in, squared and rooted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from initsweep.metrics import METRICS, Metric, total

if TYPE_CHECKING:
    from torch import Tensor


def rmse_original_units(outputs: Tensor, targets: Tensor, *, target_scale: float) -> Tensor:
    """Return the root mean square of the errors, in the units of the raw targets.

    Source: Bishop (2006), Pattern Recognition and Machine Learning, eq. 1.3.

    Args:
        outputs: Standardized predictions, shape (..., n, 1).
        targets: Standardized, shape (n,) or (..., n).
        target_scale: Raw units per standardized one.

    Returns:
        Shape (...).
    """
    errors = outputs.squeeze(-1) - targets
    return target_scale * (total(errors.square()) / errors.shape[-1]).sqrt()


METRICS.add(
    "rmse_original_units",
    Metric(
        name="rmse_original_units",
        task="regression",
        function=rmse_original_units,
        higher_is_better=False,
        role="measure",
        summary="root mean squared error, in the target's unit",
        reference="Bishop (2006), Pattern Recognition and Machine Learning, eq. 1.3",
        needs="target_scale",
    ),
)
