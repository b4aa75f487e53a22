"""Finds the activation that follows each layer, by reading the network's operations."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from initsweep.errors import InitsweepError
from initsweep.initializers.layers import RECURRENT, WEIGHTED, Activation
from initsweep.initializers.operations import effect_of, inputs_of, name_of
from initsweep.initializers.tracing import Trace, traces_of
from initsweep.registry import did_you_mean


class Activations(Mapping[str, Activation]):
    """Activation by the path of the layer that it follows; layers with a linear output are absent.

    Attributes:
        unclear: Layers of which reading the network does not tell, by path, with the reason. They
            are absent too.
    """

    def __init__(self, found: Mapping[str, Activation], unclear: Mapping[str, str]) -> None:
        self._found = dict(found)
        self.unclear = dict(unclear)

    def __getitem__(self, path: str) -> Activation:
        return self._found[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        return f"Activations({self._found!r}, unclear={self.unclear!r})"


@dataclass(frozen=True, slots=True)
class Composite:
    """An activation that a network computes in several operations, such as z sigmoid(z).

    Attributes:
        steps: Function, arguments and keywords of each; `fx.Node`s stand for earlier results.
    """

    source: fx.Node
    steps: tuple[tuple[fx.Node, Callable[..., Tensor]], ...]

    def __call__(self, z: Tensor) -> Tensor:
        """Return the activation of every entry, of the shape of `z`."""
        values: dict[fx.Node, Any] = {self.source: z}
        for node, function in self.steps:
            args, kwargs = fx.map_arg((node.args, node.kwargs), lambda one: values[one])
            values[node] = function(*args, **kwargs)
        return next(reversed(values.values()))  # type: ignore[no-any-return]


_ELEMENTWISE = {"activation", "arithmetic", "adds"}


@dataclass(frozen=True, slots=True)
class _Unclear:
    reason: str


_Outcome = Activation | _Unclear | None
"""What a layer's output meets on one of its ways; None is a linear output."""


def activations_after(model: nn.Module) -> Activations:
    """Return the activation that follows each layer, by the layer's module path.

    A network may say so itself through an attribute `activation_after`, a mapping from module
    path to function, and is believed. Otherwise its operations are read with `torch.fx`, past
    normalization, dropout, pooling, changes of shape and residual additions; of a network that
    cannot be traced as a whole, the parts that can be. Nothing is run and nothing is changed.

    Returns:
        The activations, and in `unclear` the layers about which the operations do not tell.

    Raises:
        InitsweepError: If the network's `activation_after` names a module it does not have.
    """
    declared: Mapping[str, Activation] | None = getattr(model, "activation_after", None)
    paths = [path for path, _ in model.named_modules()]
    if declared is not None:
        for name in declared:
            if name not in paths:
                raise InitsweepError(
                    f"{type(model).__name__}.activation_after names '{name}', which is not a "
                    f"module of the network.{did_you_mean(name, paths)}"
                )
        return Activations(declared, {})
    outcomes: dict[str, list[_Outcome]] = {
        path: []
        for path, module in model.named_modules()
        if isinstance(module, WEIGHTED) and not isinstance(module, RECURRENT)
    }
    known = dict(_inside_torch(model))
    for trace in traces_of(model):
        for path, outcome in _Reader(trace).outcomes():
            outcomes.setdefault(path, []).append(outcome)
    return _summed_up({**outcomes, **{path: [one] for path, one in known.items()}})


def _inside_torch(model: nn.Module) -> Iterator[tuple[str, Activation | None]]:
    """Yield what torch's transformer layers do inside; they cannot be traced.

    Yields:
        Module path and the activation after it.
    """
    for path, module in model.named_modules():
        if isinstance(module, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer):
            prefix = f"{path}." if path else ""
            yield f"{prefix}linear1", module.activation
            yield f"{prefix}linear2", None
            for name, child in module.named_children():
                if isinstance(child, nn.MultiheadAttention):
                    yield f"{prefix}{name}.out_proj", None
                    yield f"{prefix}{name}", None


