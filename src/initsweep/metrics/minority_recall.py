"""How many of the rarest class are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from initsweep.metrics import METRICS, Metric

if TYPE_CHECKING:
    from torch import Tensor


def minority_recall(outputs: Tensor, targets: Tensor, *, rarest_class: int) -> Tensor:
    """Return the share of the rarest class that is predicted as such; NaN if there is none.

    Source: Bishop (2006), Pattern Recognition and Machine Learning, section 1.5.1, for one class.

    Args:
        outputs: Logits, shape (..., n, classes).
        targets: Class indices, int64, shape (n,) or (..., n).
        rarest_class: The class with the fewest training rows.

    Returns:
        Shape (...).
    """
    members = (targets == rarest_class).expand(outputs.shape[:-1]).double()
    found = (outputs.argmax(-1) == rarest_class).double()
    return (members * found).sum(-1) / members.sum(-1)


METRICS.add(
    "minority_recall",
    Metric(
        name="minority_recall",
        task="classification",
        function=minority_recall,
        higher_is_better=True,
        role="measure",
        summary="share of the rows of the class with the fewest training rows that is found",
        reference="Bishop (2006), Pattern Recognition and Machine Learning, section 1.5.1",
        needs="rarest_class",
    ),
)
