"""The regression score: share of the targets' variance that the predictions explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from initsweep.metrics import METRICS, Metric, total

if TYPE_CHECKING:
    from torch import Tensor


def r_squared(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return 1 - SSE / SST, with SST taken about the mean of these targets.

    1 is perfect, 0 as good as their mean, negative is worse. Where all targets are equal, SST is
    0 and the ratio undefined; then a perfect prediction scores 1 and any other 0.

    Source: Wright (1921), Correlation and causation, J. Agricultural Research 20, 557-585.

    Args:
        outputs: Predictions, shape (..., n, 1).
        targets: Shape (n,) or (..., n).

    Returns:
        Shape (...).
    """
    exact = targets.to(outputs.dtype)  # else the sums over targets would be less so than others
    residual = total((outputs.squeeze(-1) - exact).square())
    mean = (total(exact) / exact.shape[-1]).unsqueeze(-1)
    spread = total((exact - mean).square()).expand_as(residual)
    undefined = (residual == 0).to(residual.dtype)
    return (1 - residual / spread).where(spread != 0, undefined)


def constant(
    train: npt.NDArray[np.generic],
    targets: npt.NDArray[np.generic],
    weights: npt.NDArray[np.float64],  # noqa: ARG001
) -> float:
    """Return what the training mean scores: 0 or less, as it is not the mean of `targets`."""
    exact, predicted = targets.astype(np.float64), train.astype(np.float64).mean()
    spread = float(np.sum((exact - exact.mean()) ** 2))
    return 1 - float(np.sum((exact - predicted) ** 2)) / spread if spread else 0.0


METRICS.add(
    "r_squared",
    Metric(
        name="r_squared",
        task="regression",
        function=r_squared,
        higher_is_better=True,
        role="score",
        constant=constant,
        default=True,
        summary="share of the targets' variance that is explained",
        reference="Wright (1921), Correlation and causation, J. Agricultural Research 20",
    ),
)
