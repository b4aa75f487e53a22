"""What is measured of a network: a loss and a score per task, and measures beside them.

One file per metric, found by name. A metric function maps outputs (..., n, n_outputs) and targets
(n,) or (..., n) to values (...): it reduces over the n examples and leaves any leading lane
dimensions alone, so the same code serves one network and a stack of networks. What it needs to
know of the training rows (class weights, which class is the rarest) is a keyword argument, which
`bound` fills in. Nothing here imports torch, which takes a second: the first stage names metrics
and computes none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from initsweep.core.errors import DataError, ParamsError
from initsweep.core.registry import Registry, did_you_mean

if TYPE_CHECKING:
    from torch import Tensor

    from initsweep.core.records import Schema

Task = Literal["classification", "regression"]
Role = Literal["loss", "score", "measure"]
Need = Literal["class_weights", "rarest_class", "target_scale"]
Constant = Callable[
    [npt.NDArray[np.generic], npt.NDArray[np.generic], npt.NDArray[np.float64]], float
]
"""Training targets, targets and the weight of each class (no entries for a regression) to the value
of the best predictor that ignores the features and knows the training targets only."""

AUTO = "auto"
"""What the parameters say for the task's own loss or score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A named quantity of outputs and targets.

    Attributes:
        name: The registered name.
        task: The kind of targets it is defined for.
        function: Outputs (..., n, n_outputs) and targets (n,) or (..., n) to values (...).
        higher_is_better: Whether a larger value is the better one.
        role: A loss is minimized in training; a score is watched beside it, and runs can be
            compared by it; a measure is written down for the fresh runs. Scores are measures too.
        summary: What it is, in words with its unit, without a capital or a full stop.
        reference: Where the formula stands.
        constant: Its value for the best constant predictor; None for a measure.
        default: Whether it is the task's own loss or score.
        needs: The keyword argument that `function` takes besides.

    Examples:
        >>> import torch
        >>> from initsweep import METRICS
        >>> metric = METRICS.get("accuracy")
        >>> metric.role, metric.function(torch.eye(4), torch.tensor([0, 1, 2, 2])).item()
        ('score', 0.75)
    """

    name: str
    task: Task
    function: Callable[..., Tensor]
    higher_is_better: bool
    role: Role
    summary: str
    reference: str
    constant: Constant | None = None
    default: bool = False
    needs: Need | None = None


METRICS: Registry[Metric] = Registry("metric", __name__)
"""All losses, scores and measures by name; `METRICS.add("my_score", Metric(...))` adds one.

Examples:
    >>> from initsweep import METRICS
    >>> [name for name, metric in METRICS if metric.role == "score"]
    ['accuracy', 'average_precision', 'balanced_accuracy', 'r_squared']
"""


def loss_of(task: Task, name: str = AUTO, class_weights: str = "none") -> Metric:
    """Return the metric that training on `task` minimizes.

    Args:
        task: The kind of targets.
        name: `task.loss`.
        class_weights: `task.class_weights`.

    Raises:
        ParamsError: If there is no such loss for the task, or it cannot weigh classes.
    """
    metric = _chosen(task, "loss", name)
    if class_weights == "none":
        return metric
    if task == "regression":
        raise ParamsError(
            f"task.class_weights: received '{class_weights}', but the targets are numbers and "
            "not classes. Set it to none."
        )
    return METRICS.get(f"weighted_{metric.name}")


def score_of(task: Task, name: str = AUTO) -> Metric:
    """Return the metric that is watched beside the loss on `task`; `name` is `task.score`.

    Raises:
        ParamsError: If there is no such score for the task.
    """
    return _chosen(task, "score", name)


def measures_of(task: str) -> list[Metric]:
    """Return all that is written down for the fresh runs on `task`, sorted by name."""
    return [metric for _, metric in METRICS if metric.task == task and metric.role != "loss"]


def bound(metric: Metric, schema: Schema) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the metric's function of outputs and targets on one prepared data set."""
    if metric.needs is None:
        return metric.function
    values: dict[Need, object] = {
        "class_weights": tuple(schema.class_weights),
        "rarest_class": rarest_class(schema.class_counts),
        "target_scale": schema.target_scale,
    }
    return partial(metric.function, **{metric.needs: values[metric.needs]})


def recorded(metric: Metric, schema: Schema | None = None) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the metric's function as values of it are recorded.

    Sums and logarithms are taken in float64, and a loss is rounded to the type of the outputs:
    networks that answer the same on two processors then have the same losses, but for one value in
    many millions (`engine/kernels/recorded.py` has losses without that exception).

    Args:
        metric: The metric.
        schema: The prepared data, for a metric that needs to know of them.
    """
    function = metric.function if schema is None else bound(metric, schema)

    def value(outputs: Tensor, targets: Tensor) -> Tensor:
        exact = function(outputs.double(), targets)
        return exact.to(outputs.dtype) if metric.role == "loss" else exact

    return value


def total(values: Tensor) -> Tensor:
    """Return the sum of values (..., n) over the last axis, one after the other, shape (...).

    For scores and measures: the order in which torch sums follows the processor's vectors.
    """
    return values.cumsum(-1)[..., -1]


def rarest_class(counts: list[int]) -> int:
    """Return the class with the fewest training rows, the first of several; -1 without classes."""
    return counts.index(min(counts)) if counts else -1


def balanced_weights(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return weights that make all classes count the same; their mean over the rows is 1.

    Source: King and Zeng (2001), Logistic regression in rare events data, section 4.2, with equal
    shares for the population; n / (classes * count), as in scikit-learn's "balanced".

    Args:
        counts: Training rows of each class, shape (classes,).

    Raises:
        DataError: If a class has no row.
    """
    if not counts.all():
        raise DataError(
            f"task.class_weights: class {int(counts.argmin())} has no training row, so no weight "
            "balances it. Leave it out of the data, or set it to none."
        )
    weights: npt.NDArray[np.float64] = counts.sum() / (len(counts) * counts.astype(np.float64))
    return weights


def _chosen(task: Task, role: Role, name: str) -> Metric:
    known = [metric for _, metric in METRICS if metric.task == task and metric.role == role]
    if name == AUTO:
        return next(metric for metric in known if metric.default)
    # Weights are asked for by `class_weights`, which also finds them.
    names = [metric.name for metric in known if metric.needs != "class_weights"]
    if name not in names:
        raise ParamsError(
            f"task.{role}: received '{name}', which is no {role} for {task}."
            f"{did_you_mean(name, names)} Use {AUTO}, {', '.join(names)}."
        )
    return METRICS.get(name)
