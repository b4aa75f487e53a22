"""What is measured of a network while it is trained: one loss and one score per task.

One file per metric, found by name. A metric function maps outputs (..., n, n_outputs) and targets
(n,) or (..., n) to values (...): it reduces over the n examples and leaves any leading lane
dimensions alone, so the same code serves one network and a stack of networks. Nothing here imports
torch, which takes a second: the first stage names metrics and computes none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from initsweep.errors import DuplicateNameError, UnknownNameError
from initsweep.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

Task = Literal["classification", "regression"]
Role = Literal["loss", "score"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A named quantity of outputs and targets.

    Attributes:
        name: The registered name.
        task: The kind of targets it is defined for.
        function: Outputs (..., n, n_outputs) and targets (n,) or (..., n) to values (...).
        higher_is_better: Whether a larger value is the better one.
        role: A loss is minimized in training; a score is only reported.
        reference: Where the formula stands.
    """

    name: str
    task: Task
    function: Callable[[Tensor, Tensor], Tensor]
    higher_is_better: bool
    role: Role
    reference: str


METRICS: Registry[Metric] = Registry("metric", __name__)


def loss_of(task: Task) -> Metric:
    """Return the metric that training on `task` minimizes."""
    return _only(task, "loss")


def score_of(task: Task) -> Metric:
    """Return the metric that is reported beside the loss on `task`."""
    return _only(task, "score")


def _only(task: Task, role: Role) -> Metric:
    found = [metric for _, metric in METRICS if metric.task == task and metric.role == role]
    if not found:
        raise UnknownNameError(f"No metric has task '{task}' and role '{role}'; register one.")
    if len(found) > 1:
        names = ", ".join(metric.name for metric in found)
        raise DuplicateNameError(f"Each task has one {role}, but {task} has several: {names}.")
    return found[0]
