"""Writes a plan down as the records that the kernels read (trainer.hpp has the other side)."""

import ctypes
from collections.abc import Sequence

from initsweep.core.params import Optimizer
from initsweep.engine.plan import Operation, Plan

KINDS = (
    "linear", "conv2d", "batch_norm", "layer_norm", "activation", "add", "max_pool2d", "reshape",
)  # fmt: skip
FUNCTIONS = (
    "relu", "leaky_relu", "tanh", "sigmoid", "gelu", "silu", "elu", "selu", "softplus",
)  # fmt: skip
LOSSES = (
    "cross_entropy", "mean_squared_error", "mean_absolute_error", "huber", "weighted_cross_entropy",
)  # fmt: skip
CLASS_LOSSES = ("cross_entropy", "weighted_cross_entropy")
"""Those whose targets are classes."""
OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop")
ROLES = ("weight", "bias", "running_mean", "running_var")
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
        ("class_weights", ctypes.POINTER(ctypes.c_float)),
    ]


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
    plan: Plan,
    *,
    batch: int,
    loss: str,
    optimizer: Optimizer,
    clip: float | None,
    class_weights: Sequence[float] = (),
) -> SettingsRecord:
    """Return the record of everything else."""
    weights = (ctypes.c_float * len(class_weights))(*class_weights) if class_weights else None
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
        class_weights=weights,
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
