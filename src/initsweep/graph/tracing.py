"""Traces a network with `torch.fx` without its patches, so that other threads notice nothing.

`fx.Tracer.trace` exchanges methods of `nn.Module`, the functions of `math` and globals of the
user's, in the whole process, for as long as it takes. Here calls are recorded by the modules of a
twin, and by the user's functions, copies of which see other globals.
"""

import inspect
import math
import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn
from torch.fx import _symbolic_trace as symbolic
from torch.utils.checkpoint import checkpoint

from initsweep.graph.copies import Copier
from initsweep.graph.torch_generator import private_draws
from initsweep.graph.twins import Apart, run_at_once

Leaf = Callable[[nn.Module], bool]
"""Whether to take a module as one operation."""


class Traced(NamedTuple):
    """The operations of a network.

    Attributes:
        root: A twin of the network, with the constants that the graph refers to.
        graph: Its operations.
    """

    root: nn.Module
    graph: fx.Graph


class _Values(fx.Interpreter):
    """Runs a network and keeps every value."""

    def run_node(self, n: fx.Node) -> object:
        """Return what one node gives, and keep it."""
        given = super().run_node(n)
        # A copy, because what follows may overwrite it.
        n.meta["value"] = given.clone() if isinstance(given, Tensor) else given
        return given


def keep_values(traced: Traced, *inputs: object) -> None:
    """Run a network, and keep what each node gives in its `meta["value"]`."""
    with torch.no_grad(), private_draws(0):
        _Values(traced.root, graph=traced.graph).run(*inputs)


def trace(
    model: nn.Module,
    is_leaf: Leaf,
    *,
    training: bool | None = None,
    given: Mapping[int, object] | None = None,
    dtype: torch.dtype | None = None,
    graph: fx.Graph | None = None,
    needed: Sequence[str] = (),
) -> Traced:
    """Return the operations of a network, which is left as it is, as are generators.

    Whatever a `forward` raises when it is given proxies is raised.

    Args:
        model: The network.
        is_leaf: Whether to take a module as one operation.
        training: The mode to trace it in; by default that in which it is.
        given: As for `twin_of`.
        dtype: As for `twin_of`.
        graph: Where to record, an empty one; it has the operations up to the one that is raised at.
        needed: Names of arguments with which to call what the network wraps, instead of itself.
    """
    tracer = _Tracer(is_leaf, fx.Graph() if graph is None else graph)
    root = tracer.twin_of(model, given or {}, dtype)
    if training is not None:
        root.train(training)
    with torch.no_grad(), private_draws(0):
        return Traced(root, tracer.recorded(root, needed))


class _Tracer(fx.Tracer):
    """Records what the modules of a twin call, until the trace is done."""

    def __init__(self, is_leaf: Leaf, graph: fx.Graph) -> None:
        super().__init__(autowrap_modules=())  # type: ignore[arg-type]
        self._is_leaf, self.graph, self._recording = is_leaf, graph, False
        self._qualname_counter = defaultdict(int)  # not the one that all tracers share

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:  # noqa: ARG002
        """Return whether to take the module as one operation."""
        return self._is_leaf(m)

    def recorded(self, root: nn.Module, needed: Sequence[str]) -> fx.Graph:
        """Return the operations of a twin.

        Source: `fx.Tracer.trace`, without the patches.
        """
        self.root = root
        self.submodule_paths = {module: path for path, module in root.named_modules()}
        self.tensor_attrs = {
            value: f"{path}.{name}".lstrip(".")
            for path, module in root.named_modules()
            for name, value in vars(module).items()
            if isinstance(value, Tensor | torch.ScriptObject)
        }
        function: Callable[..., Any]
        if needed:
            given = {name: self.create_proxy("placeholder", name, (), {}) for name in needed}
            function, args = partial(next(root.children()), **given), list[Any]()
        else:
            function, args = self.create_args_for_root(type(root).forward, is_module=True)
        self._recording = True
        result = function(*args)
        if not isinstance(result, fx.Proxy):  # an object counts for the signals that it holds
            held = getattr(result, "__dict__", {}).values()
            result = [one for one in held if isinstance(one, fx.Proxy)] or result
        self.create_node("output", "output", (self.create_arg(result),), {})
        self._recording = False
        return self.graph

    def twin_of(
        self, model: nn.Module, given: Mapping[int, object], dtype: torch.dtype | None
    ) -> nn.Module:
        """Return a twin that records what it is called with."""
        tracer, proxies = self, dict[str, fx.Proxy]()

        class Recorded(Apart):
            def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
                call = super().__call__
                if not tracer._recording:
                    return call(*args, **kwargs)
                return tracer.call_module(self, call, args, kwargs)

            def __getattr__(self, name: str) -> Any:  # noqa: ANN401
                value = super().__getattr__(name)
                return tracer.getattr(name, value, proxies) if tracer._recording else value

        twin: nn.Module = Copier(Recorded, _recording_functions() | dict(given), dtype).of(model)
        return twin


def _recording_functions() -> dict[int, object]:
    """Return what stands for `len` and the functions of `math`, whose arguments may be recorded."""
    # Unwrapped, as somebody may be tracing with patches.
    functions = [inspect.unwrap(one) for one in (len, *vars(math).values()) if callable(one)]
    recorded = {id(one): symbolic._create_wrapped_func(one) for one in functions}
    return recorded | {id(warnings.warn): _say_nothing, id(checkpoint): run_at_once}


def _say_nothing(*args: object, **kwargs: object) -> None:
    """Stand for `warnings.warn`: a network warns when it runs, not when it is read."""
