"""A score for imbalanced classes: the mean over classes of the share recognized."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from initsweep.metrics import METRICS, Metric, total

if TYPE_CHECKING:
    from torch import Tensor


def balanced_accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean recall of the classes that `targets` holds, between 0 and 1.

    Source: Brodersen et al. (2010), The balanced accuracy and its posterior distribution, ICPR.

    Args:
        outputs: Logits, shape (..., n, classes).
        targets: Class indices, int64, shape (n,) or (..., n).

    Returns:
        Shape (...).
    """
    true_class = targets.expand(outputs.shape[:-1])
    found = (outputs.argmax(-1) == true_class).double()
    classes = true_class.new_tensor(range(outputs.shape[-1]))
    members = (true_class.unsqueeze(-1) == classes).double()
    count = members.sum(-2)
    recall = (members * found.unsqueeze(-1)).sum(-2) / count.clamp(min=1)
    return total(recall) / (count > 0).sum(-1)


def constant(
    train: npt.NDArray[np.generic],  # noqa: ARG001
    targets: npt.NDArray[np.generic],
    weights: npt.NDArray[np.float64],  # noqa: ARG001
) -> float:
    """Return one over the number of classes that `targets` holds."""
    return 1 / len(np.unique(targets))


METRICS.add(
    "balanced_accuracy",
    Metric(
        name="balanced_accuracy",
        task="classification",
        function=balanced_accuracy,
        higher_is_better=True,
        role="score",
        summary="mean of the recalls of all classes",
        reference="Brodersen et al. (2010), The balanced accuracy and its posterior distribution",
        constant=constant,
    ),
)
