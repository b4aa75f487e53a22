"""Traces a network with `torch.fx` without its patches, so that other threads notice nothing.

`fx.Tracer.trace` exchanges methods of `nn.Module`, the functions of `math` and globals of the
user's, in the whole process, for as long as it takes. Here calls are recorded by the modules of a
twin, and by the user's functions, copies of which see other globals.
"""

import builtins
import inspect
import math
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn
from torch.fx import _symbolic_trace as symbolic
from torch.utils.checkpoint import checkpoint

from initsweep.graph.draws import private_draws
from initsweep.graph.twins import Apart, Copier

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


def trace(model: nn.Module, is_leaf: Leaf) -> Traced:
    """Return the operations of a network, which is left as it is, as are generators.

    Whatever a `forward` raises when it is given proxies is raised.
    """
    with torch.no_grad(), private_draws(0):
        return _Tracer(is_leaf).traced(model)


class _Tracer(fx.Tracer):
    """Records what the modules of a twin call, until the trace is done."""

    def __init__(self, is_leaf: Leaf) -> None:
        super().__init__(autowrap_modules=())  # type: ignore[arg-type]
        self._is_leaf, self._recording = is_leaf, True
        self._qualname_counter = defaultdict(int)  # not the one that all tracers share

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:  # noqa: ARG002
        """Return whether to take the module as one operation."""
        return self._is_leaf(m)

    def traced(self, model: nn.Module) -> Traced:
        """Return the operations of a network.

        Source: `fx.Tracer.trace`, without the patches.
        """
        root = self.root = _RecordingCopier(self._recorded()).of(model)
        self.submodule_paths = {module: path for path, module in root.named_modules()}
        self.tensor_attrs = {
            value: f"{path}.{name}".lstrip(".")
            for path, module in root.named_modules()
            for name, value in vars(module).items()
            if isinstance(value, Tensor | torch.ScriptObject)
        }
        self.graph = fx.Graph(tracer_cls=type(self))
        function, args = self.create_args_for_root(type(root).forward, is_module=True)
        self.create_node("output", "output", (self.create_arg(function(*args)),), {})
        self._recording = False
        return Traced(root, self.graph)

    def _recorded(self) -> type[Apart]:
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

        return Recorded


class _RecordingCopier(Copier):
    """Copies the user's functions too: theirs of `math` record what they are called with."""

    def __init__(self, apart: type[nn.Module]) -> None:
        # Unwrapped, as somebody may be tracing with patches.
        functions = [inspect.unwrap(value) for value in vars(math).values() if callable(value)]
        recorded = {id(one): symbolic._create_wrapped_func(one) for one in functions}
        instead = {id(warnings.warn): _say_nothing, id(checkpoint): _run_at_once}
        super().__init__(apart, recorded | instead)
        self._spaces: dict[int, _Space] = {}

    def space(self, function: FunctionType) -> dict[str, Any]:
        """Return the globals that the copy of a function sees."""
        return self.space_of(function.__globals__)

    def space_of(self, names: dict[str, Any]) -> "_Space":
        """Return what stands for a module's globals."""
        return self._spaces.setdefault(id(names), _Space(self, names))

    def python_module(self, one: ModuleType) -> ModuleType:
        """Return what stands for a module of Python."""
        return _Module(one, self)


class _Space(dict[str, Any]):
    """Globals: copies of what is there. What a function sets stays here."""

    def __init__(self, copier: _RecordingCopier, names: dict[str, Any]) -> None:
        super().__init__(__builtins__=vars(builtins) | {"__import__": self._import})
        self._copier, self._names = copier, names

    def __missing__(self, name: str) -> Any:  # noqa: ANN401
        """Return the copy of a global.

        Raises:
            KeyError: If there is none of this name; Python then looks among its own.
        """
        wrapped = (id(self._names), name) in symbolic._wrapped_fns_to_patch
        if wrapped:
            original = self._names[name] if name in self._names else getattr(builtins, name)
            return symbolic._create_wrapped_func(original)
        return self._copier.of(self._names[name])

    def _import(
        self,
        name: str,
        _space: object = None,
        _local: object = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> object:
        return self._copier.of(__import__(name, self._names, None, fromlist, level))


class _Module(ModuleType):
    """A module of Python whose attributes are copies."""

    def __init__(self, original: ModuleType, copier: _RecordingCopier) -> None:
        super().__init__(original.__name__)
        self.__dict__["_original"], self.__dict__["_copier"] = original, copier

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Return the copy of an attribute."""
        names = vars(self._original)
        if name in names:
            return self._copier.space_of(names)[name]
        return self._copier.of(getattr(self._original, name))


def _say_nothing(*args: object, **kwargs: object) -> None:
    """Stand for `warnings.warn`: a network warns when it runs, not when it is read."""


def _run_at_once(function: Callable[..., object], *args: object, **settings: object) -> object:
    """Return what `checkpoint` returns, without its warning that proxies have no gradient."""
    return function(*args, **{k: v for k, v in settings.items() if k not in _OF_CHECKPOINT})


_OF_CHECKPOINT = inspect.signature(checkpoint).parameters
