"""Reads a network's plan by tracing the module once with `torch.fx`.

A network that does something else than the known operations, or something that depends on its
data, has no plan; the paths that run the module as it is serve it.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import fx, nn
from torch.nn import functional

from initsweep.core.errors import PlanError
from initsweep.engine.kernels.program import FUNCTIONS
from initsweep.engine.plan import Kind, Operation, Plan
from initsweep.engine.reasons import in_words
from initsweep.graph.tracing import keep_values, trace

ACTIVATIONS: Mapping[object, str] = {
    form: name
    for name in FUNCTIONS
    for form in (name, getattr(torch, name, None), getattr(functional, name, None))
    if form is not None
}
"""Functions, and names of tensor methods, that are activations."""

_DEFAULTS: Mapping[str, Mapping[str, float]] = {
    "leaky_relu": {"negative_slope": 0.01},
    "elu": {"alpha": 1.0},
}
"""Settings of activations that may be given."""

_FIXED: Mapping[str, Mapping[str, object]] = {
    "gelu": {"approximate": "none"},
    "softplus": {"beta": 1, "threshold": 20},
}
"""Settings of activations that must be these, if they are given."""

_LEAVES = (nn.Linear, nn.Conv2d, nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm)


def read_plan(model: nn.Module, input_shape: Sequence[int]) -> Plan:
    """Return the network's operations.

    Args:
        model: The network; left as it is.
        input_shape: Shape of one example.

    Returns:
        The plan; running it gives what the module gives.

    Raises:
        PlanError: If the network does anything that operations cannot express, naming it.
    """
    before = [buffer.clone() for buffer in model.buffers()]
    root = nn.Sequential(model)  # so that a network that is itself a layer is seen as one
    try:
        evaluated = trace(root, _is_one_operation, training=False)
        traced = trace(root, _is_one_operation, training=True)
        traced.root.eval()  # running statistics stay as they are
        keep_values(traced, next(model.parameters()).detach().new_zeros(2, *input_shape))
    except Exception as error:  # whatever the user's module does to a tracer
        raise PlanError(f"it cannot be traced: {in_words(error)}") from error
    plan = _Reader(root, model, traced.graph, tuple(input_shape)).plan()
    if str(traced.graph) != str(evaluated.graph):
        raise PlanError("it does something else in training than in evaluation")
    for one in (evaluated, traced):
        if not all(map(torch.equal, before, one.root.buffers())):
            raise PlanError("it changes a buffer of its own")
    return plan


def _is_one_operation(module: nn.Module) -> bool:
    """Return whether it is a layer of operations, unless a subclass computes otherwise."""
    if hasattr(module, "parametrizations"):
        return False
    return any(
        isinstance(module, kind) and type(module).forward is kind.forward for kind in _LEAVES
    )


class _Reader:
    """Turns traced nodes into operations."""

    def __init__(
        self, root: nn.Module, model: nn.Module, graph: fx.Graph, input_shape: tuple[int, ...]
    ) -> None:
        self._modules = dict(root.named_modules())
        self._names = {
            id(t): name for name, t in [*model.named_parameters(), *model.named_buffers()]
        }
        self._graph, self._input_shape = graph, input_shape
        self._values: dict[fx.Node, int] = {}
        self._operations: list[Operation] = []

    def plan(self) -> Plan:
        """Return the plan.

        Raises:
            PlanError: If there is a node that no operation covers.
        """
        for node in self._graph.nodes:
            if node.op == "placeholder":
                self._values[node] = len(self._values)
                if len(self._values) > 1:
                    raise PlanError("it takes more than one input")
            elif node.op == "output":
                self._check_output(node)
            else:
                self._read(node)
        if not self._operations:
            raise PlanError("it does nothing")
        return Plan(input_shape=self._input_shape, operations=tuple(self._operations))

    def _check_output(self, node: fx.Node) -> None:
        if self._values.get(node.args[0]) != len(self._operations):  # type: ignore[arg-type]
            raise PlanError("its outputs are not the result of its last operation")

    def _read(self, node: fx.Node) -> None:
        if node.op == "call_module":
            self._read_layer(node, self._modules[str(node.target)])
        elif node.op == "get_attr":
            raise PlanError(f"it uses '{_path_of(node)}' outside a known layer")
        elif node.target in ACTIVATIONS:
            self._read_activation(node, ACTIVATIONS[node.target])
        elif node.target in _READERS:
            _READERS[node.target](self, node)
        else:
            raise PlanError(f"it uses {_name_of(node)}, for which there is no operation")

    def _add(
        self, node: fx.Node, kind: Kind, inputs: Sequence[object], **rest: dict[str, Any]
    ) -> None:
        shape = _shape(node)
        if shape[:1] != (2,):
            raise PlanError(f"{_name_of(node)} does not keep the batch axis first")
        numbers = []
        if not inputs:
            raise PlanError(f"{_name_of(node)} is called with keywords")
        for value in inputs:
            if not isinstance(value, fx.Node) or value not in self._values:
                raise PlanError(f"{_name_of(node)} reads {value!r}, which is not a value")
            numbers.append(self._values[value])
        operation = Operation(kind=kind, inputs=tuple(numbers), shape=shape[1:], **rest)
        self._operations.append(operation)
        self._values[node] = len(self._operations)

    def _read_layer(self, node: fx.Node, layer: nn.Module) -> None:
        if layer._forward_hooks or layer._forward_pre_hooks:
            raise PlanError(f"'{_path_of(node)}' has hooks")
        settings = _layer_settings(layer, _path_of(node))
        kind: Kind = settings.pop("kind")
        tensors = [*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)]
        parameters = {role: self._names[id(tensor)] for role, tensor in tensors}
        self._add(node, kind, node.args[:1], parameters=parameters, settings=settings)

    def _read_activation(self, node: fx.Node, name: str) -> None:
        given = dict(node.kwargs)
        given.pop("inplace", None)
        positional = {**_DEFAULTS.get(name, {}), **_FIXED.get(name, {})}
        given |= dict(zip(positional, node.args[1:], strict=False))
        for key, value in _FIXED.get(name, {}).items():
            if given.pop(key, value) != value:
                raise PlanError(f"it uses {name} with another `{key}` than {value!r}")
        settings = {**_DEFAULTS.get(name, {}), **given, "name": name}
        self._add(node, "activation", node.args[:1], settings=settings)

    def _read_add(self, node: fx.Node) -> None:
        if node.kwargs:
            raise PlanError("it adds with a factor")
        shapes = [_shape(a) for a in node.args if isinstance(a, fx.Node)]
        if len(shapes) != 2 or shapes[0] != shapes[1]:
            raise PlanError("it adds values of different shapes")
        self._add(node, "add", node.args)

    def _read_reshape(self, node: fx.Node) -> None:
        self._add(node, "reshape", node.args[:1])

    def _read_max_pool(self, node: fx.Node) -> None:
        names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
        given = {**dict(zip(names, node.args[1:], strict=False)), **node.kwargs}
        kernel = _pair(given["kernel_size"])
        plain = (
            _pair(given.get("stride") or kernel) == kernel
            and _pair(given.get("padding", 0)) == (0, 0)
            and _pair(given.get("dilation", 1)) == (1, 1)
            and not given.get("ceil_mode")
            and not given.get("return_indices")
        )
        if not plain:
            raise PlanError("it pools with overlap, padding, dilation or ceil_mode")
        self._add(node, "max_pool2d", node.args[:1], settings={"kernel": kernel})

    def _read_identity(self, node: fx.Node) -> None:
        self._values[node] = self._values[node.args[0]]  # type: ignore[index]


_READERS: Mapping[object, Callable[[_Reader, fx.Node], None]] = {
    operator.add: _Reader._read_add,
    operator.iadd: _Reader._read_add,
    torch.add: _Reader._read_add,
    torch.flatten: _Reader._read_reshape,
    torch.reshape: _Reader._read_reshape,
    "flatten": _Reader._read_reshape,
    "reshape": _Reader._read_reshape,
    "view": _Reader._read_reshape,
    functional.max_pool2d: _Reader._read_max_pool,
    torch.max_pool2d: _Reader._read_max_pool,
    "contiguous": _Reader._read_identity,
}


def _layer_settings(layer: nn.Module, path: str) -> dict[str, Any]:
    """Return a layer's operation and settings.

    Raises:
        PlanError: If the layer is used in a way that no operation covers.
    """
    if isinstance(layer, nn.Linear):
        return {"kind": "linear"}
    if isinstance(layer, nn.Conv2d):
        plain = layer.groups == 1 and layer.dilation == (1, 1) and layer.padding_mode == "zeros"
        if not plain or isinstance(layer.padding, str):
            raise PlanError(f"'{path}' is grouped, dilated or padded otherwise than by zeros")
        return {"kind": "conv2d", "stride": layer.stride, "padding": layer.padding}
    if isinstance(layer, nn.LayerNorm):
        if len(layer.normalized_shape) != 1:
            raise PlanError(f"'{path}' normalizes over more than one axis")
        return {"kind": "layer_norm", "epsilon": layer.eps}
    if not isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
        raise PlanError(f"'{path}' is a {type(layer).__name__}, for which there is no operation")
    if layer.momentum is None or not layer.track_running_stats:
        raise PlanError(f"'{path}' keeps no exponential running statistics")
    return {"kind": "batch_norm", "epsilon": layer.eps, "momentum": layer.momentum}


def _pair(value: object) -> tuple[int, int]:
    first, second = value if isinstance(value, tuple | list) else (value, value)
    return int(cast(int, first)), int(cast(int, second))


def _shape(node: fx.Node) -> tuple[int, ...]:
    return tuple(getattr(node.meta["value"], "shape", ()))


def _path_of(node: fx.Node) -> str:
    return str(node.target).removeprefix("0").removeprefix(".") or "(the network itself)"


def _name_of(node: fx.Node) -> str:
    return str(getattr(node.target, "__name__", node.target))
