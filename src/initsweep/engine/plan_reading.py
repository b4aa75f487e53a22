"""Reads a network's plan by tracing the module once with `torch.fx`.

A network that does something else than the known operations, or something that depends on its
data, has no plan; the paths that run the module as it is serve it.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn

from initsweep.core.errors import PlanError
from initsweep.engine.plan import Kind, Operation, Plan
from initsweep.engine.plan_vocabulary import (
    ACTIVATIONS,
    CALLED,
    DEFAULTS,
    FIXED,
    Function,
    is_one_operation,
    layer_settings,
)
from initsweep.engine.reasons import in_words
from initsweep.graph.tracing import keep_values, trace

_OF_SHAPES = ("size", "dim", "shape", "ndim")
"""Methods and attributes of tensors that look at their shape alone."""


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
        evaluated = trace(root, is_one_operation, training=False)
        traced = trace(root, is_one_operation, training=True)
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
        self._tensors: dict[fx.Node, str] = {}  # parameters and buffers, to be used in a function
        self._sizes: set[fx.Node] = set()  # what follows from shapes
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
            self._tensors[node] = str(node.target)
        elif self._is_of_shapes(node):
            self._sizes.add(node)
        elif node.target in CALLED:
            self._read_function(node, CALLED[node.target])
        elif used := [one for one in node.all_input_nodes if one in self._tensors]:
            raise PlanError(f"it uses '{_path_of(used[0])}' outside a known layer")
        elif node.target in ACTIVATIONS:
            self._read_activation(node, ACTIVATIONS[node.target])
        elif node.target in _READERS:
            _READERS[node.target](self, node)
        else:
            raise PlanError(f"it uses {_name_of(node)}, for which there is no operation")

    def _is_of_shapes(self, node: fx.Node) -> bool:
        """Return whether it looks at shapes, or computes with what such a look gave."""
        asked = node.args[1] if node.target is getattr else node.target
        inputs = node.all_input_nodes
        follows = bool(inputs) and all(one in self._sizes for one in inputs)
        return (asked in _OF_SHAPES or follows) and not isinstance(node.meta["value"], Tensor)

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
        settings = layer_settings(layer, _path_of(node))
        kind: Kind = settings.pop("kind")
        tensors = [*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)]
        parameters = {role: self._names[id(tensor)] for role, tensor in tensors}
        self._add(node, kind, node.args[:1], parameters=parameters, settings=settings)

    def _arguments(self, node: fx.Node, names: Sequence[str]) -> dict[str, Any]:
        """Return the arguments behind the first by name; parameters remain nodes.

        Raises:
            PlanError: If one of them follows from the features.
        """

        def known(one: fx.Node) -> object:
            if one not in self._sizes and one not in self._tensors:
                raise PlanError(f"{_name_of(node)} takes the result of {_name_of(one)}")
            return one if one in self._tensors else one.meta["value"]

        given = dict(zip(names, node.args[1:], strict=False)) | dict(node.kwargs)
        return dict(fx.node.map_arg(given, known))  # type: ignore[arg-type]

    def _read_function(self, node: fx.Node, function: Function) -> None:
        given = self._arguments(node, function.arguments)
        parameters = {
            role: self._parameter(given[role])
            for role in ("weight", "bias")
            if given.get(role) is not None
        }
        if not node.args or not isinstance(node.args[0], fx.Node):
            raise PlanError(f"{_name_of(node)} is called with keywords")
        settings = function.settings(given, node.args[0].meta["value"])
        self._add(node, function.kind, node.args[:1], parameters=parameters, settings=settings)

    def _parameter(self, node: fx.Node) -> str:
        """Return the name of a parameter that is handed to a function.

        Raises:
            PlanError: If it is none of the network's.
        """
        owner, _, attribute = self._tensors[node].rpartition(".")
        tensor = getattr(self._modules.get(owner), attribute, None)
        if not isinstance(tensor, nn.Parameter):
            raise PlanError(f"it uses '{_path_of(node)}', which is no parameter, as one")
        return self._names[id(tensor)]

    def _read_activation(self, node: fx.Node, name: str) -> None:
        given = self._arguments(node, [*DEFAULTS.get(name, {}), *FIXED.get(name, {})])
        given.pop("inplace", None)
        for key, value in FIXED.get(name, {}).items():
            if given.pop(key, value) != value:
                raise PlanError(f"it uses {name} with another `{key}` than {value!r}")
        settings = {**DEFAULTS.get(name, {}), **given, "name": name}
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

    def _read_identity(self, node: fx.Node) -> None:
        self._values[node] = self._values[node.args[0]]  # type: ignore[index]


_READERS: Mapping[object, Callable[[_Reader, fx.Node], None]] = {
    operator.add: _Reader._read_add,
    operator.iadd: _Reader._read_add,
    torch.add: _Reader._read_add,
    torch.flatten: _Reader._read_reshape,
    torch.reshape: _Reader._read_reshape,
    torch.squeeze: _Reader._read_reshape,
    "flatten": _Reader._read_reshape,
    "unflatten": _Reader._read_reshape,
    "squeeze": _Reader._read_reshape,
    "reshape": _Reader._read_reshape,
    "view": _Reader._read_reshape,
    "contiguous": _Reader._read_identity,
}


def _shape(node: fx.Node) -> tuple[int, ...]:
    return tuple(getattr(node.meta["value"], "shape", ()))


def _path_of(node: fx.Node) -> str:
    return str(node.target).removeprefix("0").removeprefix(".") or "(the network itself)"


def _name_of(node: fx.Node) -> str:
    return str(getattr(node.target, "__name__", node.target))
