"""The regression score: share of the targets' variance that the predictions explain."""

import torch
from torch import Tensor

from initsweep.metrics import METRICS, Metric


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
    residual = (outputs.squeeze(-1) - targets).square().sum(-1)
    total = (targets - targets.mean(-1, keepdim=True)).square().sum(-1).expand_as(residual)
    undefined = torch.where(residual == 0, 1.0, 0.0).to(residual.dtype)
    return torch.where(total == 0, undefined, 1 - residual / total)


METRICS.add(
    "r_squared",
    Metric(
        name="r_squared",
        task="regression",
        function=r_squared,
        higher_is_better=True,
        role="score",
        reference="Wright (1921), Correlation and causation, J. Agricultural Research 20",
    ),
)
