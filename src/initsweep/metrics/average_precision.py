"""A score for rare classes that needs no threshold: the area under precision over recall."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from initsweep.metrics import METRICS, Metric, total

if TYPE_CHECKING:
    from torch import Tensor


def average_precision(outputs: Tensor, targets: Tensor, *, rarest_class: int) -> Tensor:
    """Return the average precision, between 0 and 1: of the rarer of two classes.

    Of more classes the mean over those that `targets` holds, each against the rest. Examples are
    ranked by the log-odds of the class; equal ones enter together. The sum over them is

        sum over ranks of (recall there - recall before) * precision there.

    Source: Davis and Goadrich (2006), The relationship between precision-recall and ROC curves,
    ICML, without interpolation, as scikit-learn's `average_precision_score`.

    Args:
        outputs: Logits, shape (..., n, classes).
        targets: Class indices, int64, shape (n,) or (..., n).
        rarest_class: The class with the fewest training rows.

    Returns:
        Shape (...).
    """
    true_class = targets.expand(outputs.shape[:-1])
    n_classes = outputs.shape[-1]
    of_interest = [rarest_class] if n_classes == 2 else range(n_classes)
    found_in_all = outputs.double().sum((-2, -1)) * 0
    count = found_in_all.clone()
    for one in of_interest:
        found, present = _of_class(outputs.double(), true_class, one)
        found_in_all, count = found_in_all + found, count + present
    return found_in_all / count


def _of_class(outputs: Tensor, targets: Tensor, one: int) -> tuple[Tensor, Tensor]:
    """Return average precision of a class and 1, or 0 and 0 if there is none of it; shape (...)."""
    rest = [other for other in range(outputs.shape[-1]) if other != one]
    # Rounded, as the last digits of torch's exponentials follow the processor: ties would differ.
    odds = (outputs[..., one] - outputs[..., rest].logsumexp(-1)).float()
    ranked, order = odds.sort(dim=-1, descending=True)
    hits = (targets == one).double().gather(-1, order)
    # Each place looks at the last one of those that are equal to it.
    last = ranked.shape[-1] - 1
    places = targets.new_tensor(range(last + 1))
    ends = (ranked != ranked.roll(-1, -1)) | (places == last)
    together = places.where(ends, last).flip(-1).cummin(-1).values.flip(-1)
    positives = hits.sum(-1)
    precision = hits.cumsum(-1).gather(-1, together) / (together + 1)
    present = (positives > 0).double()
    return total(hits * precision) / positives.clamp(min=1), present


def constant(
    train: npt.NDArray[np.generic],
    targets: npt.NDArray[np.generic],
    weights: npt.NDArray[np.float64],
) -> float:
    """Return the share of the rarest training class, or of more than two the mean share."""
    shares = np.bincount(targets, minlength=len(weights)) / len(targets)
    if len(weights) == 2:
        return float(shares[np.bincount(train, minlength=2).argmin()])
    return float(np.mean(shares[shares > 0]))


METRICS.add(
    "average_precision",
    Metric(
        name="average_precision",
        task="classification",
        function=average_precision,
        higher_is_better=True,
        role="score",
        summary="mean precision over all thresholds, of the rarer of two classes or of all",
        reference="Davis and Goadrich (2006), Precision-recall and ROC curves, ICML",
        constant=constant,
        needs="rarest_class",
    ),
)
