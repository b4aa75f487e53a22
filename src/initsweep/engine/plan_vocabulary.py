"""What plans have an operation for: modules, and functions with what they are called with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from initsweep.core.errors import PlanError
from initsweep.engine.kernels.program import FUNCTIONS
from initsweep.engine.plan import Kind, Slide

ACTIVATIONS: Mapping[object, str] = {
    form: name
    for name in FUNCTIONS
    for form in (name, getattr(torch, name, None), getattr(functional, name, None))
    if form is not None
}
"""Functions, and names of tensor methods, that are activations."""

DEFAULTS: Mapping[str, Mapping[str, float]] = {
    "leaky_relu": {"negative_slope": 0.01},
    "elu": {"alpha": 1.0},
}
"""Settings of activations that may be given."""

FIXED: Mapping[str, Mapping[str, object]] = {
    "gelu": {"approximate": "none"},
    "softplus": {"beta": 1, "threshold": 20},
}
"""Settings of activations that must be these, if they are given."""

Given = Mapping[str, Any]
"""Arguments by name, but for the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function whose first argument is a value of the network.

    Attributes:
        kind: The operation.
        arguments: Names of the others by their places; `weight` and `bias` are parameters.
        settings: Arguments and the value to the operation's settings; raises `PlanError` where it
            has none for them.
    """

    kind: Kind
    arguments: tuple[str, ...]
    settings: Callable[[Given, Tensor], dict[str, Any]]


def _convolution(given: Given, value: Tensor) -> dict[str, Any]:  # noqa: ARG001
    kernel = _pair(given["weight"].meta["value"].shape[2:])
    dilation, padding = _pair(given.get("dilation", 1)), given.get("padding", 0)
    if padding == "same":
        padding = tuple(d * (k - 1) // 2 for d, k in zip(dilation, kernel, strict=True))
    slide = Slide(
        kernel=kernel,
        stride=_pair(given.get("stride", 1)),
        padding=(0, 0) if padding == "valid" else _pair(padding),
        dilation=dilation,
    )
    return {"slide": slide, "groups": given.get("groups", 1)}


def _plain(given: Given, value: Tensor) -> dict[str, Any]:  # noqa: ARG001
    return {}


def _pool(given: Given, value: Tensor) -> dict[str, Any]:  # noqa: ARG001
    if _pair(given.get("dilation", 1)) != (1, 1):
        raise PlanError("it pools with dilation")
    if given.get("divisor_override") is not None:
        raise PlanError("it pools with a divisor of its own")
    kernel = _pair(given["kernel_size"])
    stride, padding = _pair(given.get("stride") or kernel), _pair(given.get("padding", 0))
    slide = Slide(kernel=kernel, stride=stride, padding=padding)
    return {"slide": slide, "count_padding": bool(given.get("count_include_pad", True))}


def _cut(given: Given, value: Tensor) -> dict[str, Any]:  # noqa: ARG001
    return {"slide": Slide(kernel=(0, 0))}


def _mean(given: Given, value: Tensor) -> dict[str, Any]:
    axes = given.get("dim", given.get("axis"))
    asked = axes if isinstance(axes, tuple | list) else () if axes is None else (axes,)
    if value.dim() != 4 or {axis % 4 for axis in asked} != {2, 3} or given.get("dtype"):
        raise PlanError("it takes a mean over something else than the pixels of images")
    return {"slide": Slide(kernel=(0, 0))}


def _group_norm(given: Given, value: Tensor) -> dict[str, Any]:  # noqa: ARG001
    return {"groups": given["num_groups"], "epsilon": given.get("eps", 1e-5)}


def _instance_norm(given: Given, value: Tensor) -> dict[str, Any]:
    if given.get("running_mean") is not None or not given.get("use_input_stats", True):
        raise PlanError("it normalizes instances by running statistics")
    return {"groups": value.shape[1], "epsilon": given.get("eps", 1e-5)}


def _row_norm(given: Given, value: Tensor) -> dict[str, Any]:  # noqa: ARG001
    if len(given["normalized_shape"]) != 1:
        raise PlanError("it normalizes over more than one axis")
    return {"epsilon": given.get("eps", 1e-5)}


def _rms_norm(given: Given, value: Tensor) -> dict[str, Any]:
    given = {**given, "eps": given.get("eps") or torch.finfo(torch.float32).eps}
    return _row_norm(given, value)


def _pair(value: object) -> tuple[int, int]:
    """Return one number for rows and one for columns, from one for both or a sequence."""
    numbers = list(value) if isinstance(value, tuple | list) else [value]
    first, last = numbers[0], numbers[-1]
    return int(cast(int, first)), int(cast(int, last))


_MAX = Function(
    kind="max_pool2d",
    arguments=("kernel_size", "stride", "padding", "dilation", "ceil_mode"),
    settings=_pool,
)
_MEAN = Function(kind="avg_pool2d", arguments=("dim", "keepdim"), settings=_mean)
_NORM = ("normalized_shape", "weight", "bias", "eps")

CALLED: Mapping[object, Function] = {
    functional.linear: Function(kind="linear", arguments=("weight", "bias"), settings=_plain),
    functional.conv2d: Function(
        kind="conv2d",
        arguments=("weight", "bias", "stride", "padding", "dilation", "groups"),
        settings=_convolution,
    ),
    functional.max_pool2d: _MAX,
    torch.max_pool2d: _MAX,
    functional.avg_pool2d: Function(
        kind="avg_pool2d",
        arguments=(
            "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad",
            "divisor_override",
        ),
        settings=_pool,
    ),
    functional.adaptive_avg_pool2d: Function(
        kind="avg_pool2d", arguments=("output_size",), settings=_cut
    ),
    functional.adaptive_max_pool2d: Function(
        kind="max_pool2d", arguments=("output_size",), settings=_cut
    ),
    torch.mean: _MEAN,
    "mean": _MEAN,
    functional.group_norm: Function(
        kind="group_norm", arguments=("num_groups", "weight", "bias", "eps"), settings=_group_norm
    ),
    functional.instance_norm: Function(
        kind="group_norm",
        arguments=(
            "running_mean", "running_var", "weight", "bias", "use_input_stats", "momentum", "eps",
        ),
        settings=_instance_norm,
    ),
    functional.layer_norm: Function(kind="layer_norm", arguments=_NORM, settings=_row_norm),
    functional.rms_norm: Function(
        kind="rms_norm", arguments=("normalized_shape", "weight", "eps"), settings=_rms_norm
    ),
}  # fmt: skip
"""Functions, and names of tensor methods, to their operations."""

_LEAVES = (nn.BatchNorm1d, nn.BatchNorm2d, nn.InstanceNorm2d)
"""Modules that are one operation; others are read by what they call."""


def is_one_operation(module: nn.Module) -> bool:
    """Return whether it is a layer of operations, unless a subclass computes otherwise."""
    return any(
        isinstance(module, kind) and type(module).forward is kind.forward for kind in _LEAVES
    )


def layer_settings(layer: nn.Module, path: str) -> dict[str, Any]:
    """Return a layer's operation and settings.

    Raises:
        PlanError: If the layer is used in a way that no operation covers.
    """
    if isinstance(layer, nn.InstanceNorm2d):
        if layer.track_running_stats:
            raise PlanError(f"'{path}' normalizes instances by running statistics")
        return {"kind": "group_norm", "groups": layer.num_features, "epsilon": layer.eps}
    if not isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
        raise PlanError(f"'{path}' is a {type(layer).__name__}, for which there is no operation")
    if layer.momentum is None or not layer.track_running_stats:
        raise PlanError(f"'{path}' keeps no exponential running statistics")
    return {"kind": "batch_norm", "epsilon": layer.eps, "momentum": layer.momentum}
