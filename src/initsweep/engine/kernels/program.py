"""Writes a plan down as the records that the kernels read (trainer.hpp has the other side)."""

import ctypes
from collections.abc import Mapping, Sequence, Set

from initsweep.engine.plan import Operation, Plan
from initsweep.errors import PlanError
from initsweep.params import Optimizer

KINDS = (
    "linear", "conv2d", "batch_norm", "layer_norm", "activation", "add", "max_pool2d", "reshape",
)  # fmt: skip
FUNCTIONS = (
    "relu", "leaky_relu", "tanh", "sigmoid", "gelu", "silu", "elu", "selu", "softplus",
)  # fmt: skip
LOSSES = ("cross_entropy", "mean_squared_error")
OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop")
ROLES = ("weight", "bias", "running_mean", "running_var")
BATCH_NORM_ROLES = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}
KNOWN_ROLES: Mapping[str, Sequence[Set[str]]] = {
    "linear": ({"weight"}, {"weight", "bias"}),
    "conv2d": ({"weight"}, {"weight", "bias"}),
    "layer_norm": (set(), {"weight", "bias"}),
    "batch_norm": (BATCH_NORM_ROLES,),
}
"""The sets of tensors that a layer may have; operations that are not listed have none."""

BATCH_COUNTER = "num_batches_tracked"
"""A buffer that the kernels do not keep."""


class ShapeRecord(ctypes.Structure):
    """Shape of a value: rows and columns are 0 for a dense one."""

    _fields_ = [(name, ctypes.c_int32) for name in ("channels", "rows", "columns")]


class OperationRecord(ctypes.Structure):
    """One operation; fields that it has no use for are 0."""

    _fields_ = [
        *[(name, ctypes.c_int32) for name in ("kind", "first", "second")],
        ("shape", ShapeRecord),
        *[(name, ctypes.c_int32) for name in ("function", "has_weight", "has_bias")],
        *[(name, ctypes.c_int32) for name in ("kernel_rows", "kernel_columns")],
        *[(name, ctypes.c_int32) for name in ("padding_rows", "padding_columns")],
        *[(name, ctypes.c_float) for name in ("setting", "epsilon", "momentum")],
    ]


class OptimizerRecord(ctypes.Structure):
    """The optimizer's settings; `clip` is 0 for none."""

    _fields_ = [
        *[(name, ctypes.c_int32) for name in ("name", "nesterov")],
        *[(name, ctypes.c_double) for name in ("momentum", "beta1", "beta2", "epsilon")],
        *[(name, ctypes.c_double) for name in ("weight_decay", "clip")],
    ]


class SettingsRecord(ctypes.Structure):
    """What belongs to the network as a whole."""

    _fields_ = [
        ("input", ShapeRecord),
        *[(name, ctypes.c_int32) for name in ("operations", "batch", "loss")],
        ("optimizer", OptimizerRecord),
    ]


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
    image = operation.kind in ("conv2d", "max_pool2d")
    if operation.kind in ("linear", "layer_norm") and len(inner) != 1:
        raise PlanError(f"the kernels apply {operation.kind} to rows only, not to shape {inner}")
    if operation.kind == "conv2d":
        stride, padding = operation.settings["stride"], operation.settings["padding"]
        kernel = kernel_of(inner, outer, padding) if stride == (1, 1) else None
        if kernel is None or any(p >= k for p, k in zip(padding, kernel, strict=True)):
            raise PlanError("the kernels convolve with stride 1 and less padding than kernel only")
    if operation.kind == "reshape" and sorted((len(inner), len(outer))) not in ([1, 1], [1, 3]):
        raise PlanError(f"the kernels do not reshape {inner} to {outer}")
    if len(outer) not in (1, 3) or (image and len(inner) != 3):
        raise PlanError(f"the kernels know rows and images, not {operation.kind} of shape {inner}")


def kernel_of(
    inner: Sequence[int], outer: Sequence[int], padding: Sequence[int]
) -> tuple[int, int]:
    """Return rows and columns of the kernel of a convolution of stride 1, from the shapes."""
    rows, columns = (inner[a] + 2 * padding[a - 1] - outer[a] + 1 for a in (1, 2))
    return rows, columns


def operation_records(plan: Plan) -> "ctypes.Array[OperationRecord]":
    """Return the operations as an array of records."""
    records = [_operation_record(plan, operation) for operation in plan.operations]
    return (OperationRecord * len(records))(*records)


def settings_record(
    plan: Plan, *, batch: int, loss: str, optimizer: Optimizer, clip: float | None
) -> SettingsRecord:
    """Return the record of everything else."""
    return SettingsRecord(
        input=_shape_record(plan.input_shape),
        operations=len(plan.operations),
        batch=batch,
        loss=LOSSES.index(loss),
        optimizer=OptimizerRecord(
            name=OPTIMIZERS.index(optimizer.name),
            nesterov=optimizer.nesterov,
            momentum=optimizer.momentum,
            beta1=optimizer.beta1,
            beta2=optimizer.beta2,
            epsilon=optimizer.epsilon,
            weight_decay=optimizer.weight_decay,
            clip=clip or 0.0,
        ),
    )


def _operation_record(plan: Plan, operation: Operation) -> OperationRecord:
    settings, inputs = operation.settings, operation.inputs
    record = OperationRecord(
        kind=KINDS.index(operation.kind),
        first=inputs[0],
        second=inputs[-1],
        shape=_shape_record(operation.shape),
        has_weight="weight" in operation.parameters,
        has_bias="bias" in operation.parameters,
        epsilon=settings.get("epsilon", 0.0),
        momentum=settings.get("momentum", 0.0),
    )
    if operation.kind == "activation":
        record.function = FUNCTIONS.index(settings["name"])
        record.setting = settings.get("negative_slope", settings.get("alpha", 0.0))
    if operation.kind == "conv2d":
        padding = settings["padding"]
        record.padding_rows, record.padding_columns = padding
        kernel = kernel_of(plan.shape_of(inputs[0]), operation.shape, padding)
        record.kernel_rows, record.kernel_columns = kernel
    if operation.kind == "max_pool2d":
        record.kernel_rows, record.kernel_columns = settings["kernel"]
    return record


def _shape_record(shape: Sequence[int]) -> ShapeRecord:
    channels, rows, columns = shape if len(shape) == 3 else (*shape, 0, 0)
    return ShapeRecord(channels=channels, rows=rows, columns=columns)
