"""Reads a network's operations with `torch.fx`; where that fails, those of its children."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, cast

from torch import Tensor, fx, nn

from initsweep.core.errors import said_by
from initsweep.graph.kinds import is_a
from initsweep.graph.tracing import trace
from initsweep.graph.vocabulary import NORMS, WEIGHTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The operations of a network, or of the part of it that could be traced in one piece.

    Attributes:
        path: Path of the part in the network, "" for the whole network.
        nodes: The operations in the order of execution.
        modules: Modules by the names that nodes use.
        root: What has the constants that nodes refer to.
        failure: Why what is around the part could not be traced, "" for the whole network.
        broken: Whether the part could not be either, and these are its first operations only.
    """

    path: str
    nodes: tuple[fx.Node, ...]
    modules: Mapping[str, nn.Module]
    root: nn.Module
    failure: str = ""
    broken: bool = False

    def path_of(self, node: fx.Node) -> str:
        """Return the path in the network of the module that a node calls."""
        inner = str(node.target).removeprefix("0").removeprefix(".")
        return ".".join(part for part in (self.path, inner) if part)

    def function_of(self, node: fx.Node) -> Callable[..., Any]:
        """Return what a node calls, as a function of its arguments."""
        if node.op == "get_attr":
            return lambda: attrgetter(str(node.target))(self.root)
        if node.op == "call_module":
            return self.modules[str(node.target)]
        if node.op == "call_method":
            return cast(Callable[..., Any], getattr(Tensor, str(node.target)))
        return cast(Callable[..., Any], node.target)

    def is_number(self, node: fx.Node) -> bool:
        """Return whether a node is a constant or a parameter of one number."""
        if node.op != "get_attr":
            return False
        held = self.function_of(node)()
        return isinstance(held, Tensor) and held.numel() == 1

    def calls(self) -> list[fx.Node]:
        """Return the nodes that call a module with weights to fill, in the order of execution."""
        return [
            node
            for node in self.nodes
            if node.op == "call_module" and is_a(self.modules[str(node.target)], WEIGHTED)
        ]


Traces = Callable[[], Sequence[Trace]]
"""Returns what `traces_of` returns for a network, as often as it is asked."""


def traces_of(model: nn.Module) -> list[Trace]:
    """Return the operations of the network, in one trace if its `forward` can be traced.

    Otherwise a broken trace comes first, then each child is traced alone, and so on down to modules
    without children.
    """
    return list(_traces(model, "", ""))


def _traces(model: nn.Module, path: str, failure: str) -> Iterator[Trace]:
    # Wrapped, so that a network that is itself a layer is an operation too.
    root = nn.Sequential(model)
    graph, broken = fx.Graph(), False
    twin: nn.Module = root
    try:
        twin = trace(root, _is_one_operation, graph=graph, needed=_needed(model)).root
    except Exception as error:  # noqa: BLE001 - a user's forward may do anything to a tracer
        reason = said_by(error)[0]
        failure, broken = f"{path or 'its forward'} cannot be traced: {reason}", True
    modules, nodes = dict(root.named_modules()), tuple(graph.nodes)
    yield Trace(path=path, nodes=nodes, modules=modules, root=twin, failure=failure, broken=broken)
    for name, child in model.named_children() if broken else ():
        yield from _traces(child, f"{path}.{name}" if path else name, failure)


def _needed(model: nn.Module) -> tuple[str, ...]:
    """Return the names of the arguments that a network needs, if it is not a single one."""
    taken = [*inspect.signature(type(model).forward).parameters.values()][1:]
    rest = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    names = [one.name for one in taken if one.default is one.empty and one.kind not in rest]
    return tuple(names) if len(names) > 1 else ()


def _is_one_operation(module: nn.Module) -> bool:
    """Return whether it is one of torch's own, or derived from or like one that has weights."""
    ours = type(module).__module__.startswith("torch.nn") and not any(module.children())
    return is_a(module, (*WEIGHTED, *NORMS)) or ours
