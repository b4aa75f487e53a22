"""Writes a plan down as the records that the kernels read (trainer.hpp has the other side)."""

import ctypes
from collections.abc import Mapping, Sequence

from initsweep.core.multipliers import NONE, Multipliers
from initsweep.core.params import Optimizer
from initsweep.engine.plan import Operation, Plan

KINDS = (
    "linear", "conv2d", "batch_norm", "layer_norm", "activation", "add", "max_pool2d", "reshape",
    "avg_pool2d", "group_norm", "rms_norm",
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


class AxisRecord(ctypes.Structure):
    """A kernel or window along rows or columns."""

    _fields_ = [(name, ctypes.c_int32) for name in ("kernel", "stride", "padding", "dilation")]


class MultipliersRecord(ctypes.Structure):
    """Factors of a parameter on rate and decay."""

    _fields_ = [(name, ctypes.c_double) for name in ("rate", "decay")]


class OperationRecord(ctypes.Structure):
    """One operation; fields that it has no use for are 0."""

    _fields_ = [
        *[(name, ctypes.c_int32) for name in ("kind", "first", "second")],
        ("shape", ShapeRecord),
        *[(name, ctypes.c_int32) for name in ("function", "has_weight", "has_bias")],
        *[(name, AxisRecord) for name in ("rows", "columns")],
        *[(name, ctypes.c_int32) for name in ("groups", "count_padding")],
        *[(name, ctypes.c_float) for name in ("setting", "epsilon", "momentum")],
        *[(name, MultipliersRecord) for name in ("weight", "bias")],
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


def operation_records(
    plan: Plan, multipliers: Mapping[str, Multipliers]
) -> "ctypes.Array[OperationRecord]":
    """Return the operations as an array of records."""
    records = [_operation_record(operation, multipliers) for operation in plan.operations]
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


def _operation_record(
    operation: Operation, multipliers: Mapping[str, Multipliers]
) -> OperationRecord:
    settings, inputs = operation.settings, operation.inputs
    weight, bias = (
        MultipliersRecord(*multipliers.get(operation.parameters.get(role, ""), NONE))
        for role in ("weight", "bias")
    )
    record = OperationRecord(
        kind=KINDS.index(operation.kind),
        first=inputs[0],
        second=inputs[-1],
        shape=_shape_record(operation.shape),
        has_weight="weight" in operation.parameters,
        has_bias="bias" in operation.parameters,
        groups=settings.get("groups", 1),
        count_padding=settings.get("count_padding", False),
        epsilon=settings.get("epsilon", 0.0),
        momentum=settings.get("momentum", 0.0),
        weight=weight,
        bias=bias,
    )
    if operation.kind == "activation":
        record.function = FUNCTIONS.index(settings["name"])
        record.setting = settings.get("negative_slope", settings.get("alpha", 0.0))
    if (slide := settings.get("slide")) is not None:
        rows, columns = zip(slide.kernel, slide.stride, slide.padding, slide.dilation, strict=True)
        record.rows, record.columns = AxisRecord(*rows), AxisRecord(*columns)
    return record


def _shape_record(shape: Sequence[int]) -> ShapeRecord:
    channels, rows, columns = shape if len(shape) == 3 else (*shape, 0, 0)
    return ShapeRecord(channels=channels, rows=rows, columns=columns)
