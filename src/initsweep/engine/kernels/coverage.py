"""What the kernels cover. Everything else is refused by name, and trains on another path."""

import math
from collections.abc import Mapping, Sequence, Set

import torch

from initsweep.core.errors import KernelsError, ParamsError, PlanError
from initsweep.engine.kernels.program import CLASS_LOSSES, LOSSES, OPTIMIZERS
from initsweep.engine.lanes import Problem
from initsweep.engine.plan import Operation, Plan

BATCH_NORM_ROLES = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}
KNOWN_ROLES: Mapping[str, Sequence[Set[str]]] = {
    "linear": ({"weight"}, {"weight", "bias"}),
    "conv2d": ({"weight"}, {"weight", "bias"}),
    "layer_norm": (set(), {"weight"}, {"weight", "bias"}),
    "rms_norm": (set(), {"weight"}),
    "group_norm": (set(), {"weight", "bias"}),
    "batch_norm": (BATCH_NORM_ROLES,),
}
"""The sets of tensors that a layer may have; operations that are not listed have none."""


def check_coverage(plan: Plan, loss: str, frozen: Sequence[str]) -> None:
    """Check that the kernels can train a network.

    Args:
        plan: The network.
        loss: The registered name of the loss.
        frozen: Names of parameters that are not to be trained.

    Raises:
        PlanError: If they cannot, naming what they lack.
    """
    if loss not in LOSSES:
        raise PlanError(f"the kernels do not know the loss '{loss}'")
    if frozen:
        raise PlanError(f"the kernels train every parameter, and '{frozen[0]}' is frozen")
    used = [name for operation in plan.operations for name in operation.parameters.values()]
    tied = next((name for name in used if used.count(name) > 1), None)
    if tied:
        raise PlanError(f"the kernels use every parameter once, and '{tied}' is used twice")
    if len(plan.input_shape) != 1 or len(plan.operations[-1].shape) != 1:
        raise PlanError("the kernels take one row per example and give one")
    if not _trained(plan)[-1]:
        raise PlanError("its outputs depend on no parameter")
    for operation in plan.operations:
        _check_operation(plan, operation)


def _trained(plan: Plan) -> list[bool]:
    """Return of every value whether it depends on a parameter."""
    trained = [False]
    for operation in plan.operations:
        trained.append(
            "weight" in operation.parameters or any(trained[i] for i in operation.inputs)
        )
    return trained


def _check_operation(plan: Plan, operation: Operation) -> None:
    roles = set(operation.parameters)
    if roles not in KNOWN_ROLES.get(operation.kind, (set(),)):
        raise PlanError(f"the kernels know no {operation.kind} with {sorted(roles)}")
    inner, outer = plan.shape_of(operation.inputs[0]), operation.shape
    image = operation.kind in ("conv2d", "max_pool2d", "avg_pool2d")
    if operation.kind in ("linear", "layer_norm", "rms_norm") and len(inner) != 1:
        raise PlanError(f"the kernels apply {operation.kind} to rows only, not to shape {inner}")
    if operation.kind == "reshape" and sorted((len(inner), len(outer))) not in ([1, 1], [1, 3]):
        raise PlanError(f"the kernels do not reshape {inner} to {outer}")
    if len(outer) not in (1, 3) or (image and len(inner) != 3):
        raise PlanError(f"the kernels know rows and images, not {operation.kind} of shape {inner}")


def check_batch(plan: Plan, batch_size: int) -> None:
    """Check that batch normalization has more than one number to average.

    Raises:
        ParamsError: If not; no path could train that.
    """
    for operation in plan.operations:
        if operation.kind == "batch_norm" and batch_size * math.prod(operation.shape[1:]) == 1:
            raise ParamsError(
                "training.batch_size: received 1, of which batch normalization cannot take a "
                "variance. Use 2 or more."
            )


def check_optimizer(name: str) -> None:
    """Check that the kernels have an optimizer.

    Raises:
        KernelsError: If they have not.
    """
    if name not in OPTIMIZERS:
        raise KernelsError(f"the kernels have no optimizer '{name}'")


def check_data(problem: Problem) -> None:
    """Check that the data are where and what the kernels read.

    Raises:
        KernelsError: If they are not.
    """
    classes = problem.loss_name in CLASS_LOSSES
    for split in (problem.train, problem.validation):
        found = (split.features.device.type, split.features.dtype, split.targets.dtype)
        if found != ("cpu", torch.float32, torch.int64 if classes else torch.float32):
            raise KernelsError(
                "the kernels train float32 features on the CPU, not "
                f"{found[1]} with targets of {found[2]} on {found[0]}"
            )
        if classes and bool((split.targets < 0).any()):
            raise KernelsError("the kernels know no class below 0")


def check_classes(problem: Problem, plan: Plan) -> None:
    """Check that there is an output for every class.

    Raises:
        KernelsError: If there is not.
    """
    if problem.loss_name not in CLASS_LOSSES:
        return
    largest, n_outputs = int(problem.train.targets.max()), plan.operations[-1].shape[0]
    if largest >= n_outputs:
        raise KernelsError(f"the network has {n_outputs} outputs and the data a class {largest}")
    weights = len(problem.class_weights)
    if weights != (n_outputs if problem.loss_name == "weighted_cross_entropy" else 0):
        raise KernelsError(f"the network has {n_outputs} outputs and the loss {weights} weights")