def _summed_up(outcomes: Mapping[str, list[_Outcome]]) -> Activations:
    found: dict[str, Activation] = {}
    unclear: dict[str, str] = {}
    for path, ways in outcomes.items():
        reasons = [way.reason for way in ways if isinstance(way, _Unclear)]
        functions = [way for way in ways if way is not None and not isinstance(way, _Unclear)]
        if not ways:
            unclear[path] = "the network does not call it as a module"
        elif reasons:
            unclear[path] = reasons[0]
        elif functions and len(functions) < len(ways):
            unclear[path] = "an activation follows on some of its ways but not on all"
        elif any(not _same(functions[0], other) for other in functions[1:]):
            unclear[path] = "different activations follow it"
        elif functions:
            found[path] = functions[0]
    return Activations(found, unclear)


def _same(one: Activation, other: Activation) -> bool:
    grid = torch.linspace(-8, 8, 161, dtype=torch.float64)
    with torch.no_grad():
        return one is other or torch.equal(one(grid.clone()), other(grid.clone()))


class _Reader:
    """Follows the output of every layer of one trace to what becomes of it."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._order = {node: index for index, node in enumerate(trace.nodes)}

    def outcomes(self) -> Iterator[tuple[str, _Outcome]]:
        """Yield (path, outcome) for every way that a layer's output takes.

        Yields:
            At least one outcome for each call of a layer.
        """
        for node in self._trace.calls():
            module, path = self._trace.modules[str(node.target)], self._trace.path_of(node)
            if isinstance(module, RECURRENT):
                continue
            if isinstance(module, nn.MultiheadAttention):
                yield path, None  # attention reads its projections
                path = f"{path}.out_proj"
            for outcome in self._follow(node, set()):
                yield path, outcome

    def _follow(self, value: fx.Node, seen: set[fx.Node]) -> Iterator[_Outcome]:
        if value in seen:
            return
        seen.add(value)
        composed, exits = self._composed(value)
        if composed and any(map(self._is_nonlinear, composed)):
            yield self._activation(value, composed, exits)
        elif composed:
            for node in exits:
                yield from self._follow(node, seen)
        for user in value.users:
            if user not in composed:
                yield from self._meet(value, user, seen)

    def _meet(self, value: fx.Node, user: fx.Node, seen: set[fx.Node]) -> Iterator[_Outcome]:
        effect = effect_of(user, self._trace.modules)
        if user.op == "output":
            yield self._leave()
        elif effect in {"passes", "adds"} or (
            effect == "arithmetic" and inputs_of(user) == [value]
        ):
            yield from self._follow(user, seen)
        elif effect == "reads":
            yield None
        elif effect == "arithmetic":
            yield _Unclear("its output is multiplied with another value")
        elif effect != "shape":
            yield _Unclear(f"its output goes to {name_of(user)}, which is not a known operation")

    def _leave(self) -> _Outcome:
        if not self._trace.failure:
            return None
        return _Unclear(f"its output leaves '{self._trace.path}' and {self._trace.failure}")

    def _composed(self, value: fx.Node) -> tuple[list[fx.Node], list[fx.Node]]:
        """Return the elementwise operations on `value` alone, and those whose result is used."""
        members: list[fx.Node] = []
        reached = {value}
        for node in self._trace.nodes[self._order[value] + 1 :]:
            elementwise = effect_of(node, self._trace.modules) in _ELEMENTWISE
            if elementwise and node.all_input_nodes and reached.issuperset(node.all_input_nodes):
                reached.add(node)
                members.append(node)
        exits = [node for node in members if any(user not in reached for user in node.users)]
        return members, exits

    def _is_nonlinear(self, node: fx.Node) -> bool:
        effect = effect_of(node, self._trace.modules)
        return effect == "activation" or (
            effect == "arithmetic"
            and len(node.args) > 1
            and all(isinstance(one, fx.Node) for one in node.args[:2])
        )

    def _activation(
        self, source: fx.Node, members: list[fx.Node], exits: list[fx.Node]
    ) -> _Outcome:
        if len(exits) != 1:
            return _Unclear("its output goes through several activations side by side")
        last = exits[0]
        steps = tuple((one, self._function(one)) for one in members[: members.index(last) + 1])
        plain = last.all_input_nodes == list(last.args) and not set(last.kwargs) - {"inplace"}
        if len(steps) == 1 and plain:
            return steps[0][1]
        return Composite(source, steps)

    def _function(self, node: fx.Node) -> Callable[..., Tensor]:
        function = self._trace.function_of(node)
        # PReLU learns its slope; at the start it is a leaky ReLU.
        return nn.LeakyReLU(function.init) if isinstance(function, nn.PReLU) else function
